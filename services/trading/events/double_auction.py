"""The facts of a double auction. They carry the accepted commands, so that anyone can decide it again.

Promises: before the decision nothing that is told reveals a price; the decision tells what was opened, and names
neither party and is nobody's of them, so that a party who asks the log for what is told of them is not shown the other
side's price.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.double_auction import DoubleAuction, DoubleTerms, PriceOpening, State
from services.trading.rules.negotiation_terms import Side
from shared.facts import Category, Commitment, Fact, Retention
from shared.ids import DoubleAuctionId, ListingId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class DoubleAuctionFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    double_auction_id: DoubleAuctionId
    revision: int


@dataclass(frozen=True, slots=True)
class DoubleAuctionOpened(DoubleAuctionFact):
    """A buyer proposes to a provider that both seal a price, for this scope and on these terms."""

    listing_id: ListingId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    terms: DoubleTerms

    @classmethod
    def of(cls, auction: DoubleAuction) -> Self:
        return cls(
            auction.id, auction.revision, auction.listing_id, auction.provider_id, auction.buyer_id, auction.terms
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PriceSealed(DoubleAuctionFact):
    """The command (side, commitment, moment). What it hides is known to its side alone."""

    participant_id: ParticipantId
    side: Side
    price: Commitment
    sealed_at: datetime

    @classmethod
    def of(cls, auction: DoubleAuction, side: Side) -> Self:
        """Requires that the side has sealed."""
        sealed = auction.sealed_by(side)
        assert sealed
        who = _party(auction, side)
        return cls(auction.id, auction.revision, who, side, Commitment(sealed.commitment), sealed.sealed_at)


@dataclass(frozen=True, slots=True)
class PriceRevealed(DoubleAuctionFact):
    """A side has opened its price; what it was is told with the decision."""

    participant_id: ParticipantId
    side: Side
    revealed_at: datetime

    @classmethod
    def of(cls, auction: DoubleAuction, side: Side) -> Self:
        """Requires that the side has opened its price."""
        sealed = auction.sealed_by(side)
        assert sealed and sealed.revealed_at
        return cls(auction.id, auction.revision, _party(auction, side), side, sealed.revealed_at)


@dataclass(frozen=True, slots=True)
class DoubleAuctionDeclined(DoubleAuctionFact):
    """A side that has sealed nothing ends it."""

    participant_id: ParticipantId
    side: Side
    reason_code: str

    @classmethod
    def of(cls, auction: DoubleAuction, side: Side) -> Self:
        return cls(auction.id, auction.revision, _party(auction, side), side, str(auction.reason_code))


@dataclass(frozen=True, slots=True)
class DoubleAuctionDecided(DoubleAuctionFact):
    """The one price, or why there is none, with the prices that were opened."""

    outcome_state: State
    reason_code: str
    amount: Money | None
    openings: tuple[PriceOpening, ...]

    @classmethod
    def of(cls, auction: DoubleAuction) -> Self:
        """Requires a decided one."""
        return cls(
            auction.id, auction.revision, auction.state, str(auction.reason_code), auction.price, auction.openings
        )  # fmt: skip


def _party(auction: DoubleAuction, side: Side) -> ParticipantId:
    return auction.buyer_id if side is Side.BUYER else auction.provider_id
