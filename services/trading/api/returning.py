"""What can be asked about money that goes back after a settlement."""

from typing import Annotated

from fastapi import Path, Response

from services.trading.actions import returning as actions
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.returning import NewReturn, ReceivableView, ReturnView
from shared import web
from shared.idempotency import Keyed
from shared.ids import OrderId
from shared.permission import DealReader, ProviderInDeal
from shared.routing import Router
from shared.web import Listing, PageQuery, Whole

router = Router(prefix=PREFIX)
Number = Annotated[Whole, Path(ge=1, le=2**31 - 1)]


@router.post("/orders/{order_id}/refunds", status_code=201)
async def give_back(
    order_id: OrderId, new: NewReturn, caller: ProviderInDeal, once: Keyed, trading: TradingService, response: Response
) -> ReturnView:
    """Give some of a settled price back to your buyer: co-owners, fee and tax give back in proportion."""
    made = await actions.give_back(trading, caller, order_id, new.amount.money(), new.reason, once)
    web.created(response, f"{PREFIX}/orders/{order_id}/refunds/{made.number}")
    return ReturnView.of(made)


@router.get("/orders/{order_id}/refunds")
async def see_returns(
    order_id: OrderId, caller: DealReader, page: PageQuery, trading: TradingService
) -> Listing[ReturnView]:
    """What has gone back of an order of yours since it was settled, in order."""
    found = await actions.returns(trading, party_of(caller), order_id, page)
    return Listing[ReturnView].of([ReturnView.of(each) for each in found], page, lambda view: str(view.number))


@router.get("/orders/{order_id}/refunds/{number}")
async def see_return(order_id: OrderId, number: Number, caller: DealReader, trading: TradingService) -> ReturnView:
    """One return, who paid it, and who owes."""
    return ReturnView.of(await actions.one(trading, party_of(caller), order_id, number))


@router.get("/receivables")
async def see_receivables(caller: DealReader, page: PageQuery, trading: TradingService) -> Listing[ReceivableView]:
    """What you owe, or are owed, because a refund was not covered; everyone's for supervisors."""
    found = await actions.receivables(trading, party_of(caller), page)
    return Listing[ReceivableView].of([ReceivableView.of(each) for each in found], page, lambda view: view.id)
