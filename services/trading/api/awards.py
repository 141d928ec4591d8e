"""What can be asked about the end of an auction: at once, by the second bidder, and by two operators."""

from fastapi import Response

from services.trading.actions import buy_now as buying
from services.trading.actions import calling_off, second_award
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.auctions import NewGround, ProposalView
from services.trading.schemas.mechanisms import AnyAuctionView, view_of
from services.trading.schemas.orders import OrderView
from shared import web
from shared.idempotency import Keyed
from shared.ids import AuctionId
from shared.permission import Buyer, OperatorBusiness, SecondBusiness
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/auctions/{auction_id}/buy-now", status_code=201)
async def buy_now(
    auction_id: AuctionId, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> OrderView:
    """End the auction at its price for that, as long as nobody has bid. You must be registered."""
    order = await buying.buy_now(trading, caller, auction_id, once)
    web.created(response, f"{PREFIX}/orders/{order.id}")
    return OrderView.of(order)


@router.post("/auctions/{auction_id}/second-award/acceptance", status_code=201)
async def accept(
    auction_id: AuctionId, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> OrderView:
    """Take what the winner did not pay for, at the price that you are asked as the second."""
    order = await second_award.accept(trading, caller, auction_id, once)
    web.created(response, f"{PREFIX}/orders/{order.id}")
    return OrderView.of(order)


@router.post("/auctions/{auction_id}/second-award/refusal")
async def decline(auction_id: AuctionId, caller: Buyer, once: Keyed, trading: TradingService) -> AnyAuctionView:
    """Leave it, and have your deposit back."""
    auction = await second_award.decline(trading, caller, auction_id, once)
    return view_of(auction, leading_bidder_number=None, now=auction.last_at)


@router.post("/auctions/{auction_id}/cancellation", status_code=201)
async def propose_cancellation(
    auction_id: AuctionId, new: NewGround, operator: OperatorBusiness, once: Keyed, trading: TradingService,
    response: Response,
) -> ProposalView:  # fmt: skip
    """Propose to call off an auction with bids. A second operator must confirm it on the same ground."""
    proposal = await calling_off.propose(trading, operator, auction_id, new.ground, once)
    web.created(response, f"{PREFIX}/auctions/{auction_id}")
    return ProposalView.of(proposal)


@router.post("/auctions/{auction_id}/cancellation/confirmation")
async def confirm_cancellation(
    auction_id: AuctionId, new: NewGround, operator: SecondBusiness, once: Keyed, trading: TradingService
) -> AnyAuctionView:
    """Call off what another operator proposed to. Every deposit is free at once."""
    auction = await calling_off.confirm(trading, operator, auction_id, new.ground, once)
    return view_of(auction, leading_bidder_number=None, now=auction.last_at)
