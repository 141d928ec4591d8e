"""What can be asked about transfers abroad."""

from fastapi import Response

from services.delivery.actions import export as actions
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.exports import ExportClearanceView, NewExportClearance
from shared import web
from shared.idempotency import Keyed
from shared.ids import EntitlementId
from shared.permission import ExportReader, OperatorSecurity
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/entitlements/{entitlement_id}/export-clearances", status_code=201)
async def record_clearance(
    entitlement_id: EntitlementId, new: NewExportClearance, operator: OperatorSecurity, once: Keyed,
    depot: DeliveryService, response: Response,
) -> ExportClearanceView:  # fmt: skip
    """Record that a transfer abroad under this entitlement was checked. The newest record counts, until it runs out."""
    clearance = await actions.record_clearance(depot, operator, entitlement_id, new, once)
    web.created(response, f"{PREFIX}/entitlements/{entitlement_id}/export-clearances")
    return ExportClearanceView.of(clearance)


@router.get("/entitlements/{entitlement_id}/export-clearances")
async def see_clearances(
    entitlement_id: EntitlementId, caller: ExportReader, depot: DeliveryService, page: web.PageQuery
) -> web.Listing[ExportClearanceView]:
    """What is on record of transfers abroad under an entitlement of yours, oldest first."""
    found = await actions.clearances(depot, caller, entitlement_id, page)
    shown = [ExportClearanceView.of(each) for each in found]
    return web.Listing[ExportClearanceView].of(shown, page, lambda view: view.id)
