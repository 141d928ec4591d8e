"""What can be asked about objections: by participants, who raise them, and by the operators, who decide them."""

from fastapi import Response

from services.catalog.actions import objection as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.assets import Refusal
from services.catalog.schemas.filings import Because, NewObjection, ObjectionView
from shared import web
from shared.idempotency import Keyed
from shared.ids import AssetId, ObjectionId
from shared.permission import OperatorBusiness, Party, Reader
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/assets/{asset_id}/objections", status_code=201)
async def object_to(
    asset_id: AssetId, new: NewObjection, objector: Party, once: Keyed, catalog: CatalogService, response: Response
) -> ObjectionView:
    """Object (异议) to what of the asset is under notice, which is held until this is decided; or else to its entry,
    of which nothing is newly offered meanwhile."""
    made = await actions.object_to(
        catalog, objector, asset_id, new.ground, new.statement, new.evidence_hash, once
    )  # fmt: skip
    web.created(response, f"{PREFIX}/objections/{made.id}")
    return ObjectionView.of(made)


@router.get("/assets/{asset_id}/objections")
async def listed(asset_id: AssetId, caller: Reader, catalog: CatalogService, page: PageQuery) -> Listing[ObjectionView]:
    """The objections to an asset, newest first: all for its provider and the staff, your own for you."""
    found = await actions.objections_to(catalog, caller, asset_id, page.limit, page.after_id(ObjectionId))
    return Listing[ObjectionView].of([ObjectionView.of(each) for each in found], page, key=lambda view: view.id)


@router.get("/objections/{objection_id}")
async def objection(objection_id: ObjectionId, caller: Reader, catalog: CatalogService) -> ObjectionView:
    """One objection, for its objector, the asset's provider and the platform's staff."""
    return ObjectionView.of(await actions.objection(catalog, caller, objection_id))


@router.post("/objections/{objection_id}/withdraw")
async def withdraw(objection_id: ObjectionId, objector: Party, once: Keyed, catalog: CatalogService) -> ObjectionView:
    """Take your objection back: what it was against goes on."""
    return ObjectionView.of(await actions.withdraw(catalog, objector, objection_id, once))


@router.post("/objections/{objection_id}/dismiss")
async def dismiss(
    objection_id: ObjectionId, no: Refusal, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> ObjectionView:
    """Find the objection wrong: what it was against goes on."""
    return ObjectionView.of(
        await actions.dismiss(catalog, operator, objection_id, no.reason_code, no.reason, once)
    )  # fmt: skip


@router.post("/objections/{objection_id}/uphold")
async def uphold(
    objection_id: ObjectionId, yes: Because, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> ObjectionView:
    """Find the objection right: a filing under notice is refused; of a registered entry, the revocation begins, to
    which a second operator agrees."""
    return ObjectionView.of(await actions.uphold(catalog, operator, objection_id, yes.reason, once))
