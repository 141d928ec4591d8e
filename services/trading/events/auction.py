"""The facts of an auction. They carry the accepted commands, so that folding them again gives the state again.

Promises: before the close, nothing that is told reveals a maximum or the reserve; after it, everything that was
committed to is opened, so that anyone with the log can recompute the winner. What is called off stays sealed: nobody
has won, and the same right may be auctioned again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import Auction, State
from services.trading.rules.auction_terms import Increment
from services.trading.rules.award import FrozenFees
from services.trading.rules.bid import Bid, Opening, Registration
from services.trading.rules.market_rules import Windows
from shared.facts import Category, Commitment, Fact, Retention, commit
from shared.grades import Clearance, Decision
from shared.ids import AuctionId, BidId, ListingId, ParticipantId, RegistrationId
from shared.money import Money

OPENINGS_MAX = 100  # of one fact, so that it stays within the bytes that an event may have


@dataclass(frozen=True, slots=True)
class AuctionOpened(Fact):
    """A listing goes to whoever bids most, on these terms; a secret reserve is sealed, an open one is told."""

    schema_version: ClassVar[int] = 2  # from the second on, all below `rules_name`, and shares as steps
    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    start_price: Money
    increments: tuple[Increment, ...]
    reserve_price: Commitment | None
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    hard_closes_at: datetime
    soft_close_seconds: int
    extension_seconds: int
    extensions_max: int
    fees: FrozenFees
    windows: Windows
    rules_name: str
    price_cap: Money | None
    open_reserve: Money | None
    priority_ids: tuple[ParticipantId, ...]
    buy_now_price: Money | None
    keeps_second: bool
    second_answer_seconds: int
    reoffer_of: AuctionId | None
    barred_ids: tuple[ParticipantId, ...]

    @classmethod
    def of(cls, auction: Auction, reserve_salt: str | None) -> Self:
        terms, sealed = auction.terms, None
        if terms.reserve_price is not None and reserve_salt is not None:
            sealed = commit("reserve_price", str(terms.reserve_price.minor), bytes.fromhex(reserve_salt))
        return cls(
            auction.id, auction.listing_id, auction.provider_id, terms.start_price, terms.increments, sealed,
            terms.deposit, terms.opens_at, terms.closes_at, terms.hard_closes_at, terms.soft_close_seconds,
            terms.extension_seconds, terms.extensions_max, terms.fees, terms.windows, terms.rules_name,
            terms.price_cap, terms.open_reserve, terms.priority_ids, terms.buy_now_price, terms.keeps_second,
            terms.second_answer_seconds, auction.reoffer_of, auction.barred_ids,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BidderRegistered(Fact):
    """A participant may bid in an auction, under a number of its own."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    registration_id: RegistrationId
    participant_id: ParticipantId
    bidder_number: int
    deposit: Money
    clearance: Clearance | None
    decision: Decision

    @classmethod
    def of(cls, registration: Registration) -> Self:
        return cls(
            registration.auction_id, registration.id, registration.participant_id, registration.bidder_number,
            registration.deposit, registration.clearance, registration.decision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BidPlaced(Fact):
    """The command (bidder, maximum, moment) and what it made of the auction."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    bid_id: BidId
    sequence: int
    bidder_number: int
    participant_id: ParticipantId
    maximum: Commitment
    price: Money
    leading: bool
    closes_at: datetime
    placed_at: datetime
    revision: int

    @classmethod
    def of(cls, bid: Bid, auction: Auction) -> Self:
        return cls(
            bid.auction_id, bid.id, bid.sequence, bid.bidder_number, bid.participant_id, bid.commitment,
            bid.price_after, bid.leading, bid.closes_at, bid.placed_at, auction.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AuctionClosed(Fact):
    """`openings` are those of the first bids; `BidsOpened` has the rest, in the same commit. `second_id` says whose
    deposit is kept until the winner has paid."""

    schema_version: ClassVar[int] = 2  # from the second on, `second_id`
    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    outcome_state: State
    reason_code: str | None
    winner_id: ParticipantId | None
    amount: Money | None
    bids: int
    closed_at: datetime
    openings: tuple[Opening, ...]
    reserve_price: Money | None
    reserve_salt: str | None
    revision: int
    second_id: ParticipantId | None

    @classmethod
    def of(cls, auction: Auction, openings: Sequence[Opening], reserve_salt: str | None) -> Self:
        """Requires a closed auction."""
        sold_at = auction.price if auction.winner_id else None
        return cls(
            auction.id, auction.listing_id, auction.state, auction.reason_code, auction.winner_id, sold_at,
            auction.bid_count, auction.closes_at, tuple(openings[:OPENINGS_MAX]), auction.terms.reserve_price,
            reserve_salt, auction.revision, auction.second_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BidsOpened(Fact):
    """Further bids of a closed auction, opened."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class AuctionCancelled(Fact):
    """An auction is called off before its close, and nobody has won."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    reason_code: str | None
    bids: int
    revision: int

    @classmethod
    def of(cls, auction: AnyAuction) -> Self:
        return cls(
            auction.id, auction.listing_id, auction.provider_id, auction.reason_code, auction.bid_count,
            auction.revision,
        )  # fmt: skip


def facts_of_close(auction: Auction, openings: Sequence[Opening], reserve_salt: str | None) -> Iterator[Fact]:
    """The close, with every maximum opened."""
    yield AuctionClosed.of(auction, openings, reserve_salt)
    for first in range(OPENINGS_MAX, len(openings), OPENINGS_MAX):
        yield BidsOpened(auction.id, tuple(openings[first : first + OPENINGS_MAX]))
