"""What can be asked about the invoices of a month."""

from fastapi import APIRouter

from services.trading.actions import invoice as actions
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.invoice import InvoicesView
from shared.permission import PartyInDeal
from shared.web import Listing, PageQuery

router = APIRouter(prefix=PREFIX)


@router.get("/wallet/invoices/{month}")
async def see_invoices(
    month: str, caller: PartyInDeal, page: PageQuery, trading: TradingService
) -> Listing[InvoicesView]:  # fmt: skip
    """What is to be invoiced for a month, by order: sales, the exchange's fees, and red lines for refunds."""
    found = await actions.invoices(trading, caller.participant_id, month, page)
    return Listing[InvoicesView].of([InvoicesView.of(each) for each in found], page, lambda view: view.order_id)
