"""What can be asked of cost sheets (数据资源入表)."""

from fastapi import Response

from services.pricing.actions import cost_sheet as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.cost_sheets import CostSheetView, NewCostSheet
from shared import web
from shared.idempotency import Keyed
from shared.ids import CostSheetId
from shared.permission import BookReader, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/cost-sheets", status_code=201)
async def draw(
    new: NewCostSheet, provider: Provider, once: Keyed, pricing: PricingService, response: Response
) -> CostSheetView:
    """Have the costs of a version of yours treated by the accounting rule: capitalised or expensed, with the reason."""
    sheet = await actions.draw(pricing, provider, new.statement(), once)
    web.created(response, f"{PREFIX}/cost-sheets/{sheet.id}")
    return CostSheetView.of(sheet)


@router.get("/cost-sheets")
async def listed(provider: Provider, pricing: PricingService, page: PageQuery) -> Listing[CostSheetView]:
    """Your cost sheets, newest first."""
    found = await actions.listed(pricing, provider, page)
    return Listing[CostSheetView].of([CostSheetView.of(each) for each in found], page, key=lambda view: view.id)


@router.get("/cost-sheets/{cost_sheet_id}")
async def seen(cost_sheet_id: CostSheetId, caller: BookReader, pricing: PricingService) -> CostSheetView:
    """A cost sheet of yours, with all that the disclosure needs."""
    return CostSheetView.of(await actions.seen(pricing, caller, cost_sheet_id))


@router.get("/cost-sheets/{cost_sheet_id}/disclosure.csv", response_class=Response)
async def exported(cost_sheet_id: CostSheetId, caller: BookReader, pricing: PricingService) -> Response:
    """The same as a table for spreadsheets, of which no cell runs as a formula."""
    text = await actions.exported(pricing, caller, cost_sheet_id)
    headers = {"Content-Disposition": f'attachment; filename="{cost_sheet_id}.csv"'}
    return Response(text, media_type="text/csv", headers=headers)
