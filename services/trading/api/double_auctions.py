"""What can be asked about double auctions."""

from fastapi import Response

from services.trading.actions import double_auction as actions
from services.trading.actions.double_auction import Wanted
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.double_auctions import (
    DoubleAuctionState,
    DoubleAuctionView,
    NewDoubleAuction,
    NewPriceReveal,
    NewSealedPrice,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import DoubleAuctionId
from shared.permission import Buyer, DealReader, Party
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/double-auctions", status_code=201)
async def open_double(
    new: NewDoubleAuction, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> DoubleAuctionView:
    """Propose to the provider of a listing sold by negotiation that both seal one price 双向密封报价."""
    wanted = Wanted(
        new.listing_id, new.field, new.territory, new.period_days, tuple(sorted(set(new.purposes))), new.quota_uses,
        new.bid_weight_percent, new.seal_by, new.reveal_by,
    )  # fmt: skip
    auction = await actions.open_double(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/double-auctions/{auction.id}")
    return DoubleAuctionView.of(auction, caller.participant_id)


@router.get("/double-auctions")
async def see_double_auctions(
    caller: DealReader, page: PageQuery, trading: TradingService, state: DoubleAuctionState | None = None
) -> Listing[DoubleAuctionView]:
    """Yours, on either side, newest first; all for supervisors."""
    found = await actions.double_auctions(trading, caller, page, state)
    views = [DoubleAuctionView.of(each, caller.participant_id) for each in found]
    return Listing[DoubleAuctionView].of(views, page, lambda view: view.id)


@router.get("/double-auctions/{double_auction_id}")
async def see_double_auction(
    double_auction_id: DoubleAuctionId, caller: DealReader, trading: TradingService
) -> DoubleAuctionView:
    """One of yours: what both seal a price for, who is to act and until when, and what came of it."""
    auction = await actions.double_auction(trading, caller, double_auction_id)
    return DoubleAuctionView.of(auction, caller.participant_id)


@router.post("/double-auctions/{double_auction_id}/prices", status_code=201)
async def seal(
    double_auction_id: DoubleAuctionId, new: NewSealedPrice, caller: Party, once: Keyed, trading: TradingService,
    response: Response,
) -> DoubleAuctionView:  # fmt: skip
    """Seal the most that you pay, or the least that you take. It cannot be changed or withdrawn."""
    auction = await actions.seal(trading, caller, double_auction_id, new.commitment, once)
    web.created(response, f"{PREFIX}/double-auctions/{double_auction_id}")
    return DoubleAuctionView.of(auction, caller.participant_id)


@router.post("/double-auctions/{double_auction_id}/reveals", status_code=201)
async def reveal(
    double_auction_id: DoubleAuctionId, new: NewPriceReveal, caller: Party, once: Keyed, trading: TradingService,
    response: Response,
) -> DoubleAuctionView:  # fmt: skip
    """Open the price that you sealed, once both are sealed. The other side is not shown it. A price that stays closed
    is none, and there is no deal."""
    auction = await actions.reveal(trading, caller, double_auction_id, new.amount.money(), new.nonce, once)
    web.created(response, f"{PREFIX}/double-auctions/{double_auction_id}")
    return DoubleAuctionView.of(auction, caller.participant_id)


@router.post("/double-auctions/{double_auction_id}/decline")
async def decline(
    double_auction_id: DoubleAuctionId, caller: Party, once: Keyed, trading: TradingService
) -> DoubleAuctionView:
    """End it, as long as you have sealed no price yourself."""
    auction = await actions.decline(trading, caller, double_auction_id, once)
    return DoubleAuctionView.of(auction, caller.participant_id)
