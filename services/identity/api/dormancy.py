"""Accounts that nobody uses."""

from services.identity.actions import dormancy
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.dormancy import DormantView
from shared.permission import DormancyReader
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.get("/dormant-accounts")
async def dormant_accounts(
    caller: DormancyReader, identity: IdentityService, page: PageQuery
) -> Listing[DormantView]:  # fmt: skip
    """The users and clients of your organisation that nobody has used for long, for its administrator; everyone's, for
    an operator for security."""
    found = await dormancy.dormant(identity, caller, page)
    views = [DormantView.of(each, identity.dormancy) for each in found]
    return Listing[DormantView].of(views, page, lambda view: view.subject)
