"""What can be asked about the review of an asset: by its provider, who submits it, and by the operators, who decide."""

from services.catalog.actions import registration as actions
from services.catalog.actions.catalog import viewer
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.assets import AssetView, Confirmation, Refusal
from shared.idempotency import Keyed
from shared.ids import AssetId
from shared.permission import OperatorBusiness, Provider
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/assets/{asset_id}/submit")
async def submit(asset_id: AssetId, provider: Provider, once: Keyed, catalog: CatalogService) -> AssetView:
    """Submit the version that is inspected and graded for registration."""
    return AssetView.of(await actions.submit(catalog, provider, asset_id, once), viewer(catalog, provider))


@router.post("/assets/{asset_id}/register")
async def register(
    asset_id: AssetId, yes: Confirmation, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> AssetView:
    """Register what is under review. From G4, the first of two operators only agrees: the state stays as it was."""
    entry = await actions.register(catalog, operator, asset_id, yes.grade, yes.note, once)
    return AssetView.of(entry, viewer(catalog, operator))


@router.post("/assets/{asset_id}/refuse")
async def refuse(
    asset_id: AssetId, no: Refusal, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> AssetView:
    """Refuse what is under review."""
    entry = await actions.refuse(catalog, operator, asset_id, no.reason_code, no.reason, once)
    return AssetView.of(entry, viewer(catalog, operator))
