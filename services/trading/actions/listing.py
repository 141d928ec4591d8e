"""What happens when a provider lists a right, and takes it off again."""

from dataclasses import replace

from services.trading.actions.co_owner import Named, ownership_of
from services.trading.actions.permission import sight_in
from services.trading.actions.restraint import require_may_deal, require_may_list, require_offer_free
from services.trading.actions.trading import Trading, version_of
from services.trading.events.deals import ListingClosed, ListingOpened, ListingResumed, ListingSuspended
from services.trading.rules import listing as rules
from services.trading.rules.claim import claim_of
from services.trading.rules.listing import (
    AssetNotRegistered,
    Listing,
    ListingNotOpen,
    NoSuchListing,
    NotYourVersion,
    Offer,
)
from services.trading.store import auction as auction_store
from services.trading.store import claim as claim_store
from services.trading.store import listing as store
from services.trading.store import need as need_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.delegation import Act
from shared.idempotency import Once
from shared.ids import ListingId, VersionId
from shared.web import Page


async def open_listing(
    trading: Trading, caller: Member, offer: Offer, once: Once, named: Named | None = None
) -> Listing:  # fmt: skip
    """Offer a right. Requires a registered asset of one's own, and a grade that lets someone have it in this mode.

    `named` are those who own it together with the caller.
    """
    version = await version_of(trading, offer.version_id)
    if version.provider_id != caller.participant_id:
        raise NotYourVersion()
    if version.grade is None:
        raise AssetNotRegistered()
    offer = replace(offer, ownership=named and await ownership_of(trading, caller, named))
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Listing):
            return earlier
        # News of a higher grade may have arrived after the catalogue answered.
        version = await store.lock_version(tx, version)
        now = await trading.database.now(tx)
        caller.require_within(Act.LIST, now, version.asset_id)
        beside = await claim_store.claims_on(tx, version.asset_id)
        party = caller.participant_id
        listing = rules.open_listing(ListingId.new(), offer, version, party, beside, trading.rules, now)
        await require_may_list(tx, listing, now)
        await store.add_listing(tx, listing)
        await claim_store.add_claim(tx, claim_of(listing.id, listing.asset_id, listing.right, now))
        await need_store.keep_traits(tx, version.id, version.traits)
        await once.remember(tx, listing)
        await trading.outbox.record(tx, caller.actor, now, ListingOpened.of(listing))
    return listing


async def suspend(trading: Trading, caller: Member, listing_id: ListingId, once: Once) -> Listing:
    """Take no more orders for now. Not while an auction of it is open."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Listing):
            return earlier
        listing = await _own_and_idle(tx, caller, listing_id)
        now = await trading.database.now(tx)
        listing = rules.suspend(listing)
        await store.save_listing(tx, listing)
        await once.remember(tx, listing)
        await trading.outbox.record(tx, caller.actor, now, ListingSuspended.of(listing))
    return listing


async def resume(trading: Trading, caller: Member, listing_id: ListingId, once: Once) -> Listing:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Listing):
            return earlier
        listing = await store.own_listing(tx, listing_id, caller.participant_id)
        now = await trading.database.now(tx)
        await require_offer_free(tx, listing, now)
        await require_may_deal(tx, caller.participant_id, now)
        listing = rules.resume(listing)
        await store.save_listing(tx, listing)
        await once.remember(tx, listing)
        await trading.outbox.record(tx, caller.actor, now, ListingResumed.of(listing))
    return listing


async def delist(trading: Trading, caller: Member, listing_id: ListingId, once: Once) -> Listing:
    """Take the offer off, for good. What was ordered stays ordered. Not while an auction of it is open."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Listing):
            return earlier
        listing = await _own_and_idle(tx, caller, listing_id)
        now = await trading.database.now(tx)
        await require_offer_free(tx, listing, now)
        listing = rules.delist(listing)
        await store.save_listing(tx, listing)
        await once.remember(tx, listing)
        await trading.outbox.record(tx, caller.actor, now, ListingClosed.of(listing))
    return listing


async def listing(trading: Trading, caller: Caller | None, listing_id: ListingId) -> Listing:
    """What one may not see is not there."""
    async with trading.database.read() as tx:
        found = await store.listing(tx, listing_id)
        sight = await sight_in(trading, tx, caller, await trading.database.now(tx))
    if not sight.shows(found):
        raise NoSuchListing()
    return found


async def listings(trading: Trading, caller: Caller | None, page: Page, version_id: VersionId | None) -> list[Listing]:
    async with trading.database.read() as tx:
        sight = await sight_in(trading, tx, caller, await trading.database.now(tx))
        return await store.page_of_listings(tx, page, sight, version_id)


async def pass_deadline(trading: Trading, listing_id: ListingId) -> None:
    """Take off a listing whose time is up, if nobody has yet."""
    async with trading.database.transaction() as tx:
        listing = await store.listing(tx, listing_id, lock=True)
        now = await trading.database.now(tx)
        if listing.deadline is None or now < listing.deadline or await auction_store.is_under_way(tx, listing_id):
            return
        listing = rules.pass_deadline(listing)
        await store.save_listing(tx, listing)
        await trading.outbox.record(tx, trading.outbox.itself, now, ListingClosed.of(listing))


async def _own_and_idle(tx: Transaction, caller: Member, listing_id: ListingId) -> Listing:
    listing = await store.own_listing(tx, listing_id, caller.participant_id)
    if await auction_store.is_under_way(tx, listing_id):
        raise ListingNotOpen(state="auctioned")
    return listing
