"""What can be asked about the rules of grading, by anyone: rules that bind people are open to them."""

from services.catalog.api.service import PREFIX
from services.catalog.schemas.grading_rules import GradingRulesView
from shared.permission import Public
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.get("/grading-rules")
async def grading_rules(_: Public) -> list[GradingRulesView]:
    """Every version of the rules that ever graded anything, the oldest first."""
    return GradingRulesView.all()
