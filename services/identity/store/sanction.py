"""How sanctions are kept: of each what trading said last."""

from typing import Any

from sqlalchemy import Row, select

from services.identity.rules.sanction import Sanction
from services.identity.tables import sanctions
from shared.database import Transaction, for_update, insert_into
from shared.ids import SanctionId

COLUMNS = tuple(sanctions.c[name] for name in ("id", "participant_id", "revision", "ends_at", "reason"))


async def sanction_for_update(tx: Transaction, sanction_id: SanctionId) -> Sanction | None:
    row = (await tx.execute(for_update(select(*COLUMNS).where(sanctions.c.id == sanction_id), tx))).one_or_none()
    return _sanction(row) if row else None


async def put(tx: Transaction, sanction: Sanction, uscc: str) -> None:
    """Leaves what was said later as it is, whoever wrote that at the same time."""
    said = {"revision": sanction.revision, "ends_at": sanction.until, "reason": sanction.reason}
    new = {"id": sanction.id, "participant_id": sanction.participant_id, "uscc": uscc, **said}
    was_earlier = sanctions.c.revision < sanction.revision
    statement = insert_into(tx, sanctions).values(new)
    await tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=said, where=was_earlier))


async def against(tx: Transaction, uscc: str) -> list[Sanction]:
    """All that were ever imposed on an organisation, whichever of its participations they named."""
    query = select(*COLUMNS).where(sanctions.c.uscc == uscc).order_by(sanctions.c.id)
    return [_sanction(row) for row in await tx.execute(query)]


def _sanction(row: Row[Any]) -> Sanction:
    return Sanction(row.id, row.participant_id, row.revision, row.ends_at, row.reason)
