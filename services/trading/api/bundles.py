"""What can be asked about orders of bundles."""

from fastapi import Response

from services.trading.actions import bundle as actions
from services.trading.actions.bundle import Ordered, Wanted
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.bundles import BundleOrderView, NewBundleOrder
from shared import web
from shared.idempotency import Keyed
from shared.ids import QuoteId
from shared.permission import Buyer, BuyerInDeal, DealReader
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/bundle-orders", status_code=201)
async def place_order(
    new: NewBundleOrder, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> BundleOrderView:
    """Order a bundle as a whole, by a quote of yours that still stands: each part becomes an order, or none does."""
    ordered = await actions.place(trading, caller, Wanted(new.acceptance(), new.listing_ids), once)
    web.created(response, f"{PREFIX}/bundle-orders/{ordered.bundle.quote_id}")
    return _view(ordered)


@router.get("/bundle-orders/{bundle_quote_id}")
async def see_order(bundle_quote_id: QuoteId, caller: DealReader, trading: TradingService) -> BundleOrderView:
    """A bundle that you bought or sold, with the order of each part."""
    return _view(await actions.bundle(trading, party_of(caller), bundle_quote_id))


@router.post("/bundle-orders/{bundle_quote_id}/payment")
async def pay(bundle_quote_id: QuoteId, caller: BuyerInDeal, once: Keyed, trading: TradingService) -> BundleOrderView:
    """Pay all parts of a bundle into escrow, once all are signed. You may receive them from then on."""
    return _view(await actions.pay(trading, caller, bundle_quote_id, once))


def _view(ordered: Ordered) -> BundleOrderView:
    return BundleOrderView.of(ordered.bundle, ordered.orders)
