"""Which entries of G4 and G5 nobody of the exchange is assigned to: one statement however many there are."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, true

from services.catalog.rules.asset import REGISTERED, SUBMITTED, UNDER_NOTICE, NextActor
from services.catalog.rules.version import LAPSED
from services.catalog.store import sight
from services.catalog.tables.entries import assets, versions
from shared.database import Transaction
from shared.grades import G4, G5, Grade
from shared.ids import AssetId
from shared.oversight import Oversight

ALIVE = (SUBMITTED, UNDER_NOTICE, REGISTERED)


@dataclass(frozen=True, slots=True)
class Unassigned:
    """What an entry tells before anybody may look into it: its strictest grade, and whom it waits for until when."""

    asset_id: AssetId
    grade: Grade
    next_actor: NextActor | None
    deadline: datetime | None


async def unassigned(tx: Transaction, assigned: Oversight, after: AssetId | None, limit: int) -> list[Unassigned]:
    """Oldest first. Requires all that the officers of the business are assigned, as if it were one person's."""
    strictest = func.max(versions.c.grade)
    columns = (assets.c.id, assets.c.next_actor, assets.c.deadline)
    query = (
        select(*columns, strictest.label("grade"))
        .join(versions, versions.c.asset_id == assets.c.id)
        .where(
            assets.c.state.in_(ALIVE), versions.c.state != LAPSED, versions.c.grade.in_((G4, G5)),
            sight.has_unseen(assets.c.id, assets.c.provider_id, assigned), assets.c.id > after if after else true(),
        )
        .group_by(*columns)
        .order_by(assets.c.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Unassigned(row.id, Grade(row.grade), row.next_actor and NextActor(row.next_actor), row.deadline)
        for row in await tx.execute(query)
    ]
