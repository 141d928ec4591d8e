"""How sanctions are kept. One of a participant stands at most."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select

from services.trading.rules.sanction import (
    IMPOSED,
    SANCTION,
    NoSuchSanction,
    Sanction,
    Sanctioned,
    State,
)
from services.trading.store import rows
from services.trading.tables.supervision import sanctions
from shared.database import Transaction, for_update
from shared.ids import ParticipantId, SanctionId
from shared.web import Page

DUE_MAX = 100


async def add_sanction(tx: Transaction, sanction: Sanction) -> None:
    """Requires the locked record, and that none stands."""
    await tx.execute(insert(sanctions).values(_row(sanction)))


async def save_sanction(tx: Transaction, sanction: Sanction) -> None:
    await rows.save(tx, sanctions, sanction, _row(sanction))


async def sanction(
    tx: Transaction, sanction_id: SanctionId, participant_id: ParticipantId | None, *, lock: bool = False
) -> Sanction:
    """One's own: another's is not there. For None, anyone's."""
    query = select(*sanctions.c).where(sanctions.c.id == sanction_id)
    if participant_id is not None:
        query = query.where(sanctions.c.participant_id == participant_id)
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchSanction()
    return _sanction(row)


async def standing_of(tx: Transaction, participant_id: ParticipantId) -> Sanction | None:
    """The one that stands against a participant, locked."""
    open_one = (sanctions.c.participant_id == participant_id, sanctions.c.state.in_(SANCTION.open_states()))
    row = (await tx.execute(for_update(select(*sanctions.c).where(*open_one), tx))).one_or_none()
    return _sanction(row) if row else None


async def page_of_sanctions(tx: Transaction, page: Page, participant_id: ParticipantId | None) -> list[Sanction]:
    query = select(*sanctions.c)
    if participant_id is not None:
        query = query.where(sanctions.c.participant_id == participant_id)
    return [_sanction(row) for row in await tx.execute(rows.newest_first(query, sanctions.c.id, SanctionId, page))]


async def sanctions_due(tx: Transaction, now: datetime) -> list[SanctionId]:
    """Those whose deadline has passed, at most a hundred."""
    query = select(sanctions.c.id).where(sanctions.c.deadline <= now).order_by(sanctions.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def bound_until(
    tx: Transaction, participant_ids: Iterable[ParticipantId], now: datetime
) -> dict[ParticipantId, datetime]:
    """Those of these participants whom a sanction binds at a moment, and until when."""
    binding = (sanctions.c.state == IMPOSED, sanctions.c.deadline > now)
    query = select(sanctions.c.participant_id, sanctions.c.deadline)
    found = await tx.execute(query.where(*binding, sanctions.c.participant_id.in_(list(participant_ids))))
    return {row.participant_id: row.deadline for row in found}


async def require_unbound(tx: Transaction, participant_id: ParticipantId, now: datetime) -> None:
    """Raises Sanctioned if a sanction binds them."""
    for until in (await bound_until(tx, [participant_id], now)).values():
        raise Sanctioned(until=until)


def _sanction(row: Row[Any]) -> Sanction:
    return Sanction(
        row.id, row.participant_id, row.points, State(row.state), row.notified_at, row.deadline, row.provisional,
        row.statement, row.decided_by, row.reason_code, row.reason, row.revision,
    )  # fmt: skip


def _row(sanction: Sanction) -> dict[str, object]:
    return {
        "id": sanction.id, "participant_id": sanction.participant_id, "points": sanction.points,
        "state": sanction.state, "notified_at": sanction.notified_at, "deadline": sanction.deadline,
        "provisional": sanction.provisional, "statement": sanction.statement, "decided_by": sanction.decided_by,
        "reason_code": sanction.reason_code, "reason": sanction.reason, "revision": sanction.revision,
    }  # fmt: skip
