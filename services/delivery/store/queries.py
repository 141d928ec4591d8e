"""How answers to queries are kept: one row for each, added once and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, or_, select

from services.delivery.rules.answer import Answered, Kind
from services.delivery.tables.queries import queries, query_attempts
from shared.database import Transaction
from shared.grades import Grade, Mode
from shared.ids import EntitlementId, ParticipantId, QueryId, UseId


async def add_answer(tx: Transaction, answered: Answered) -> None:
    await tx.execute(insert(queries).values({column.name: getattr(answered, column.name) for column in queries.c}))


async def attempts_at(tx: Transaction, use_id: UseId) -> list[datetime]:
    """When this use was computed so far, oldest first."""
    query = select(query_attempts.c.attempted_at).where(query_attempts.c.use_id == use_id)
    return [row.attempted_at for row in await tx.execute(query.order_by(query_attempts.c.number))]


async def add_attempt(tx: Transaction, use_id: UseId, number: int, now: datetime) -> None:
    await tx.execute(insert(query_attempts).values(use_id=use_id, number=number, attempted_at=now))


async def listed_answers(
    tx: Transaction, party: ParticipantId | None, entitlement_id: EntitlementId | None, after: QueryId | None,
    limit: int,
) -> list[Answered]:  # fmt: skip
    """In order of age; those in which `party` asks or provides, or all if it is None."""
    where: list[ColumnElement[bool]] = []
    if party is not None:
        where.append(or_(queries.c.buyer_id == party, queries.c.provider_id == party))
    if entitlement_id is not None:
        where.append(queries.c.entitlement_id == entitlement_id)
    if after is not None:
        where.append(queries.c.id > after)
    query = select(*queries.c).where(*where).order_by(queries.c.id).limit(limit)
    return [_answered(row) for row in await tx.execute(query)]


def _answered(row: Row[Any]) -> Answered:
    return Answered(
        row.id, Kind(row.kind), row.entitlement_id, row.contract_id, row.use_id, row.version_id, row.provider_id,
        row.buyer_id, Mode(row.mode), Grade(row.grade), row.grade_revision, row.query_digest, row.content_hash,
        row.result_digest, row.row_count, row.truncated, row.policy_version, row.engine_version, row.answered_at,
    )  # fmt: skip
