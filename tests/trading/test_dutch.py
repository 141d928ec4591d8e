"""The falling price: a function of the clock, taken once, by whoever comes first."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import auction as auction_rules
from services.trading.rules import dutch as rules
from services.trading.rules.auction import (
    CANCELLED,
    OPEN,
    SOLD,
    UNSOLD,
    AuctionClosed,
    AuctionNotStarted,
    AuctionStillOpen,
    State,
)
from services.trading.rules.auction_terms import BadTimes, CurrenciesDiffer, DepositOutOfRange
from services.trading.rules.dutch import BadSchedule, DutchAuction, DutchTerms, PriceAboveMaximum, Schedule
from services.trading.rules.market_rules import DEMO, STANDARD, MarketRules
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import BIDDING, CLOSED, UPCOMING, Step
from shared.errors import Conflict, Malformed
from shared.ids import AuctionId, ListingId, ParticipantId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import FEES, MICROSECOND, NOON

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END = NOON + 2 * DAY
ANA, BEN = ParticipantId.new(), ParticipantId.new()


def dutch_terms(rules_of: MarketRules = STANDARD, **changes: Any) -> DutchTerms:
    """From 1000 by 150 an hour down to 300, from noon for two days."""
    asked: dict[str, Any] = {
        "start_price": Money(1000), "schedule": Schedule(Money(150), 3600, Money(300)), "deposit": Money(100),
        "opens_at": None, "closes_at": END,
    }  # fmt: skip
    return rules.dutch_terms_of(**(asked | changes), fees=FEES, rules=rules_of, now=NOON)


def a_dutch_auction(of: DutchTerms | None = None) -> DutchAuction:
    return rules.open_dutch(AuctionId.new(), ListingId.new(), ParticipantId.new(), of or dutch_terms(), NOON)


@pytest.mark.parametrize("after, price, next_drop_after", [
    (-HOUR,                  1000, HOUR),
    (timedelta(0),           1000, HOUR),
    (HOUR - MICROSECOND,     1000, HOUR),
    (HOUR,                    850, 2 * HOUR),
    (HOUR + MICROSECOND,      850, 2 * HOUR),
    (4 * HOUR,                400, 5 * HOUR),
    (5 * HOUR - MICROSECOND,  400, 5 * HOUR),
    (5 * HOUR,                300, None),  # 250 would be below the floor
    (47 * HOUR,               300, None),
])  # fmt: skip
def test_the_price_falls_by_its_schedule_to_the_floor(after: timedelta, price: int, next_drop_after: timedelta | None):
    terms = dutch_terms()
    assert terms.price_at(NOON + after).minor == price
    assert terms.next_drop_at(NOON + after) == (next_drop_after and NOON + next_drop_after)


def test_a_price_that_has_not_reached_its_floor_by_the_end_falls_no_more_at_it():
    slow = dutch_terms(schedule=Schedule(Money(1), 24 * 3600, Money(1)))
    assert slow.next_drop_at(NOON) == NOON + DAY
    assert slow.next_drop_at(NOON + DAY) is None, "the next would come at the end itself"


@given(
    start=st.integers(2, 500), decrement=st.integers(1, 90), floor=st.integers(1, 400), drops=st.integers(0, 47),
    seconds=st.integers(0, 3599),
)  # fmt: skip
def test_the_price_is_what_counting_the_falls_one_by_one_gives(
    start: int, decrement: int, floor: int, drops: int, seconds: int
):
    floor = min(floor, start - 1)
    terms = replace(
        dutch_terms(), start_price=Money(start), schedule=Schedule(Money(decrement), 3600, Money(floor))
    )  # fmt: skip
    price = start
    for _ in range(drops):
        price = max(price - decrement, floor)
    assert terms.price_at(NOON + drops * HOUR + timedelta(seconds=seconds)).minor == price


@pytest.mark.parametrize("changes, refused, facts", [
    ({"schedule": Schedule(Money(0), 3600, Money(300))},      BadSchedule, {"start_minor": 1000, "floor_minor": 300}),
    ({"schedule": Schedule(Money(150), 3600, Money(0))},      BadSchedule, {"start_minor": 1000, "floor_minor": 0}),
    ({"schedule": Schedule(Money(150), 3600, Money(1000))},   BadSchedule, {"start_minor": 1000, "floor_minor": 1000}),
    ({"schedule": Schedule(Money(150), 59, Money(300))},      BadSchedule, {"interval_seconds_min": 60}),
    ({"schedule": Schedule(Money(1, "USD"), 60, Money(300))}, CurrenciesDiffer, {}),
    ({"schedule": Schedule(Money(1), 60, Money(300, "USD"))}, CurrenciesDiffer, {}),
    ({"deposit": Money(49)},  DepositOutOfRange, {"basis_points_min": 500, "basis_points_max": 2000}),
    ({"deposit": Money(201)}, DepositOutOfRange, {"basis_points_min": 500, "basis_points_max": 2000}),
    ({"closes_at": NOON + DAY - MICROSECOND}, BadTimes, {"seconds_min": 86_400, "seconds_max": 7_776_000}),
])  # fmt: skip
def test_terms_that_cannot_be_made(changes: dict[str, Any], refused: type[Malformed], facts: dict[str, object]):
    with pytest.raises(refused) as error:
        dutch_terms(**changes)
    assert error.value.facts == facts


def test_terms_at_their_limits_can_be_made():
    made = dutch_terms(schedule=Schedule(Money(1), 60, Money(999)), opens_at=NOON + HOUR, closes_at=NOON + DAY + HOUR)
    assert (made.opens_at, made.closes_at, made.rules_name) == (NOON + HOUR, NOON + DAY + HOUR, "standard")
    assert dutch_terms(schedule=Schedule(Money(1), 60, Money(1))).schedule.floor_price == Money(1)
    fast = dutch_terms(DEMO, schedule=Schedule(Money(1), 1, Money(1)), closes_at=NOON + timedelta(seconds=3))
    assert (fast.windows, fast.fees) == (DEMO.windows, FEES)


def test_the_first_acceptance_ends_it_at_the_price_of_its_moment_however_much_more_one_would_pay():
    sold = rules.accept(a_dutch_auction(), ANA, Money(999), NOON + HOUR)
    assert (sold.state, sold.price, sold.maximum, sold.winner_id) == (SOLD, Money(850), Money(999), ANA)
    assert (sold.reason_code, sold.revision, sold.last_at, sold.bid_count) == ("price_accepted", 2, NOON + HOUR, 1)
    assert sold.next_actor is None and sold.step(NOON + HOUR) == Step(CLOSED, None)
    with pytest.raises(AuctionClosed) as late:
        rules.accept(sold, BEN, Money(1000), NOON + HOUR)
    assert late.value.facts == {"state": SOLD, "closed_at": END}


def test_nobody_is_surprised_by_the_price():
    with pytest.raises(PriceAboveMaximum) as refused:
        rules.accept(a_dutch_auction(), ANA, Money(849), NOON + HOUR)
    assert refused.value.facts == {"price_minor": 850, "falls_at": NOON + 2 * HOUR}
    assert rules.accept(a_dutch_auction(), ANA, Money(850), NOON + HOUR).price == Money(850)


@pytest.mark.parametrize("at, refused", [
    (END - MICROSECOND, None), (END, AuctionClosed), (END + MICROSECOND, AuctionClosed),
])  # fmt: skip
def test_an_acceptance_counts_until_the_end_and_not_at_it(at: datetime, refused: type[Conflict] | None):
    if refused is None:
        assert rules.accept(a_dutch_auction(), ANA, Money(300), at).price == Money(300)
    else:
        with pytest.raises(refused):
            rules.accept(a_dutch_auction(), ANA, Money(300), at)


def test_nobody_accepts_before_the_opening():
    auction = a_dutch_auction(dutch_terms(opens_at=NOON + HOUR))
    with pytest.raises(AuctionNotStarted) as early:
        rules.accept(auction, ANA, Money(1000), NOON + HOUR - MICROSECOND)
    assert early.value.facts == {"opens_at": NOON + HOUR}
    assert rules.accept(auction, ANA, Money(1000), NOON + HOUR).price == Money(1000)


def test_time_never_runs_backwards():
    auction = replace(a_dutch_auction(), last_at=NOON + HOUR)
    assert auction.step(NOON) == Step(BIDDING, NOON + 2 * HOUR)
    sold = rules.accept(auction, ANA, Money(850), NOON)
    assert (sold.price, sold.last_at) == (Money(850), NOON + HOUR)


@pytest.mark.parametrize("after, step", [
    (timedelta(0),       Step(UPCOMING, NOON + HOUR)),
    (HOUR - MICROSECOND, Step(UPCOMING, NOON + HOUR)),
    (HOUR,               Step(BIDDING, NOON + 2 * HOUR)),
    (6 * HOUR,           Step(BIDDING, END)),  # the floor is reached: next comes the end
    (2 * DAY,            Step(CLOSED, None)),
])  # fmt: skip
def test_the_next_step_is_a_fall_of_the_price_or_an_end(after: timedelta, step: Step):
    assert a_dutch_auction(dutch_terms(opens_at=NOON + HOUR)).step(NOON + after) == step


def test_it_ends_unsold_at_its_end_whenever_that_is_noticed():
    with pytest.raises(AuctionStillOpen) as early:
        rules.close(a_dutch_auction(), END - MICROSECOND)
    assert early.value.facts == {"closes_at": END}
    ended = rules.close(a_dutch_auction(), END + DAY)
    assert (ended.state, ended.reason_code, ended.price, ended.bid_count) == (UNSOLD, "no_acceptance", None, 0)
    assert rules.close(a_dutch_auction(), END).state is UNSOLD
    with pytest.raises(AuctionClosed) as again:
        rules.close(ended, END)
    assert again.value.facts == {"state": UNSOLD, "closed_at": END}


ACTS: dict[str, Callable[[DutchAuction], DutchAuction]] = {
    "accept": lambda auction: rules.accept(auction, ANA, Money(1000), NOON),
    "close": lambda auction: rules.close(auction, END),
    "cancel": lambda auction: auction_rules.cancel(auction, NOON),
    "forbid": lambda auction: auction_rules.forbid(auction, "mode_not_allowed_for_grade", NOON),
}
TO = {"accept": SOLD, "close": UNSOLD, "cancel": CANCELLED, "forbid": CANCELLED}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State, act: str):
    auction = replace(a_dutch_auction(), state=state)
    if state is OPEN:
        after = ACTS[act](auction)
        assert (after.state, after.revision) == (TO[act], auction.revision + 1)
    else:
        with pytest.raises((AuctionClosed, IllegalMove)):
            ACTS[act](auction)


@pytest.mark.parametrize("at, price", [
    (NOON - MICROSECOND, Money(1000)), (NOON + HOUR, Money(850)), (END - MICROSECOND, Money(300)), (END, None),
])  # fmt: skip
def test_the_price_of_now_is_what_an_acceptance_would_pay(at: datetime, price: Money | None):
    auction = replace(a_dutch_auction(), last_at=NOON - DAY)
    assert auction.price_now(at) == price
    assert replace(auction, last_at=END).price_now(at) is None, "time never runs backwards"


def test_the_price_of_an_ended_auction_is_what_was_paid():
    sold = rules.accept(a_dutch_auction(), ANA, Money(999), NOON + HOUR)
    assert sold.price_now(NOON + 9 * HOUR) == sold.price_now(END) == Money(850)
    assert rules.close(a_dutch_auction(), END).price_now(NOON) is None
    assert (a_dutch_auction().deadline, sold.deadline) == (END, None)
    assert sold.mechanism is a_dutch_auction().mechanism is Mechanism.DUTCH


def test_an_open_auction_waits_for_a_bidder():
    auction = a_dutch_auction()
    assert (auction.next_actor, auction.decided_at, auction.closes_at) == ("bidder", END, END)
    assert not auction_rules.is_over(auction, END - MICROSECOND)
    assert auction_rules.is_over(auction, END)
