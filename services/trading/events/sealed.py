"""The facts of an auction by sealed bids. They carry the accepted commands, so that anyone can judge the bids again.

Promises: before the close, nothing that is told reveals a bid, the reserve or the coins: a commitment is a hash, and
that a bid was revealed is told without what it was; at the close everything that was revealed is told with its nonce,
and the seed, so that anyone with the log can check each hash and each coin and recompute who won, at which price.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.auction import State
from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import Windows
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.rsop import seed_commitment
from services.trading.rules.sealed import SealedAuction, SealedBid
from shared.facts import Category, Commitment, Fact, Retention, commit
from shared.ids import AuctionId, BidId, ListingId, ParticipantId
from shared.money import Money

VERDICTS_MAX = 50  # of one fact, so that it stays within the bytes that an event may have


@dataclass(frozen=True, slots=True)
class SealedAuctionOpened(Fact):
    """Sealed bids are called for, on these terms; a secret reserve and the seed of the coins are sealed too."""

    schema_version: ClassVar[int] = 2  # from the second on, all below `rules_name`
    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    mechanism: Mechanism
    copies: int | None
    start_price: Money
    reserve_price: Commitment | None
    seed: Commitment | None
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    reveal_closes_at: datetime
    fees: FrozenFees
    windows: Windows
    rules_name: str
    keeps_second: bool
    second_answer_seconds: int

    @classmethod
    def of(cls, auction: SealedAuction, reserve_salt: str | None) -> Self:
        terms, reserve = auction.terms, None
        if terms.reserve_price is not None and reserve_salt is not None:
            reserve = commit("reserve_price", str(terms.reserve_price.minor), bytes.fromhex(reserve_salt))
        seed = None if terms.seed is None else seed_commitment(auction.id, terms.seed)
        return cls(
            auction.id, auction.listing_id, auction.provider_id, terms.mechanism, terms.copies, terms.start_price,
            reserve, seed, terms.deposit, terms.opens_at, terms.closes_at, terms.reveal_closes_at, terms.fees,
            terms.windows, terms.rules_name, terms.keeps_second, terms.second_answer_seconds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealedBidPlaced(Fact):
    """The command (bidder, commitment, moment). What it hides is known to the bidder alone."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    bid_id: BidId
    sequence: int
    bidder_number: int
    participant_id: ParticipantId
    bid: Commitment
    placed_at: datetime
    revision: int

    @classmethod
    def of(cls, bid: SealedBid, auction: SealedAuction) -> Self:
        return cls(
            bid.auction_id, bid.id, bid.sequence, bid.bidder_number, bid.participant_id, Commitment(bid.commitment),
            bid.committed_at, auction.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealedBidRevealed(Fact):
    """A bidder has opened their bid; what it was is told at the close."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    bid_id: BidId
    sequence: int
    participant_id: ParticipantId
    revealed_at: datetime
    revision: int

    @classmethod
    def of(cls, bid: SealedBid, auction: SealedAuction) -> Self:
        """Requires a revealed bid."""
        assert bid.revealed_at is not None
        return cls(
            bid.auction_id, bid.id, bid.sequence, bid.participant_id, bid.revealed_at, auction.revision
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bid, opened if its bidder opened it, with the price that it pays if it won, and the reason either way."""

    sequence: int
    amount_minor: int | None
    nonce: str | None
    price_minor: int | None
    reason_code: str | None

    @classmethod
    def of(cls, bid: SealedBid) -> Self:
        return cls(
            bid.sequence, bid.amount and bid.amount.minor, bid.nonce, bid.price and bid.price.minor, bid.reason_code
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealedAuctionClosed(Fact):
    """`verdicts` are those on the first bids; `SealedBidsJudged` has the rest, in the same commit. `second_id` says
    whose deposit is kept until the winner has paid."""

    schema_version: ClassVar[int] = 2  # from the second on, `second_id`
    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    outcome_state: State
    reason_code: str | None
    awards: int
    winner_id: ParticipantId | None
    amount: Money | None
    bids: int
    revealed: int
    closed_at: datetime
    verdicts: tuple[Verdict, ...]
    reserve_price: Money | None
    reserve_salt: str | None
    seed: str | None
    revision: int
    second_id: ParticipantId | None

    @classmethod
    def of(cls, auction: SealedAuction, verdicts: Sequence[Verdict], reserve_salt: str | None) -> Self:
        """Requires a closed auction."""
        return cls(
            auction.id, auction.listing_id, auction.state, auction.reason_code, auction.award_count,
            auction.winner_id, auction.price, auction.bid_count, auction.reveal_count, auction.decided_at,
            tuple(verdicts[:VERDICTS_MAX]), auction.terms.reserve_price, reserve_salt, auction.terms.seed,
            auction.revision, auction.second_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealedBidsJudged(Fact):
    """Further bids of a closed auction, opened, with what came of them."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    verdicts: tuple[Verdict, ...]


def facts_of_close(auction: SealedAuction, bids: Sequence[SealedBid], reserve_salt: str | None) -> Iterator[Fact]:
    """The close, with every bid that was revealed opened."""
    verdicts = [Verdict.of(bid) for bid in bids]
    yield SealedAuctionClosed.of(auction, verdicts, reserve_salt)
    for first in range(VERDICTS_MAX, len(verdicts), VERDICTS_MAX):
        yield SealedBidsJudged(auction.id, tuple(verdicts[first : first + VERDICTS_MAX]))
