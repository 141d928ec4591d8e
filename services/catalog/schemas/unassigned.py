"""What crosses the wire about entries that nobody of the exchange is assigned to."""

from datetime import datetime

from services.catalog.rules.asset import NextActor
from shared.grades import Grade
from shared.ids import AssetId
from shared.web import View


class UnassignedView(View):
    """待指派 · An entry that shows to no officer yet, by its id and its strictest grade alone; and, under review, by
    when it is to be decided."""

    asset_id: AssetId
    grade: Grade
    next_actor: NextActor | None
    deadline: datetime | None
