"""The facts of a Dutch auction: its schedule, the one acceptance with what it led to, or its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.auction import State
from services.trading.rules.award import FrozenFees
from services.trading.rules.dutch import DutchAuction, Schedule
from services.trading.rules.market_rules import Windows
from shared.facts import Category, Fact, Retention
from shared.ids import AuctionId, ListingId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class DutchAuctionOpened(Fact):
    """A listing is offered at a falling price, on these terms; the floor is an open reserve."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    start_price: Money
    schedule: Schedule
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    fees: FrozenFees
    windows: Windows
    rules_name: str

    @classmethod
    def of(cls, auction: DutchAuction) -> Self:
        terms = auction.terms
        return cls(
            auction.id, auction.listing_id, auction.provider_id, terms.start_price, terms.schedule, terms.deposit,
            terms.opens_at, terms.closes_at, terms.fees, terms.windows, terms.rules_name,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DutchPriceAccepted(Fact):
    """The command (bidder, the most they would pay, moment), which ended the auction at this price."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    participant_id: ParticipantId
    bidder_number: int
    maximum: Money
    amount: Money
    outcome_state: State
    reason_code: str | None
    accepted_at: datetime
    revision: int

    @classmethod
    def of(cls, auction: DutchAuction, bidder_number: int) -> Self:
        """Requires a sold auction."""
        assert auction.winner_id is not None and auction.maximum is not None and auction.price is not None
        return cls(
            auction.id, auction.listing_id, auction.winner_id, bidder_number, auction.maximum, auction.price,
            auction.state, auction.reason_code, auction.last_at, auction.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DutchAuctionEnded(Fact):
    """Nobody accepted before the end."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    listing_id: ListingId
    outcome_state: State
    reason_code: str | None
    closed_at: datetime
    revision: int

    @classmethod
    def of(cls, auction: DutchAuction) -> Self:
        return cls(
            auction.id, auction.listing_id, auction.state, auction.reason_code, auction.closes_at, auction.revision
        )
