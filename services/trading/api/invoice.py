"""What can be asked about the invoices of a month."""

from fastapi import Response

from services.trading.actions import invoice as actions
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.invoice import InvoicesView
from shared.permission import PartyInDeal
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.get("/wallet/invoices/{month}")
async def see_invoices(
    month: str, caller: PartyInDeal, page: PageQuery, trading: TradingService
) -> Listing[InvoicesView]:  # fmt: skip
    """What is to be invoiced for a month, by order: sales, the exchange's fees, and red lines for refunds."""
    found = await actions.invoices(trading, caller.participant_id, month, page)
    return Listing[InvoicesView].of([InvoicesView.of(each) for each in found], page, lambda view: view.order_id)


@router.get("/wallet/invoices/{month}/export.csv", response_class=Response)
async def export(month: str, caller: PartyInDeal, trading: TradingService) -> Response:
    """The same as a table for spreadsheets in UTF-8, of which no cell runs as a formula."""
    text = await actions.exported(trading, caller.participant_id, month)
    headers = {"Content-Disposition": f'attachment; filename="invoices-{month}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
