"""What can be asked about assets: by anyone who may see them, and by the provider of each."""

from fastapi import Response

from services.catalog.actions import asset as actions
from services.catalog.actions.asset import Seen
from services.catalog.actions.catalog import viewer
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.assets import AssetChange, AssetView, NewAsset, NewSource
from shared import web
from shared.idempotency import Keyed
from shared.ids import AssetId
from shared.permission import Provider, Visitor
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/assets", status_code=201)
async def draft(
    new: NewAsset, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> AssetView:
    """Draft an asset, with the version that its first content goes to."""
    entry = await actions.draft(catalog, provider, new.about(), once)
    web.created(response, f"{PREFIX}/assets/{entry.asset.id}")
    return AssetView.of(entry, viewer(catalog, provider))


@router.get("/assets/{asset_id}")
async def entry(asset_id: AssetId, visitor: Visitor, catalog: CatalogService) -> AssetView:
    """One entry, as far as it shows to you; your own in full."""
    return _shown(await actions.entry(catalog, visitor, asset_id))


@router.patch("/assets/{asset_id}")
async def describe(asset_id: AssetId, change: AssetChange, provider: Provider, catalog: CatalogService) -> AssetView:
    """Describe your draft anew."""
    entry = await actions.describe(catalog, provider, asset_id, change)
    return AssetView.of(entry, viewer(catalog, provider))


@router.post("/assets/{asset_id}/versions", status_code=201)
async def add_version(
    asset_id: AssetId, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> AssetView:
    """Add a version for new content. An unfinished one gives way to it."""
    web.created(response, f"{PREFIX}/assets/{asset_id}")
    return AssetView.of(await actions.add_version(catalog, provider, asset_id, once), viewer(catalog, provider))


@router.post("/assets/{asset_id}/source-declaration")
async def declare_source(
    asset_id: AssetId, source: NewSource, provider: Provider, once: Keyed, catalog: CatalogService
) -> AssetView:
    """Declare where the data come from and by what right: required by Data Security Law art. 33."""
    entry = await actions.declare_source(catalog, provider, asset_id, source.declaration(), once)
    return AssetView.of(entry, viewer(catalog, provider))


@router.post("/assets/{asset_id}/withdraw")
async def withdraw(asset_id: AssetId, provider: Provider, once: Keyed, catalog: CatalogService) -> AssetView:
    """Withdraw the asset for good: its offers are taken off and auctions without a bid called off. Deals stand."""
    return AssetView.of(await actions.withdraw(catalog, provider, asset_id, once), viewer(catalog, provider))


def _shown(seen: Seen) -> AssetView:
    return AssetView.of(seen.entry, seen.viewer, seen.fields)
