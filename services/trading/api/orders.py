"""What can be asked about orders."""

from fastapi import Response

from services.trading.actions import meter
from services.trading.actions import order as actions
from services.trading.actions.order import Wanted
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.orders import NewOrder, OrderView
from shared import web
from shared.idempotency import Keyed
from shared.ids import OrderId
from shared.permission import Buyer, BuyerInDeal, DealReader
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/orders", status_code=201)
async def place_order(
    new: NewOrder, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> OrderView:
    """Order at a posted price, by a quote of yours that still stands."""
    order = await actions.place(trading, caller, Wanted(new.listing_id, new.acceptance()), once)
    web.created(response, f"{PREFIX}/orders/{order.id}")
    return OrderView.of(order)


@router.get("/orders")
async def see_orders(caller: DealReader, page: PageQuery, trading: TradingService) -> Listing[OrderView]:
    """Your orders, on either side, newest first; everyone's for supervisors."""
    found = await actions.orders(trading, party_of(caller), page)
    return Listing[OrderView].of([OrderView.of(each) for each in found], page, lambda view: view.id)


@router.get("/orders/{order_id}")
async def see_order(order_id: OrderId, caller: DealReader, trading: TradingService) -> OrderView:
    """One of your orders: who must act, and by when."""
    return OrderView.of(await actions.order(trading, party_of(caller), order_id))


@router.post("/orders/{order_id}/payment")
async def pay(order_id: OrderId, caller: BuyerInDeal, once: Keyed, trading: TradingService) -> OrderView:
    """Pay into escrow: the deposit first, the rest from your wallet. You may receive from then on."""
    return OrderView.of(await actions.pay(trading, caller, order_id, once))


@router.post("/orders/{order_id}/meter/closing")
async def close_meter(order_id: OrderId, caller: BuyerInDeal, once: Keyed, trading: TradingService) -> OrderView:
    """Use no more of what is measured: what you used is its price, the rest of the reserve goes back at once."""
    return OrderView.of(await meter.close(trading, caller, order_id, once))


@router.post("/orders/{order_id}/acceptance")
async def accept(order_id: OrderId, caller: BuyerInDeal, once: Keyed, trading: TradingService) -> OrderView:
    """Accept what was delivered: everyone gets their share."""
    return OrderView.of(await actions.accept(trading, caller, order_id, once))
