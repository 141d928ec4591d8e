"""A Dutch auction: the price falls by a schedule, and the first who accepts has the right at the price of that moment.

Promises: the price is a function of the terms and the clock alone, never rises and never falls below its floor, which
is an open reserve; nobody pays more than the most that they named; the first acceptance ends the auction, and nobody
accepts at its end or after. Time never runs backwards within an auction.
Sources: the schedule is that of the ProZorro sale code; 法释〔2016〕18号 art. 17-20 for deposit and time.
Does not: know who may accept (registration decides), or hold money.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.trading.rules.auction import (
    AUCTION,
    OPEN,
    SOLD,
    UNSOLD,
    State,
    bidding_at,
    closing_at,
    move,
)
from services.trading.rules.auction_terms import CurrenciesDiffer, check_deposit, check_times
from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import MarketRules, Windows
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import BIDDING, CLOSED, Step, step_of
from shared.errors import Conflict, Malformed
from shared.ids import AuctionId, ListingId, OrderId, ParticipantId
from shared.money import Money


class Reason(StrEnum):
    PRICE_ACCEPTED = "price_accepted"
    NO_ACCEPTANCE = "no_acceptance"


@dataclass(frozen=True, slots=True)
class Schedule:
    """From the start price, so much less after each interval, until the floor."""

    decrement: Money
    interval_seconds: int
    floor_price: Money


@dataclass(frozen=True, slots=True)
class DutchTerms:
    start_price: Money
    schedule: Schedule
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    fees: FrozenFees
    windows: Windows
    rules_name: str

    def price_at(self, now: datetime) -> Money:
        """What an acceptance at this moment pays. Before the opening, the start price."""
        fallen = self.start_price - self.schedule.decrement * self._drops(now)
        return max(fallen, self.schedule.floor_price)

    def next_drop_at(self, now: datetime) -> datetime | None:
        """When the price falls next. None once it has reached its floor, or falls no more before the end."""
        if self.price_at(now) == self.schedule.floor_price:
            return None
        drop_at = self.opens_at + (self._drops(now) + 1) * self._interval
        return drop_at if drop_at < self.closes_at else None

    @property
    def _interval(self) -> timedelta:
        return timedelta(seconds=self.schedule.interval_seconds)

    def _drops(self, now: datetime) -> int:
        return max(0, (now - self.opens_at) // self._interval)


@dataclass(frozen=True, slots=True)
class DutchAuction:
    id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    terms: DutchTerms
    state: State
    last_at: datetime
    winner_id: ParticipantId | None = None
    price: Money | None = None
    maximum: Money | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def mechanism(self) -> Mechanism:
        return Mechanism.DUTCH

    @property
    def closes_at(self) -> datetime:
        return self.terms.closes_at

    @property
    def decided_at(self) -> datetime:
        return self.terms.closes_at

    @property
    def bid_count(self) -> int:
        """The acceptance is the only bid."""
        return 0 if self.winner_id is None else 1

    @property
    def next_actor(self) -> str | None:
        return "bidder" if self.state is OPEN else None

    @property
    def deadline(self) -> datetime | None:
        return self.decided_at if self.state is OPEN else None

    def price_now(self, now: datetime) -> Money | None:
        """What an acceptance would pay, or what the winner pays. None once nobody can have it any more."""
        if self.state is not OPEN:
            return self.price
        at = max(now, self.last_at)
        return self.terms.price_at(at) if at < self.closes_at else None

    def step(self, now: datetime) -> Step:
        """The next step is the next fall of the price, or the end."""
        if self.state is not OPEN:
            return Step(CLOSED, None)
        at = max(now, self.last_at)
        step = step_of(self.terms.opens_at, self.terms.closes_at, None, at)
        drop_at = self.terms.next_drop_at(at) if step.phase is BIDDING else None
        return Step(step.phase, drop_at or step.next_step_at)


@dataclass(frozen=True, slots=True)
class Taken:
    """An acceptance that was in time: who has the right at which price, by which order."""

    auction_id: AuctionId
    bidder_number: int
    price: Money
    maximum: Money
    accepted_at: datetime
    order_id: OrderId


class BadSchedule(Malformed):
    """The price starts above its floor and falls by whole steps, no faster than the facts say."""


class PriceAboveMaximum(Conflict):
    """The price of now is above the most that you would pay; the facts say the price, and when it falls."""


def dutch_terms_of(
    *,
    start_price: Money,
    schedule: Schedule,
    deposit: Money,
    opens_at: datetime | None,
    closes_at: datetime,
    fees: FrozenFees,
    rules: MarketRules,
    now: datetime,
) -> DutchTerms:
    """The terms under the market's rules. Opens at once if no time is named."""
    amounts = (start_price, schedule.decrement, schedule.floor_price, deposit)
    if len({amount.currency for amount in amounts}) > 1:
        raise CurrenciesDiffer()
    if schedule.decrement.minor < 1 or not 1 <= schedule.floor_price.minor < start_price.minor:
        raise BadSchedule(start_minor=start_price.minor, floor_minor=schedule.floor_price.minor)
    if schedule.interval_seconds < rules.price_drop_seconds_min:
        raise BadSchedule(interval_seconds_min=rules.price_drop_seconds_min)
    check_deposit(deposit, start_price, rules)
    opens_at = opens_at or now
    check_times(opens_at, closes_at, rules, now)
    return DutchTerms(start_price, schedule, deposit, opens_at, closes_at, fees, rules.windows, rules.name)


def open_dutch(
    auction_id: AuctionId, listing_id: ListingId, provider_id: ParticipantId, terms: DutchTerms, now: datetime
) -> DutchAuction:
    return DutchAuction(auction_id, listing_id, provider_id, terms, AUCTION.start, last_at=now)


def accept(auction: DutchAuction, bidder_id: ParticipantId, maximum: Money, now: datetime) -> DutchAuction:
    """The auction sold at the price of now. Requires a registered bidder who is no party of the provider's."""
    at = bidding_at(auction, auction.terms.opens_at, now)
    price = auction.terms.price_at(at)
    if price > maximum:
        raise PriceAboveMaximum(price_minor=price.minor, falls_at=auction.terms.next_drop_at(at))
    return move(
        auction, SOLD, last_at=at, winner_id=bidder_id, price=price, maximum=maximum,
        reason_code=Reason.PRICE_ACCEPTED,
    )  # fmt: skip


def close(auction: DutchAuction, now: datetime) -> DutchAuction:
    """The auction that nobody accepted, once its time is up."""
    at = closing_at(auction, auction.closes_at, now)
    return move(auction, UNSOLD, last_at=at, reason_code=Reason.NO_ACCEPTANCE)
