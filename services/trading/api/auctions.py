"""What can be asked about auctions."""

from typing import Annotated

from fastapi import Query, Response

from services.trading.actions import auction as actions
from services.trading.actions import opening
from services.trading.actions.auction import Wanted
from services.trading.actions.permission import sight_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.auctions import AuctionState, BidView, NewAuction, RegistrationView
from services.trading.schemas.mechanisms import AnyAuctionView, view_of
from shared import web
from shared.idempotency import Keyed
from shared.ids import AuctionId
from shared.permission import Bidder, Lister, Provider, Visitor
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/auctions", status_code=201)
async def open_auction(
    new: NewAuction, caller: Lister, once: Keyed, trading: TradingService, response: Response
) -> AnyAuctionView:
    """Call for bids on a right that you have listed, by the mechanism of the listing. Its terms never change."""
    reserve = new.reserve_price.money() if new.reserve_price else None
    schedule = new.schedule.schedule() if new.schedule else None
    buy_now = new.buy_now_price.money() if new.buy_now_price else None
    wanted = Wanted(
        new.listing_id, new.start_price.money(), new.steps(), reserve, new.deposit.money(), new.opens_at,
        new.closes_at, schedule, new.reveal_closes_at, new.reserve_is_open, new.soft_close.soft_close(),
        tuple(new.priority_buyers), buy_now, new.keeps_second, new.reoffer_of,
    )  # fmt: skip
    auction = await opening.open_auction(trading, caller, wanted, new.named(), once)
    web.created(response, f"{PREFIX}/auctions/{auction.id}")
    return view_of(auction, leading_bidder_number=None, now=auction.last_at)


@router.get("/auctions")
async def see_auctions(
    caller: Visitor, page: PageQuery, trading: TradingService, state: Annotated[AuctionState | None, Query()] = None
) -> Listing[AnyAuctionView]:
    """Auctions, as far as the grade of what is sold lets you see them; newest first."""
    found = await actions.auctions(trading, sight_of(trading, caller), page, state)
    views = [view_of(each.auction, each.leader_number, each.seen_at) for each in found]
    return Listing[AnyAuctionView].of(views, page, lambda view: view.id)


@router.get("/auctions/{auction_id}")
async def see_auction(auction_id: AuctionId, caller: Visitor, trading: TradingService) -> AnyAuctionView:
    """One auction: its phase, the price, what is taken now, and when that changes next."""
    found = await actions.auction(trading, sight_of(trading, caller), auction_id)
    return view_of(found.auction, found.leader_number, found.seen_at)


@router.post("/auctions/{auction_id}/registrations", status_code=201)
async def register(
    auction_id: AuctionId, caller: Bidder, once: Keyed, trading: TradingService, response: Response
) -> RegistrationView:
    """Become a bidder: your clearance is decided, your deposit held, and you get a number."""
    registration = await actions.register(trading, caller, auction_id, once)
    web.created(response, f"{PREFIX}/auctions/{auction_id}")
    return RegistrationView.of(registration)


@router.get("/auctions/{auction_id}/bids")
async def see_bids(
    auction_id: AuctionId, caller: Visitor, page: PageQuery, trading: TradingService
) -> Listing[BidView]:
    """The bids in their sequence, by bidders' numbers. You see your own maxima only."""
    found = await actions.bids(trading, sight_of(trading, caller), auction_id, page)
    views = [BidView.of(bid, seen_by=caller.participant_id if caller else None) for bid in found]
    return Listing[BidView].of(views, page, lambda view: str(view.sequence))


@router.post("/auctions/{auction_id}/cancel")
async def cancel(auction_id: AuctionId, caller: Provider, once: Keyed, trading: TradingService) -> AnyAuctionView:
    """Call your auction off, as long as nobody has bid."""
    cancelled = await actions.cancel(trading, caller, auction_id, once)
    return view_of(cancelled, leading_bidder_number=None, now=cancelled.last_at)
