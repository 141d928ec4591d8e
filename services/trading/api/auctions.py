"""What can be asked about auctions."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.trading.actions import auction as actions
from services.trading.actions.auction import Wanted
from services.trading.actions.permission import sight_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.auctions import AuctionState, AuctionView, BidView, NewAuction, RegistrationView
from shared import web
from shared.idempotency import Keyed
from shared.ids import AuctionId
from shared.permission import Buyer, Provider, Visitor
from shared.web import Listing, PageQuery

router = APIRouter(prefix=PREFIX)


@router.post("/auctions", status_code=201)
async def open_auction(
    new: NewAuction, caller: Provider, once: Keyed, trading: TradingService, response: Response
) -> AuctionView:
    """Call for bids on an exclusive right that you have listed. Its terms never change."""
    reserve = new.reserve_price.money() if new.reserve_price else None
    wanted = Wanted(
        new.listing_id, new.start_price.money(), new.steps(), reserve, new.deposit.money(), new.opens_at, new.closes_at
    )  # fmt: skip
    auction = await actions.open_auction(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/auctions/{auction.id}")
    return AuctionView.of(auction, leading_bidder_number=None)


@router.get("/auctions")
async def see_auctions(
    caller: Visitor, page: PageQuery, trading: TradingService, state: Annotated[AuctionState | None, Query()] = None
) -> Listing[AuctionView]:
    """Auctions, as far as the grade of what is sold lets you see them; newest first."""
    found = await actions.auctions(trading, sight_of(trading, caller), page, state)
    views = [AuctionView.of(each.auction, each.leader_number) for each in found]
    return Listing[AuctionView].of(views, page, lambda view: view.id)


@router.get("/auctions/{auction_id}")
async def see_auction(auction_id: AuctionId, caller: Visitor, trading: TradingService) -> AuctionView:
    """One auction: the price, the least that is taken now, and when it closes."""
    found = await actions.auction(trading, sight_of(trading, caller), auction_id)
    return AuctionView.of(found.auction, found.leader_number)


@router.post("/auctions/{auction_id}/registrations", status_code=201)
async def register(
    auction_id: AuctionId, caller: Buyer, once: Keyed, trading: TradingService, response: Response
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
async def cancel(auction_id: AuctionId, caller: Provider, once: Keyed, trading: TradingService) -> AuctionView:
    """Call your auction off, as long as nobody has bid."""
    return AuctionView.of(await actions.cancel(trading, caller, auction_id, once), leading_bidder_number=None)
