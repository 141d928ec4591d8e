"""The facts of what follows on the close of an auction: payment, default, and the second bidder's answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.any_auction import Awardable
from services.trading.rules.auction import Auction
from services.trading.rules.bid import Registration
from shared.facts import Category, Fact, Retention
from shared.ids import AuctionId, ListingId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class AwardConfirmed(Fact):
    """The winner has paid: nobody else is asked."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    winner_id: ParticipantId
    revision: int

    @classmethod
    def of(cls, auction: Awardable) -> Self:
        assert auction.winner_id is not None
        return cls(auction.id, auction.winner_id, auction.revision)


@dataclass(frozen=True, slots=True)
class SecondAsked(Fact):
    """The winner defaulted; whoever came second may have it, at the price at which they would have led without them."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    defaulter_id: ParticipantId
    second_id: ParticipantId
    amount: Money
    deadline: datetime
    reason_code: str | None
    revision: int

    @classmethod
    def of(cls, auction: Awardable) -> Self:
        assert auction.leader_id is not None and auction.price is not None and auction.deadline is not None
        return cls(
            auction.id, auction.defaulter_ids[-1], auction.leader_id, auction.price, auction.deadline,
            auction.reason_code, auction.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SecondAccepted(Fact):
    """Whoever came second has taken it."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    winner_id: ParticipantId
    amount: Money
    reason_code: str | None
    revision: int

    @classmethod
    def of(cls, auction: Awardable) -> Self:
        assert auction.winner_id is not None and auction.price is not None
        return cls(auction.id, auction.winner_id, auction.price, auction.reason_code, auction.revision)


@dataclass(frozen=True, slots=True)
class AwardFailed(Fact):
    """Nobody has it after all; it may be offered again. `defaulter_id` says who did not pay for it, if that is why."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    defaulter_id: ParticipantId | None
    reason_code: str | None
    failed_at: datetime
    revision: int

    @classmethod
    def of(cls, auction: Awardable) -> Self:
        assert auction.failed_at is not None
        defaulter_id = auction.defaulter_ids[-1] if auction.defaulter_ids else None
        return cls(
            auction.id, auction.listing_id, defaulter_id, auction.reason_code, auction.failed_at, auction.revision
        )


@dataclass(frozen=True, slots=True)
class AuctionBoughtNow(Fact):
    """A bidder took it at the price at which it ends at once; its close is told in the same commit."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    participant_id: ParticipantId
    bidder_number: int
    amount: Money
    revision: int

    @classmethod
    def of(cls, auction: Auction, buyer: Registration) -> Self:
        assert auction.price is not None
        return cls(auction.id, buyer.participant_id, buyer.bidder_number, auction.price, auction.revision)
