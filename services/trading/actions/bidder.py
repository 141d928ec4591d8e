"""Whether someone may see what is auctioned, and whether a bidder may have it by now."""

from dataclasses import replace

from services.trading.actions.permission import sight_of
from services.trading.actions.trading import Trading
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import NoSuchAuction
from services.trading.rules.bid import Registration
from services.trading.rules.listing import Listing
from services.trading.store import listing as listing_store
from shared.access import Member
from shared.database import Transaction
from shared.grades import decide


async def offered(trading: Trading, tx: Transaction, caller: Member, auction: AnyAuction) -> Listing:
    """What is auctioned. Raises NoSuchAuction for whoever may not see it."""
    listing = await listing_store.listing(tx, auction.listing_id)
    if not sight_of(trading, caller.caller).includes(listing.grade, listing.provider_id, listing.asset_id):
        raise NoSuchAuction()
    return listing


def decided_anew(trading: Trading, bidder: Registration, listing: Listing) -> Registration:
    """The bidder, decided by the grade of now: with the clearance that they registered with, or, if that has become
    too little, the one that they have by now."""
    clearance = bidder.clearance
    decision = decide(listing.grade, listing.mode, clearance, listing.flags, listing.conditions)
    if not decision.allowed:
        trading.standing.require_fresh()
        clearance = trading.standing.clearance_of(bidder.participant_id)
        decision = decide(listing.grade, listing.mode, clearance, listing.flags, listing.conditions)
    return replace(bidder, clearance=clearance, decision=decision)
