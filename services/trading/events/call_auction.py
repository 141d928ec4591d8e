"""The facts of a call auction. Limits are sealed until the close, and opened by it, so that anyone with the log can
clear the book again; what is called off stays sealed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.award import FrozenFees
from services.trading.rules.call_auction import Direction
from services.trading.rules.call_session import CallAuction, LimitOpening, Placed, State, Unit
from services.trading.rules.market_rules import Windows
from shared.facts import Category, Commitment, Fact, Retention
from shared.ids import CallAuctionId, ListingId, ParticipantId, UnitOrderId
from shared.money import Money

OPENINGS_MAX = 75  # of one fact, so that it stays within the bytes that an event may have


@dataclass(frozen=True, slots=True)
class CallAuctionOpened(Fact):
    """Orders for one standard unit, which all these listings grant, are gathered until the close."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    call_auction_id: CallAuctionId
    unit: Unit
    listing_ids: tuple[ListingId, ...]
    reference: Money
    fees: FrozenFees
    windows: Windows
    closes_at: datetime

    @classmethod
    def of(cls, call: CallAuction) -> Self:
        return cls(call.id, call.unit, call.listing_ids, call.reference, call.fees, call.windows, call.closes_at)


@dataclass(frozen=True, slots=True)
class UnitOrderPlaced(Fact):
    """A participant orders units, at a limit that stays sealed until the close."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    unit_order_id: UnitOrderId
    call_auction_id: CallAuctionId
    sequence: int
    participant_id: ParticipantId
    direction: Direction
    listing_id: ListingId | None
    quantity: int
    limit: Commitment
    placed_at: datetime

    @classmethod
    def of(cls, placed: Placed) -> Self:
        order = placed.order
        return cls(
            placed.id, placed.call_auction_id, order.sequence, order.participant_id, order.direction,
            placed.listing_id, order.quantity, placed.commitment, placed.placed_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallAuctionClosed(Fact):
    """The one price and the volume, or that no limits met. `LimitsOpened` has further openings, in the same commit."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    call_auction_id: CallAuctionId
    outcome_state: State
    reason_code: str | None
    amount: Money | None
    volume: int
    orders: int
    openings: tuple[LimitOpening, ...]
    revision: int

    @classmethod
    def of(cls, call: CallAuction, openings: Sequence[LimitOpening]) -> Self:
        """Requires a closed call."""
        return cls(
            call.id, call.state, call.reason_code, call.price, call.volume, call.order_count,
            tuple(openings[:OPENINGS_MAX]), call.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LimitsOpened(Fact):
    """Further limits of a closed call auction, opened."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    call_auction_id: CallAuctionId
    openings: tuple[LimitOpening, ...]


@dataclass(frozen=True, slots=True)
class CallAuctionCancelled(Fact):
    """An operator calls it off before the close; every order is void."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    call_auction_id: CallAuctionId
    reason_code: str | None
    reason: str | None
    revision: int

    @classmethod
    def of(cls, call: CallAuction) -> Self:
        return cls(call.id, call.reason_code, call.reason, call.revision)


def facts_of_close(call: CallAuction, openings: Sequence[LimitOpening]) -> Iterator[Fact]:
    """The close, with every limit opened."""
    yield CallAuctionClosed.of(call, openings)
    for first in range(OPENINGS_MAX, len(openings), OPENINGS_MAX):
        yield LimitsOpened(call.id, tuple(openings[first : first + OPENINGS_MAX]))
