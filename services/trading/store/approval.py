"""How the approvals of access to important data are kept: of each the newest that was told, in whatever order."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from services.trading.rules.approval import Approval
from services.trading.tables.approvals import approvals
from shared.database import Transaction, for_update, insert_into
from shared.grades import Mode
from shared.ids import ParticipantId, VersionId


async def keep(tx: Transaction, approval: Approval) -> None:
    """Keep what was told of it, and it locked, unless more is known already."""
    told = {
        "version_id": approval.version_id, "provider_id": approval.provider_id, "buyer_id": approval.buyer_id,
        "mode": approval.mode, "purpose": approval.purpose, "ends_at": approval.ends_at, "revision": approval.revision,
    }  # fmt: skip
    known = insert_into(tx, approvals).values(access_request_id=approval.id, **told)
    older = approvals.c.revision < approval.revision
    await tx.execute(known.on_conflict_do_update(index_elements=["access_request_id"], set_=told, where=older))


async def standing_of(tx: Transaction, buyer_id: ParticipantId, now: datetime) -> list[Approval]:
    """A buyer's, of whatever version."""
    return await _standing(tx, now, approvals.c.buyer_id == buyer_id)


async def standing_for(
    tx: Transaction, version_id: VersionId, buyer_id: ParticipantId, now: datetime
) -> list[Approval]:  # fmt: skip
    """A buyer's of a version, locked in the order of their ids: who takes one back waits for what rests on it."""
    where = (approvals.c.buyer_id == buyer_id, approvals.c.version_id == version_id)
    return await _standing(tx, now, *where, lock=True)


async def standing_over(tx: Transaction, version_id: VersionId, now: datetime) -> list[Approval]:
    """Every buyer's of a version."""
    return await _standing(tx, now, approvals.c.version_id == version_id)


async def _standing(
    tx: Transaction, now: datetime, *where: ColumnElement[bool], lock: bool = False
) -> list[Approval]:  # fmt: skip
    query = select(*approvals.c).where(*where, approvals.c.ends_at > now).order_by(approvals.c.access_request_id)
    return [_approval(row) for row in await tx.execute(for_update(query, tx) if lock else query)]


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        row.access_request_id, row.version_id, row.provider_id, row.buyer_id, Mode(row.mode), row.purpose, row.ends_at,
        row.revision,
    )  # fmt: skip
