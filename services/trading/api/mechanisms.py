"""What can be asked about auctions that are not English: to take a falling price, to seal bids and to reveal them."""

from fastapi import Response

from services.trading.actions import dutch, sealed
from services.trading.actions.permission import sight_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.auctions import AuctionState
from services.trading.schemas.mechanisms import (
    AcceptanceView,
    NewAcceptance,
    NewReveal,
    NewSealedBid,
    SealedBidView,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import AuctionId
from shared.permission import Buyer, Visitor
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/auctions/{auction_id}/acceptances", status_code=201)
async def accept(
    auction_id: AuctionId, new: NewAcceptance, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> AcceptanceView:
    """Take the right of a Dutch auction at the price of now, if that is no more than you would pay."""
    taken = await dutch.accept(trading, caller, auction_id, new.maximum.money(), once)
    web.created(response, f"{PREFIX}/orders/{taken.order_id}")
    return AcceptanceView.of(taken)


@router.post("/auctions/{auction_id}/sealed-bids", status_code=201)
async def commit(
    auction_id: AuctionId, new: NewSealedBid, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> SealedBidView:
    """Seal your one bid: only its hash leaves you. Keep amount and nonce, and reveal them after the bidding, or you
    forfeit your deposit."""
    bid = await sealed.commit(trading, caller, auction_id, new.commitment, once)
    web.created(response, f"{PREFIX}/auctions/{auction_id}/sealed-bids")
    return SealedBidView.of(bid, caller.participant_id, AuctionState.OPEN)


@router.get("/auctions/{auction_id}/sealed-bids")
async def see_sealed_bids(
    auction_id: AuctionId, caller: Visitor, page: PageQuery, trading: TradingService
) -> Listing[SealedBidView]:
    """The sealed bids in their sequence: before the close as commitments, after it with what they were and paid."""
    auction, found = await sealed.sealed_bids(trading, sight_of(trading, caller), auction_id, page)
    seen_by = caller.participant_id if caller else None
    views = [SealedBidView.of(bid, seen_by, auction.state) for bid in found]
    return Listing[SealedBidView].of(views, page, lambda view: str(view.sequence))


@router.post("/auctions/{auction_id}/reveals", status_code=201)
async def reveal(
    auction_id: AuctionId, new: NewReveal, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> SealedBidView:
    """Reveal your bid, once the bidding is over. Others see it after the close."""
    bid = await sealed.reveal(trading, caller, auction_id, new.amount.money(), new.nonce, once)
    web.created(response, f"{PREFIX}/auctions/{auction_id}/sealed-bids")
    return SealedBidView.of(bid, caller.participant_id, AuctionState.OPEN)
