"""What happens in a call auction, from its opening to the orders that its matches become.

Promises: nobody, of no role, reads a limit before the close but who gave it; whether an order still stands is decided
at the close, by the grade and the standing of that moment; one commit for the price, the fills and every order.
Locks the call before its listings, as auctions do.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.trading.actions.award import place_order
from services.trading.actions.permission import Sight
from services.trading.actions.restraint import require_may_bid
from services.trading.actions.trading import Trading, fees_of_today, party_of
from services.trading.events.call_auction import (
    CallAuctionCancelled,
    CallAuctionOpened,
    UnitOrderPlaced,
    facts_of_close,
)
from services.trading.rules import call_session as rules
from services.trading.rules.auction import require_unrelated
from services.trading.rules.award import Award, FromCallAuction
from services.trading.rules.call_auction import Clearing, Direction, UnitOrder
from services.trading.rules.call_session import CallAuction, Ordered, Placed, State
from services.trading.rules.co_owner import require_one_provider
from services.trading.rules.freeze import Frozen
from services.trading.rules.listing import Listing, ListingNotOpen, NoSuchListing, require_open
from services.trading.rules.scope import units_of
from services.trading.store import call_auction as store
from services.trading.store import freeze as freeze_store
from services.trading.store import listing as listing_store
from services.trading.store.call_auction import ShownOrder
from shared.access import Caller, Member
from shared.database import Transaction
from shared.errors import NotAdmitted
from shared.facts import SALT_BYTES, Fact
from shared.grades import Decision, decide
from shared.idempotency import Once
from shared.ids import CallAuctionId, ListingId, ParticipantId, UnitOrderId
from shared.money import Money
from shared.web import Page

CLOSED = frozenset({rules.CLEARED, rules.UNCROSSED})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator calls."""

    listing_ids: frozenset[ListingId]
    reference: Money
    closes_at: datetime


async def open_call(trading: Trading, caller: Caller, wanted: Wanted, once: Once) -> CallAuction:
    """Call for orders of the one unit that these listings grant. The fee schedule of today stays with it."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, CallAuction):
            return earlier
        listings = await _listings(tx, wanted.listing_ids)
        now = await trading.database.now(tx)
        for listing in listings:
            require_open(listing, now)
            require_one_provider(listing.ownership)
        call = rules.open_call(
            CallAuctionId.new(), listings, wanted.reference, wanted.closes_at, fees, trading.rules, now
        )
        await store.add_call(tx, call)
        await once.remember(tx, call)
        await trading.outbox.record(tx, caller.actor, now, CallAuctionOpened.of(call))
    return call


async def order(
    trading: Trading, caller: Member, sight: Sight, call_auction_id: CallAuctionId, ordered: Ordered, once: Once
) -> ShownOrder:
    """Order units, sealed and bindingly. A buyer must be cleared for whatever may be delivered."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, ShownOrder):
            return earlier
        await store.call(tx, call_auction_id, sight)
        call = await store.call_for_update(tx, call_auction_id)
        listings = await _listings(tx, call.listing_ids)
        now = await trading.database.now(tx)
        _require_may_order(trading, caller, listings, ordered, now)
        await require_may_bid(tx, caller.participant_id, now)
        placed = Placed(
            UnitOrderId.new(), call.id,
            UnitOrder(
                call.order_count + 1, caller.participant_id, ordered.direction, ordered.limit.minor, ordered.quantity
            ),
            ordered.listing_id, secrets.token_hex(SALT_BYTES), max(now, call.last_at),
        )  # fmt: skip
        book = await store.book_of(tx, call.id)
        call = rules.place(call, book, placed.order, placed.listing_id, caller.standing.affiliates, now)
        await store.save_call(tx, call)
        await store.add_order(tx, placed)
        shown = ShownOrder(placed, None, None)
        await once.remember(tx, shown)
        await trading.outbox.record(tx, caller.actor, now, UnitOrderPlaced.of(placed))
    return shown


async def cancel(
    trading: Trading, caller: Caller, call_auction_id: CallAuctionId, reason: str, once: Once
) -> CallAuction:  # fmt: skip
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, CallAuction):
            return earlier
        call = await store.call_for_update(tx, call_auction_id)
        now = await trading.database.now(tx)
        call = rules.cancel(call, reason, now)
        await store.save_call(tx, call)
        await once.remember(tx, call)
        await trading.outbox.record(tx, caller.actor, now, CallAuctionCancelled.of(call))
    return call


async def close(trading: Trading, call_auction_id: CallAuctionId) -> None:
    """Clear a call whose time is up, if nobody has yet: one commit for its price and all that follows from it."""
    async with trading.database.transaction() as tx:
        call = await store.call_for_update(tx, call_auction_id)
        listings = {each.id: each for each in await _listings(tx, call.listing_ids, lock=True)}
        now = await trading.database.now(tx)
        if call.state is not rules.OPEN or now < call.closes_at:
            return
        everyone = await store.book_of(tx, call.id)
        denied = _denied(trading, everyone, listings, now) | await _frozen(tx, everyone, now)
        related = {each.order.participant_id: _affiliates(trading, each.order.participant_id) for each in everyone}
        book, left_out = rules.standing(everyone, denied, related)
        call, clearing = rules.close(call, book, now)
        await store.save_call(tx, call)
        filled = {each.id: rules.filled(clearing, each.order) for each in everyone}
        await store.add_fills(tx, filled, left_out)
        facts: list[Fact] = [*facts_of_close(call, [rules.opening_of(each, left_out) for each in everyone])]
        if clearing:
            facts += await _settle(trading, tx, call, clearing, book, listings, now)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def call_auction(trading: Trading, sight: Sight, call_auction_id: CallAuctionId) -> CallAuction:
    """What one may not see is not there."""
    async with trading.database.read() as tx:
        return await store.call(tx, call_auction_id, sight)


async def call_auctions(trading: Trading, sight: Sight, page: Page, state: State | None) -> list[CallAuction]:
    async with trading.database.read() as tx:
        return await store.page_of_calls(tx, page, sight, state)


async def orders(
    trading: Trading, caller: Caller, sight: Sight, call_auction_id: CallAuctionId, page: Page
) -> list[ShownOrder]:
    """One's own. Supervisors see everyone's once the call is closed: until then nobody does."""
    call = await call_auction(trading, sight, call_auction_id)
    party_id = party_of(caller)
    if party_id is None and call.state not in CLOSED:
        return []
    async with trading.database.read() as tx:
        return await store.page_of_orders(tx, call_auction_id, page, party_id)


async def _listings(tx: Transaction, listing_ids: Iterable[ListingId], *, lock: bool = False) -> list[Listing]:
    """In the order of their ids."""
    return [await listing_store.listing(tx, listing_id, lock=lock) for listing_id in sorted(listing_ids)]


def _require_may_order(
    trading: Trading, caller: Member, listings: list[Listing], ordered: Ordered, now: datetime
) -> None:  # fmt: skip
    if ordered.direction is Direction.SELL:
        own = [each for each in listings if each.id == ordered.listing_id]
        if not own or own[0].provider_id != caller.participant_id:
            raise NoSuchListing()
        require_open(own[0], now)
        return
    others = [each for each in listings if not caller.standing.is_related_to(each.provider_id)]
    require_unrelated(not others)
    for each in others:
        trading.standing.require_fresh(each.grade)
        _decided(trading, caller.participant_id, each).require()


def _decided(trading: Trading, buyer_id: ParticipantId, listing: Listing) -> Decision:
    clearance = trading.standing.clearance_of(buyer_id)
    return decide(listing.grade, listing.mode, clearance, listing.flags, listing.conditions)


def _affiliates(trading: Trading, participant_id: ParticipantId) -> frozenset[ParticipantId]:
    try:
        return trading.standing.of(participant_id).affiliates
    except NotAdmitted:
        return frozenset()


def _denied(
    trading: Trading, book: list[Placed], listings: dict[ListingId, Listing], now: datetime
) -> dict[UnitOrderId, str]:  # fmt: skip
    """Whose orders do not stand by now, and why."""
    trading.standing.require_fresh(max(each.grade for each in listings.values()))
    reasons = dict[UnitOrderId, str]()
    for placed in book:
        if reason := _reason_against(trading, placed, listings, now):
            reasons[placed.id] = reason
    return reasons


async def _frozen(tx: Transaction, book: list[Placed], now: datetime) -> dict[UnitOrderId, str]:
    held = await freeze_store.frozen_among(tx, {each.order.participant_id for each in book}, now)
    return {each.id: Frozen.code() for each in book if each.order.participant_id in held}


def _reason_against(
    trading: Trading, placed: Placed, listings: dict[ListingId, Listing], now: datetime
) -> str | None:  # fmt: skip
    who = placed.order.participant_id
    if trading.standing.clearance_of(who) is None:
        return NotAdmitted.code()
    if placed.listing_id is not None:
        try:
            require_open(listings[placed.listing_id], now)
        except ListingNotOpen as closed:
            return closed.code()
        return None
    related = _affiliates(trading, who) | {who}
    decisions = [_decided(trading, who, each) for each in listings.values() if each.provider_id not in related]
    return next((decision.reason_code for decision in decisions if not decision.allowed), None)


async def _settle(
    trading: Trading, tx: Transaction, call: CallAuction, clearing: Clearing, book: list[Placed],
    listings: dict[ListingId, Listing], now: datetime,
) -> list[Fact]:  # fmt: skip
    """An order for each pair that was matched. Requires the locked listings."""
    assert call.price
    facts: list[Fact] = []
    for deal in rules.deals_of(clearing, book):
        listing = listings[deal.listing_id]
        award = Award(
            listing.id, listing.provider_id, deal.buyer_id, call.price * deal.units, FromCallAuction(call.id),
            call.fees, now, scope=units_of(listing, deal.units),
        )  # fmt: skip
        clearance = trading.standing.clearance_of(deal.buyer_id)
        decision = _decided(trading, deal.buyer_id, listing)
        _, made = await place_order(tx, trading.standing, award, listing, clearance, decision, call.windows)
        facts += made
    return facts
