"""What crosses the wire about auctions that are not English: the falling price, and sealed bids.

Before the close a sealed bid shows as its commitment, and what it was to its owner alone, once they have revealed it.
"""

from datetime import datetime
from typing import Annotated, Self

from pydantic import StringConstraints

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import CANCELLED, OPEN, SECOND_ASKED, UNSOLD, Auction, State
from services.trading.rules.dutch import DutchAuction, Taken
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import Phase
from services.trading.rules.rsop import seed_commitment
from services.trading.rules.sealed import SealedAuction, SealedBid
from services.trading.schemas.auctions import AuctionView
from services.trading.schemas.money import Amount
from shared.ids import AuctionId, BidId, ListingId, OrderId, ParticipantId
from shared.money import Money
from shared.web import Request, View

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Nonce = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32,64}$")]  # at least 16 bytes, so that nobody guesses


SEALED = frozenset({OPEN, CANCELLED})  # states in which nobody has opened the bids


class NewAcceptance(Request):
    """The most you would pay: whatever the price is when your acceptance arrives, you pay no more."""

    maximum: Amount


class NewSealedBid(Request):
    """SHA-256, in hex, of the canonical JSON (RFC 8785) of what you will reveal, with the ids of auction and bidder:
    `{"amount":{"currency":"CNY","minor":8000},"auction":"auction_…","bidder":"participant_…","nonce":"…"}`."""

    commitment: Digest


class NewReveal(Request):
    """What you committed to. The nonce is random: 32 to 64 digits of lower-case hex."""

    amount: Amount
    nonce: Nonce


class AcceptanceView(View):
    auction_id: AuctionId
    bidder_number: int
    price: Money
    accepted_at: datetime
    order_id: OrderId

    @classmethod
    def of(cls, taken: Taken) -> Self:
        return cls.model_validate(taken)


class SealedBidView(View):
    """`price`, `winner` and `reason_code` are as the close judged the bid; what came of the award, the auction says."""

    id: BidId
    auction_id: AuctionId
    sequence: int
    bidder_number: int
    commitment: str
    committed_at: datetime
    revealed_at: datetime | None
    amount: Money | None
    nonce: str | None
    price: Money | None
    winner: ParticipantId | None
    reason_code: str | None

    @classmethod
    def of(cls, bid: SealedBid, seen_by: ParticipantId | None, state: State) -> Self:
        is_open = state not in SEALED or seen_by == bid.participant_id
        return cls(
            id=bid.id, auction_id=bid.auction_id, sequence=bid.sequence, bidder_number=bid.bidder_number,
            commitment=bid.commitment, committed_at=bid.committed_at, revealed_at=bid.revealed_at,
            amount=bid.amount if is_open else None, nonce=bid.nonce if is_open else None, price=bid.price,
            winner=bid.participant_id if bid.won else None, reason_code=bid.reason_code,
        )  # fmt: skip


class ScheduleView(View):
    decrement: Money
    interval_seconds: int
    floor_price: Money


class DutchAuctionView(View):
    """`price` is that of now; `next_step_at` is when it falls next, or the auction ends."""

    id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    mechanism: Mechanism
    state: State
    phase: Phase
    next_step_at: datetime | None
    price: Money | None
    start_price: Money
    schedule: ScheduleView
    winner: ParticipantId | None
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    rules_version: str
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, auction: DutchAuction, now: datetime) -> Self:
        terms, step = auction.terms, auction.step(now)
        return cls(
            id=auction.id, listing_id=auction.listing_id, provider_id=auction.provider_id,
            mechanism=auction.mechanism, state=auction.state, phase=step.phase, next_step_at=step.next_step_at,
            price=auction.price_now(now), start_price=terms.start_price,
            schedule=ScheduleView.model_validate(terms.schedule), winner=auction.winner_id, deposit=terms.deposit,
            opens_at=terms.opens_at, closes_at=terms.closes_at, rules_version=terms.rules_name,
            next_actor=auction.next_actor, deadline=auction.deadline, reason_code=auction.reason_code,
        )  # fmt: skip


class SealedAuctionView(View):
    """Bids are sealed until `closes_at`, and revealed from then until `reveal_closes_at`.

    `price` stands where all winners pay the same, `winner` where there can be one only; each bid's own stand with the
    sealed bids. `seed` opens `seed_commitment`, once the auction has closed. While the second is asked
    (`second_asked`), the price is theirs, and `asked_bidder_number`; of `awards` there is none then.
    """

    id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    mechanism: Mechanism
    state: State
    phase: Phase
    next_step_at: datetime | None
    copies: int | None
    bids: int
    revealed: int
    awards: int
    price: Money | None
    winner: ParticipantId | None
    asked_bidder_number: int | None
    start_price: Money
    has_reserve: bool
    keeps_second: bool
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    reveal_closes_at: datetime
    seed_commitment: str | None
    seed: str | None
    rules_version: str
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, auction: SealedAuction, leading_bidder_number: int | None, now: datetime) -> Self:
        terms, step = auction.terms, auction.step(now)
        return cls(
            id=auction.id, listing_id=auction.listing_id, provider_id=auction.provider_id,
            mechanism=auction.mechanism, state=auction.state, phase=step.phase, next_step_at=step.next_step_at,
            copies=terms.copies, bids=auction.bid_count, revealed=auction.reveal_count, awards=auction.awards,
            price=None if auction.state is UNSOLD else auction.price, winner=auction.winner_id,
            asked_bidder_number=leading_bidder_number if auction.state is SECOND_ASKED else None,
            start_price=terms.start_price, has_reserve=terms.reserve_price is not None,
            keeps_second=terms.keeps_second, deposit=terms.deposit, opens_at=terms.opens_at,
            closes_at=terms.closes_at, reveal_closes_at=terms.reveal_closes_at,
            seed_commitment=terms.seed and seed_commitment(auction.id, terms.seed).hex,
            seed=None if auction.state in SEALED else terms.seed, rules_version=terms.rules_name,
            next_actor=auction.next_actor, deadline=auction.deadline, reason_code=auction.reason_code,
        )  # fmt: skip


AnyAuctionView = AuctionView | DutchAuctionView | SealedAuctionView


def view_of(auction: AnyAuction, leading_bidder_number: int | None, now: datetime) -> AnyAuctionView:
    match auction:
        case Auction():
            return AuctionView.of(auction, leading_bidder_number, now)
        case DutchAuction():
            return DutchAuctionView.of(auction, now)
        case SealedAuction():
            return SealedAuctionView.of(auction, leading_bidder_number, now)
