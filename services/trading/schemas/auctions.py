"""What crosses the wire about auctions. A bidder shows as a number; a maximum shows to its owner alone."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.auction import Auction, State
from services.trading.rules.auction_terms import (
    EXTENSIONS_MAX,
    INCREMENTS_MAX,
    PRIORITY_MAX,
    WHOLE_BASIS_POINTS,
    Increment,
    SoftClose,
)
from services.trading.rules.bid import Bid, Registration
from services.trading.rules.calling_off import Ground, Proposal
from services.trading.rules.dutch import Schedule
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import Phase
from services.trading.schemas.money import Amount
from services.trading.schemas.words import Minor
from shared.ids import AuctionId, BidId, ListingId, ParticipantId, RegistrationId
from shared.money import Money
from shared.web import Moment, Request, View

AuctionState = State
SECONDS_MAX = 86_400


class NewIncrement(Request):
    """From a price on, the step in minor units, or as a share of the price, rounded up, whichever is more."""

    from_minor: Minor
    step_minor: Minor
    step_basis_points: Annotated[int, Limits(ge=0, le=WHOLE_BASIS_POINTS)] = 0


class NewSoftClose(Request):
    """How late bids move the end; what is not named is as the market has it. A cap of 0 sets none but the hard end."""

    window_seconds: Annotated[int | None, Limits(ge=1, le=SECONDS_MAX)] = None
    extension_seconds: Annotated[int | None, Limits(ge=1, le=SECONDS_MAX)] = None
    extensions_max: Annotated[int | None, Limits(ge=0, le=EXTENSIONS_MAX)] = None
    hard_closes_at: Moment | None = None

    def soft_close(self) -> SoftClose:
        return SoftClose(self.window_seconds, self.extension_seconds, self.extensions_max, self.hard_closes_at)


class NewSchedule(Request):
    """Of a Dutch auction: the price falls by so much after each interval, down to the floor."""

    decrement: Amount
    interval_seconds: Annotated[int, Limits(ge=1, le=SECONDS_MAX)]
    floor_price: Amount

    def schedule(self) -> Schedule:
        return Schedule(self.decrement.money(), self.interval_seconds, self.floor_price.money())


class NewAuction(Request):
    """Opens at once if no time is named. The reserve stays hidden until the close, unless it is open.

    The listing says by which mechanism. An English auction needs `increments`, a Dutch one a `schedule`, and one by
    sealed bids `reveal_closes_at`; what belongs to another mechanism is refused.
    If you keep the second's deposit until the winner has paid, in an English auction or one by sealed bids at the first
    or second price, the second is asked when the winner does not.
    What follows is an English auction's. Priority buyers (优先购买权人) register like everyone, and may then equal what
    others bid. Until the first bid, a bidder may end it at `buy_now_price`. `reoffer_of` names what failed to sell
    before, and is offered again.
    """

    listing_id: ListingId
    start_price: Amount
    increments: Annotated[list[NewIncrement] | None, Limits(min_length=1, max_length=INCREMENTS_MAX)] = None
    schedule: NewSchedule | None = None
    reserve_price: Amount | None = None
    deposit: Amount
    opens_at: Moment | None = None
    closes_at: Moment
    reveal_closes_at: Moment | None = None
    reserve_is_open: bool = False
    soft_close: NewSoftClose = NewSoftClose()
    priority_buyers: Annotated[list[ParticipantId], Limits(max_length=PRIORITY_MAX)] = []
    buy_now_price: Amount | None = None
    keeps_second: bool = False
    reoffer_of: AuctionId | None = None

    def steps(self) -> tuple[Increment, ...]:
        bands = self.increments or ()
        return tuple(Increment(band.from_minor, band.step_minor, band.step_basis_points) for band in bands)

    def named(self) -> set[str]:
        """The terms that say something."""
        return {name for name in self.model_fields_set if getattr(self, name) is not None}


class NewGround(Request):
    """Why an auction with bids should be called off."""

    ground: Annotated[Ground, Limits(strict=False)]


class NewBid(Request):
    """The most you would pay. The price rises only as far as it must."""

    maximum: Amount


class IncrementView(View):
    from_minor: int
    step_minor: int
    step_basis_points: int


class AuctionView(View):
    """`closes_at` is the effective end. That there is a reserve is told; its amount (拍卖法 art. 28, 50) only if the
    provider opened it. `floor` is for whoever has no priority. While the second is asked (`second_asked`), the price is
    theirs, and the leading number."""

    id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    mechanism: Mechanism
    state: State
    phase: Phase
    next_step_at: datetime | None
    price: Money | None
    floor: Money
    bids: int
    leading_bidder_number: int | None
    winner: ParticipantId | None
    start_price: Money
    increments: list[IncrementView]
    has_reserve: bool
    reserve_price: Money | None
    has_priority_buyers: bool
    buy_now_price: Money | None
    keeps_second: bool
    reoffer_of: AuctionId | None
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    hard_closes_at: datetime
    soft_close_seconds: int
    extension_seconds: int
    extensions_max: int
    extensions: int
    rules_version: str
    price_cap: Money | None
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, auction: Auction, leading_bidder_number: int | None, now: datetime) -> Self:
        terms, step = auction.terms, auction.step(now)
        return cls(
            id=auction.id, listing_id=auction.listing_id, provider_id=auction.provider_id,
            mechanism=auction.mechanism, state=auction.state, phase=step.phase, next_step_at=step.next_step_at,
            price=auction.price, floor=auction.floor, bids=auction.bid_count,
            leading_bidder_number=leading_bidder_number, winner=auction.winner_id, start_price=terms.start_price,
            increments=[IncrementView.model_validate(band) for band in terms.increments],
            has_reserve=terms.reserve_price is not None, reserve_price=terms.open_reserve,
            has_priority_buyers=bool(terms.priority_ids), buy_now_price=auction.buy_now_price,
            keeps_second=terms.keeps_second, reoffer_of=auction.reoffer_of, deposit=terms.deposit,
            opens_at=terms.opens_at, closes_at=auction.closes_at, hard_closes_at=terms.hard_closes_at,
            soft_close_seconds=terms.soft_close_seconds, extension_seconds=terms.extension_seconds,
            extensions_max=terms.extensions_max, extensions=auction.extensions,
            rules_version=terms.rules_name, price_cap=terms.price_cap, next_actor=auction.next_actor,
            deadline=auction.deadline, reason_code=auction.reason_code,
        )  # fmt: skip


class ProposalView(View):
    """That an auction be called off, which a second operator may confirm until the deadline."""

    auction_id: AuctionId
    ground: Ground
    proposed_at: datetime
    deadline: datetime

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        return cls.model_validate(proposal)


class RegistrationView(View):
    id: RegistrationId
    auction_id: AuctionId
    bidder_number: int
    deposit: Money
    registered_at: datetime

    @classmethod
    def of(cls, registration: Registration) -> Self:
        return cls.model_validate(registration)


class BidView(View):
    id: BidId
    auction_id: AuctionId
    sequence: int
    bidder_number: int
    maximum: Money | None
    price_after: Money
    leading: bool
    closes_at: datetime
    placed_at: datetime

    @classmethod
    def of(cls, bid: Bid, seen_by: ParticipantId | None) -> Self:
        return cls(
            id=bid.id, auction_id=bid.auction_id, sequence=bid.sequence, bidder_number=bid.bidder_number,
            maximum=bid.maximum if seen_by == bid.participant_id else None, price_after=bid.price_after,
            leading=bid.leading, closes_at=bid.closes_at, placed_at=bid.placed_at,
        )  # fmt: skip
