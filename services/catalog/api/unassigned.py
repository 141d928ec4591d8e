"""What can be asked about entries that wait for an officer to be named for them."""

from services.catalog.actions import unassigned as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.unassigned import UnassignedView
from shared.permission import OperatorSecurity
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.get("/unassigned")
async def unassigned(_: OperatorSecurity, catalog: CatalogService, page: PageQuery) -> Listing[UnassignedView]:
    """What of G4 and G5 is under review or registered, and assigned to nobody (待指派): `POST /identity/v1/assignments`
    names somebody. Oldest first."""
    found = await actions.unassigned(catalog, page)
    views = [UnassignedView.model_validate(each, from_attributes=True) for each in found]
    return Listing[UnassignedView].of(views, page, key=lambda view: view.asset_id)
