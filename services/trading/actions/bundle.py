"""What happens in the order of a bundle: taken as a whole, an order of each part by the same commit, and paid whole.

Promises: the listings are locked by their ids, as everywhere; each part passes the gate that it would pass alone, and
the first that does not is named, and nothing is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.trading.actions import money
from services.trading.actions.award import place_order
from services.trading.actions.entitlement import grant
from services.trading.actions.order import quote_of
from services.trading.actions.permission import decide_for, sight_of
from services.trading.actions.restraint import require_may_deal, require_wallet_free
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.events.bundle import BundleOrdered
from services.trading.events.deals import OrderPaid
from services.trading.rules import bundle as rules
from services.trading.rules.award import Acceptance
from services.trading.rules.bundle import BundleOrder, BundlePartRefused, NoSuchBundleOrder
from services.trading.rules.listing import NoSuchListing, require_open
from services.trading.rules.order import Order, QuoteTaken
from services.trading.store import bundle as store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared.access import Member
from shared.errors import Conflict, Forbidden
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import ListingId, ParticipantId, QuoteId


@dataclass(frozen=True, slots=True)
class Wanted:
    """At which quote a buyer orders a bundle, and by which listings."""

    acceptance: Acceptance
    listing_ids: Sequence[ListingId]


@dataclass(frozen=True, slots=True)
class Ordered:
    """A bundle with the orders of its parts, in the order of their ids."""

    bundle: BundleOrder
    orders: tuple[Order, ...]


async def place(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> Ordered:
    """Order a bundle. Requires a quote of one's own that still stands, and clearance for the grade of each part."""
    quote, fees = await quote_of(trading, caller, wanted.acceptance.quote_id), await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Ordered):
            return earlier
        listings = [await listing_store.listing(tx, each, lock=True) for each in sorted(set(wanted.listing_ids))]
        sight = sight_of(trading, caller.caller)
        if not all(sight.includes(listing.grade, listing.provider_id, listing.asset_id) for listing in listings):
            raise NoSuchListing()
        now = await trading.database.now(tx)
        if await store.is_ordered(tx, quote.id):
            raise QuoteTaken(quote_id=quote.id)
        await require_may_deal(tx, caller.participant_id, now)
        bundle, awards = rules.accept(quote, wanted.acceptance, listings, fees, now)
        await store.add_bundle(tx, bundle)
        orders, made = list[Order](), list[Fact]()
        for award, listing in zip(awards, listings, strict=True):
            try:
                require_open(listing, now)
                grounds = caller.standing.clearance, decide_for(trading, caller.standing, listing)
                order, facts = await place_order(
                    tx, trading.standing, award, listing, *grounds, trading.rules.windows
                )  # fmt: skip
            except (Conflict, Forbidden) as refused:
                raise BundlePartRefused(
                    listing_id=listing.id, version_id=listing.version_id, reason_code=refused.told_code
                ) from refused
            orders.append(order)
            made += facts
        ordered = Ordered(bundle, tuple(sorted(orders, key=lambda order: order.id)))
        await once.remember(tx, ordered)
        await trading.outbox.record(tx, caller.actor, now, *made, BundleOrdered.of(bundle, ordered.orders))
    return ordered


async def pay(trading: Trading, caller: Member, quote_id: QuoteId, once: Once) -> Ordered:
    """Move the price of each part into its escrow, all in one commit, which grants the right to receive them."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Ordered):
            return earlier
        bundle = await store.bundle(tx, quote_id, caller.participant_id)
        if bundle.buyer_id != caller.participant_id:
            raise NoSuchBundleOrder()
        parts = {part.id: part for part in await order_store.parts_of_bundle(tx, quote_id, lock=True)}
        now, facts = await trading.database.now(tx), list[Fact]()
        paid = rules.pay(tuple(parts.values()), now)
        await require_wallet_free(tx, bundle.buyer_id, now)
        for part in paid:
            order, granted = await grant(tx, part, now)
            await order_store.save_order(tx, order)
            parts[order.id] = order
            facts += [OrderPaid.of(order), granted]
        for part in paid:
            facts += await money.pay_order(tx, part.id, part.buyer_id, part.price, None, now)
        ordered = Ordered(bundle, tuple(parts.values()))
        await once.remember(tx, ordered)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return ordered


async def bundle(trading: Trading, party_id: ParticipantId | None, quote_id: QuoteId) -> Ordered:
    """What one may not see is not there."""
    async with trading.database.read() as tx:
        found = await store.bundle(tx, quote_id, party_id)
        return Ordered(found, tuple(await order_store.parts_of_bundle(tx, quote_id)))
