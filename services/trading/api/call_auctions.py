"""What can be asked about call auctions."""

from fastapi import Response

from services.trading.actions import call_auction as actions
from services.trading.actions.call_auction import Wanted
from services.trading.actions.permission import sight_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.call_auctions import (
    CallAuctionView,
    CallCancellation,
    CallState,
    NewCallAuction,
    NewUnitAsk,
    NewUnitBid,
    UnitOrderView,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import CallAuctionId
from shared.permission import Buyer, DealReader, OperatorBusiness, Provider, Visitor
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/call-auctions", status_code=201)
async def open_call(
    new: NewCallAuction, caller: OperatorBusiness, once: Keyed, trading: TradingService, response: Response
) -> CallAuctionView:
    """Call for orders of a standard unit 撮合: whichever of these listings delivers it, it grants the same."""
    wanted = Wanted(frozenset(new.listing_ids), new.reference.money(), new.closes_at)
    call = await actions.open_call(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/call-auctions/{call.id}")
    return CallAuctionView.of(call)


@router.get("/call-auctions")
async def see_calls(
    caller: Visitor, page: PageQuery, trading: TradingService, state: CallState | None = None
) -> Listing[CallAuctionView]:
    """Call auctions of what you may see, newest first."""
    found = await actions.call_auctions(trading, sight_of(trading, caller), page, state)
    return Listing[CallAuctionView].of([CallAuctionView.of(each) for each in found], page, lambda view: view.id)


@router.get("/call-auctions/{call_auction_id}")
async def see_call(call_auction_id: CallAuctionId, caller: Visitor, trading: TradingService) -> CallAuctionView:
    """One of them: its unit, what may be delivered, and, once it is cleared, the price and the volume."""
    return CallAuctionView.of(await actions.call_auction(trading, sight_of(trading, caller), call_auction_id))


@router.post("/call-auctions/{call_auction_id}/bids", status_code=201)
async def bid(
    call_auction_id: CallAuctionId, new: NewUnitBid, caller: Buyer, once: Keyed, trading: TradingService,
    response: Response,
) -> UnitOrderView:  # fmt: skip
    """Order units to buy, sealed until the close. It cannot be withdrawn."""
    sight = sight_of(trading, caller.caller)
    made = await actions.order(trading, caller, sight, call_auction_id, new.ordered(), once)
    web.created(response, f"{PREFIX}/call-auctions/{call_auction_id}/orders")
    return UnitOrderView.of(made.placed, made.units, made.left_out)


@router.post("/call-auctions/{call_auction_id}/asks", status_code=201)
async def ask(
    call_auction_id: CallAuctionId, new: NewUnitAsk, caller: Provider, once: Keyed, trading: TradingService,
    response: Response,
) -> UnitOrderView:  # fmt: skip
    """Order units of a listing of yours to sell, sealed until the close. It cannot be withdrawn."""
    sight = sight_of(trading, caller.caller)
    made = await actions.order(trading, caller, sight, call_auction_id, new.ordered(), once)
    web.created(response, f"{PREFIX}/call-auctions/{call_auction_id}/orders")
    return UnitOrderView.of(made.placed, made.units, made.left_out)


@router.get("/call-auctions/{call_auction_id}/orders")
async def see_unit_orders(
    call_auction_id: CallAuctionId, caller: DealReader, page: PageQuery, trading: TradingService
) -> Listing[UnitOrderView]:
    """Your orders, with what each came to; everyone's for supervisors, once the call is closed."""
    found = await actions.orders(trading, caller, sight_of(trading, caller), call_auction_id, page)
    views = [UnitOrderView.of(each.placed, each.units, each.left_out) for each in found]
    return Listing[UnitOrderView].of(views, page, lambda view: str(view.sequence))


@router.post("/call-auctions/{call_auction_id}/cancel")
async def cancel(
    call_auction_id: CallAuctionId, new: CallCancellation, caller: OperatorBusiness, once: Keyed,
    trading: TradingService,
) -> CallAuctionView:  # fmt: skip
    """Call it off before its close, for a reason that everyone sees. Every order is void."""
    return CallAuctionView.of(await actions.cancel(trading, caller, call_auction_id, new.reason, once))
