"""What happens when a provider calls for bids: the listing says by which mechanism, and so which terms are named."""

from collections.abc import Set

from services.trading.actions import auction as english
from services.trading.actions import dutch, sealed
from services.trading.actions.auction import Wanted
from services.trading.actions.price_cap import price_cap_of
from services.trading.actions.trading import Trading
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.fitting_terms import require_fitting_terms
from services.trading.rules.listing import ListingNotOpen, NoSuchListing
from services.trading.rules.mechanism import Mechanism
from services.trading.store import listing as listing_store
from shared.access import Member
from shared.idempotency import Once


async def open_auction(trading: Trading, caller: Member, wanted: Wanted, named: Set[str], once: Once) -> AnyAuction:
    """Call for bids on a listing of one's own, on terms that fit its mechanism. `named` are those that were named."""
    async with trading.database.read() as tx:  # a listing's mechanism never changes
        listing = await listing_store.listing(tx, wanted.listing_id)
    if listing.provider_id != caller.participant_id:
        raise NoSuchListing()
    if listing.mechanism is None:
        raise ListingNotOpen(pricing=listing.pricing)
    require_fitting_terms(listing.mechanism, named)
    match listing.mechanism:
        case Mechanism.ENGLISH:
            return await english.open_auction(trading, caller, wanted, await price_cap_of(trading, listing), once)
        case Mechanism.DUTCH:
            return await dutch.open_auction(trading, caller, wanted, await price_cap_of(trading, listing), once)
        case _:
            return await sealed.open_auction(trading, caller, wanted, once)
