"""The session of a call auction 集合竞价: what its unit is, who may order, and what its clearing leads to.

Promises: all listings of a session grant the same, so that whoever orders units may be given any of them; orders are
sealed and binding until the close; the book that is cleared holds only those who may trade at that moment; each pair of
a buyer and a listing makes one deal, at the one price for everyone.
Decision 14 says what a standard unit is here. The clearing itself is `call_auction`.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.award import FrozenFees
from services.trading.rules.call_auction import Clearing, Direction, SelfTrade, UnitOrder, clear, enter
from services.trading.rules.listing import Listing
from services.trading.rules.market_rules import MarketRules, Windows
from services.trading.rules.mechanism import Pricing
from services.trading.rules.right import Right, RightKind
from shared.errors import Conflict, Malformed, NotFound
from shared.facts import Commitment, commit
from shared.grades import Mode
from shared.ids import CallAuctionId, ListingId, ParticipantId, UnitOrderId
from shared.lifecycle import Lifecycle
from shared.money import MINOR_MAX, Money

LISTINGS_MAX = 20
ORDERS_MAX = 500
UNITS_MAX = 10_000


class State(StrEnum):
    OPEN = "open"
    CLEARED = "cleared"
    UNCROSSED = "uncrossed"
    CANCELLED = "cancelled"


OPEN, CLEARED, UNCROSSED, CANCELLED = State

CALL_AUCTION = Lifecycle(start=OPEN, moves={
    OPEN:      {CLEARED, UNCROSSED, CANCELLED},
    CLEARED:   set(),
    UNCROSSED: set(),
    CANCELLED: set(),
})  # fmt: skip


class Reason(StrEnum):
    ONE_PRICE = "one_price"
    NO_LIMITS_MEET = "no_limits_meet"
    BY_OPERATOR = "by_operator"


@dataclass(frozen=True, slots=True)
class Unit:
    """What one unit grants: a pack of uses of a right, in a mode."""

    mode: Mode
    right: Right
    purposes: tuple[str, ...]
    quota_uses: int


@dataclass(frozen=True, slots=True)
class CallAuction:
    """`last_at` is the latest moment seen, `order_count` the sequence of the last order."""

    id: CallAuctionId
    unit: Unit
    listing_ids: tuple[ListingId, ...]
    reference: Money
    fees: FrozenFees
    windows: Windows
    state: State
    opened_at: datetime
    closes_at: datetime
    last_at: datetime
    order_count: int = 0
    price: Money | None = None
    volume: int = 0
    reason_code: str | None = None
    reason: str | None = None
    revision: int = 1

    @property
    def deadline(self) -> datetime | None:
        return self.closes_at if self.state is OPEN else None

    @property
    def next_actor(self) -> str | None:
        return "buyer_and_provider" if self.state is OPEN else None


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a participant orders. A provider names the listing that it sells of."""

    direction: Direction
    limit: Money
    quantity: int
    listing_id: ListingId | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as it was placed. A provider's names the listing that it sells of; `salt`, in hex, seals its limit."""

    id: UnitOrderId
    call_auction_id: CallAuctionId
    order: UnitOrder
    listing_id: ListingId | None
    salt: str
    placed_at: datetime

    @property
    def commitment(self) -> Commitment:
        return commit("limit", str(self.order.limit_minor), bytes.fromhex(self.salt))


@dataclass(frozen=True, slots=True)
class LimitOpening:
    """What lets anyone check a sealed limit, and whether its order was in the book that was cleared: if not, why."""

    sequence: int
    limit_minor: int
    salt: str
    left_out: str | None


@dataclass(frozen=True, slots=True)
class Deal:
    """What one buyer gets of one listing, from all its matches."""

    buyer_id: ParticipantId
    listing_id: ListingId
    units: int


class NoSuchCallAuction(NotFound):
    """There is no such call auction, or you may not see it."""


class UnitsDiffer(Conflict):
    """The listings of a call auction grant the same without limit, at no posted price; the facts name one that does
    not."""


class CallTimes(Malformed):
    """A call auction gathers orders for as long as the facts say."""


class CallOver(Conflict):
    """This call auction takes no orders any more."""


class CallStillOpen(Conflict):
    """Orders are still gathered."""


class NotInThisCall(Conflict):
    """A provider sells units of a listing that the call auction names; a buyer names none."""


class CallFull(Conflict):
    """This call auction holds as many orders as it takes."""


class OrderTooLarge(Malformed):
    """All your orders to buy together come to no more than the facts say."""


def unit_of(listings: Sequence[Listing]) -> Unit:
    """The one unit that all these listings grant. Requires at least one."""
    units = [Unit(each.mode, each.right, each.purposes, each.quota_uses) for each in listings]
    for listing, unit in zip(listings, units, strict=True):
        fits = listing.right.kind is RightKind.UNLIMITED and listing.pricing is Pricing.NEGOTIATION
        if not fits or unit != units[0]:
            raise UnitsDiffer(listing_id=listing.id)
    return units[0]


def open_call(
    call_auction_id: CallAuctionId, listings: Sequence[Listing], reference: Money, closes_at: datetime,
    fees: FrozenFees, rules: MarketRules, now: datetime,
) -> CallAuction:  # fmt: skip
    shortest, longest = timedelta(seconds=rules.call.seconds_min), timedelta(seconds=rules.call.seconds_max)
    if not shortest <= closes_at - now <= longest:
        raise CallTimes(seconds_min=rules.call.seconds_min, seconds_max=rules.call.seconds_max)
    listing_ids = tuple(sorted(listing.id for listing in listings))
    return CallAuction(
        call_auction_id, unit_of(listings), listing_ids, reference, fees, rules.windows, CALL_AUCTION.start, now,
        closes_at, now,
    )  # fmt: skip


def place(
    call: CallAuction, book: Sequence[Placed], new: UnitOrder, listing_id: ListingId | None,
    related: Set[ParticipantId], now: datetime,
) -> CallAuction:  # fmt: skip
    """The call after one more order, which has the next sequence. Requires that who orders may trade here."""
    at = max(now, call.last_at)
    if call.state is not OPEN or at >= call.closes_at:
        raise CallOver(state=call.state, closed_at=call.closes_at)
    buys = new.direction is Direction.BUY
    if (listing_id is None) is not buys or (listing_id is not None and listing_id not in call.listing_ids):
        raise NotInThisCall(listings=list(call.listing_ids))
    if len(book) >= ORDERS_MAX:
        raise CallFull(orders_max=ORDERS_MAX)
    orders = enter([placed.order for placed in book], new, related)
    if buys and sum(_cost(each) for each in orders if each.participant_id == new.participant_id) > MINOR_MAX:
        raise OrderTooLarge(minor_max=MINOR_MAX)
    return _change(call, order_count=call.order_count + 1, last_at=at)


def standing(
    book: Iterable[Placed], denied: Mapping[UnitOrderId, str], related: Mapping[ParticipantId, Set[ParticipantId]]
) -> tuple[list[Placed], dict[UnitOrderId, str]]:
    """Who trades at the close, and why each other does not: `denied` says who may not by now, `related` who is whose
    affiliate by now, for then the earlier order stays."""
    stays, left_out = list[Placed](), dict(denied)
    for placed in sorted(book, key=lambda each: each.order.sequence):
        if placed.id in denied:
            continue
        try:
            enter([each.order for each in stays], placed.order, related.get(placed.order.participant_id, frozenset()))
        except SelfTrade as refused:
            left_out[placed.id] = refused.code()
            continue
        stays.append(placed)
    return stays, left_out


def close(call: CallAuction, book: Sequence[Placed], now: datetime) -> tuple[CallAuction, Clearing | None]:
    """The call once its time is up, with what its book comes to. Requires the book of those who may trade."""
    at = max(now, call.last_at)
    if call.state is not OPEN:
        raise CallOver(state=call.state, closed_at=call.closes_at)
    if at < call.closes_at:
        raise CallStillOpen(closes_at=call.closes_at)
    clearing = clear([placed.order for placed in book], call.reference.minor)
    if clearing is None:
        return _move(call, UNCROSSED, at, reason_code=Reason.NO_LIMITS_MEET), None
    price = Money(clearing.price_minor, call.reference.currency)
    cleared = _move(call, CLEARED, at, reason_code=Reason.ONE_PRICE, price=price, volume=clearing.volume)
    return cleared, clearing


def cancel(call: CallAuction, reason: str, now: datetime) -> CallAuction:
    """Called off by an operator before its close. Every order is void."""
    at = max(now, call.last_at)
    if call.state is not OPEN or at >= call.closes_at:
        raise CallOver(state=call.state, closed_at=call.closes_at)
    return _move(call, CANCELLED, at, reason_code=Reason.BY_OPERATOR, reason=reason)


def deals_of(clearing: Clearing, book: Iterable[Placed]) -> list[Deal]:
    """One for each buyer and listing, in the order in which they were first matched."""
    listing_of = {placed.order.sequence: placed.listing_id for placed in book}
    units = dict[tuple[ParticipantId, ListingId], int]()
    for match in clearing.matches:
        listing_id = listing_of[match.sell.sequence]
        assert listing_id
        pair = match.buy.participant_id, listing_id
        units[pair] = units.get(pair, 0) + match.quantity
    return [Deal(buyer_id, listing_id, count) for (buyer_id, listing_id), count in units.items()]


def filled(clearing: Clearing | None, order: UnitOrder) -> int:
    """How many of its units traded."""
    matches = clearing.matches if clearing else ()
    return sum(match.quantity for match in matches if order.sequence in {match.buy.sequence, match.sell.sequence})


def opening_of(placed: Placed, left_out: Mapping[UnitOrderId, str]) -> LimitOpening:
    return LimitOpening(placed.order.sequence, placed.order.limit_minor, placed.salt, left_out.get(placed.id))


def _cost(order: UnitOrder) -> int:
    return order.limit_minor * order.quantity if order.direction is Direction.BUY else 0


def _move(call: CallAuction, to: State, at: datetime, **changes: Any) -> CallAuction:
    return _change(call, state=CALL_AUCTION.move(call.state, to), last_at=at, **changes)


def _change(call: CallAuction, **changes: Any) -> CallAuction:
    return replace(call, revision=call.revision + 1, **changes)
