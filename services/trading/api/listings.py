"""What can be asked about listings."""

from fastapi import Response

from services.trading.actions import listing as actions
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.listings import ListingView, NewListing
from shared import web
from shared.idempotency import Keyed
from shared.ids import ListingId, VersionId
from shared.permission import ListerOrAgent, Provider, Visitor
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/listings", status_code=201)
async def open_listing(
    new: NewListing, caller: ListerOrAgent, once: Keyed, trading: TradingService, response: Response
) -> ListingView:
    """Offer a right over a version of yours, in a mode that its grade allows.

    Name a delegation in `Under-Delegation` to list what is your principal's.
    """
    listing = await actions.open_listing(trading, caller, new.offer(), once, new.named())
    web.created(response, f"{PREFIX}/listings/{listing.id}")
    return ListingView.of(listing)


@router.get("/listings")
async def see_listings(
    caller: Visitor, page: PageQuery, trading: TradingService, version_id: VersionId | None = None
) -> Listing[ListingView]:
    """What is offered, as far as its grade lets you see it; newest first."""
    found = await actions.listings(trading, caller, page, version_id)
    return Listing[ListingView].of([ListingView.of(each) for each in found], page, lambda view: view.id)


@router.get("/listings/{listing_id}")
async def see_listing(listing_id: ListingId, caller: Visitor, trading: TradingService) -> ListingView:
    """One offer, if its grade lets you see it."""
    return ListingView.of(await actions.listing(trading, caller, listing_id))


@router.post("/listings/{listing_id}/suspend")
async def suspend(listing_id: ListingId, caller: Provider, once: Keyed, trading: TradingService) -> ListingView:
    """Take no more orders for now."""
    return ListingView.of(await actions.suspend(trading, caller, listing_id, once))


@router.post("/listings/{listing_id}/resume")
async def resume(listing_id: ListingId, caller: Provider, once: Keyed, trading: TradingService) -> ListingView:
    """Take orders again, if it was you who suspended."""
    return ListingView.of(await actions.resume(trading, caller, listing_id, once))


@router.post("/listings/{listing_id}/delist")
async def delist(listing_id: ListingId, caller: Provider, once: Keyed, trading: TradingService) -> ListingView:
    """Take the offer off, for good."""
    return ListingView.of(await actions.delist(trading, caller, listing_id, once))
