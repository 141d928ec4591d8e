"""Terms that cannot be made, and steps that never stop."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.trading.rules.auction_terms import (
    BadIncrements,
    BadPriority,
    BadSoftClose,
    BadTimes,
    BuyNowTooLow,
    CurrenciesDiffer,
    DepositOutOfRange,
    Increment,
    NoReserveToShow,
    ReserveBelowStart,
    SoftClose,
    Terms,
    terms_of,
)
from services.trading.rules.market_rules import DEMO, RULES, STANDARD, MarketRules
from shared.errors import Failure
from shared.ids import ParticipantId
from shared.money import Money
from tests.trading.made import FEES, MICROSECOND, NOON

DAY = timedelta(days=1)
ANA = ParticipantId.new()


def made(rules: MarketRules = STANDARD, **changes: Any) -> Terms:
    asked: dict[str, Any] = {
        "start_price": Money(1000), "increments": (Increment(0, 10),), "reserve_price": None, "deposit": Money(100),
        "opens_at": None, "closes_at": NOON + DAY,
    }  # fmt: skip
    return terms_of(**(asked | changes), fees=FEES, rules=rules, now=NOON)


@pytest.mark.parametrize("changes, refused", [
    ({"increments": ()},                                              BadIncrements),
    ({"increments": (Increment(1, 10),)},                             BadIncrements),
    ({"increments": (Increment(0, 0),)},                              BadIncrements),
    ({"increments": (Increment(0, -5),)},                             BadIncrements),
    ({"increments": (Increment(0, 10), Increment(500, 5))},           BadIncrements),
    ({"increments": (Increment(0, 10), Increment(0, 20))},            BadIncrements),
    ({"increments": (Increment(0, 5), Increment(9, 5), Increment(5, 6))}, BadIncrements),
    ({"increments": tuple(Increment(n, 5) for n in range(21))},       BadIncrements),
    ({"reserve_price": Money(999)},                                   ReserveBelowStart),
    ({"deposit": Money(49)},                                          DepositOutOfRange),
    ({"deposit": Money(201)},                                         DepositOutOfRange),
    ({"deposit": Money(100, "USD")},                                  CurrenciesDiffer),
    ({"closes_at": NOON + DAY - MICROSECOND},                         BadTimes),
    ({"closes_at": NOON - DAY},                                       BadTimes),
    ({"closes_at": NOON + 91 * DAY},                                  BadTimes),
    ({"opens_at": NOON - MICROSECOND},                                BadTimes),
    ({"opens_at": NOON + 91 * DAY, "closes_at": NOON + 93 * DAY},     BadTimes),
    ({"increments": (Increment(0, 1, -1),)},                          BadIncrements),
    ({"increments": (Increment(0, 1, 10_001),)},                      BadIncrements),
    ({"increments": (Increment(0, 1, 500), Increment(9, 1, 499))},    BadIncrements),
    ({"increments": (Increment(0, 0, 500),)},                         BadIncrements),
    ({"reserve_is_open": True},                                       NoReserveToShow),
    ({"priority_ids": (ANA, ANA)},                                    BadPriority),
    ({"priority_ids": tuple(ParticipantId.new() for _ in range(21))}, BadPriority),
    ({"buy_now_price": Money(999)},                                   BuyNowTooLow),
    ({"buy_now_price": Money(1499), "reserve_price": Money(1500)},    BuyNowTooLow),
    ({"buy_now_price": Money(5000, "USD")},                           CurrenciesDiffer),
])  # fmt: skip
def test_terms_that_cannot_be_made(changes: dict[str, Any], refused: type[Exception]):
    with pytest.raises(refused):
        made(**changes)


@pytest.mark.parametrize("changes", [
    {}, {"deposit": Money(50)}, {"deposit": Money(200)}, {"reserve_price": Money(1000)},
    {"opens_at": NOON, "closes_at": NOON + 90 * DAY}, {"increments": (Increment(0, 1, 0), Increment(1, 1, 10_000))},
    {"increments": tuple(Increment(n, 5) for n in range(20))}, {"buy_now_price": Money(1000)},
    {"buy_now_price": Money(1500), "reserve_price": Money(1500)},
    {"priority_ids": tuple(ParticipantId.new() for _ in range(20))},
])  # fmt: skip
def test_terms_at_the_edges_can_be_made(changes: dict[str, Any]):
    assert made(**changes).hard_closes_at == made(**changes).closes_at + timedelta(hours=4)


@given(
    steps=st.lists(st.integers(1, 10**6), min_size=1, max_size=20).map(sorted),
    width=st.integers(1, 10**9), prices=st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)),
)  # fmt: skip
def test_a_step_up_is_always_a_step_up_and_keeps_the_order_of_prices(
    steps: list[int], width: int, prices: tuple[int, int]
):
    terms = made(increments=tuple(Increment(index * width, step) for index, step in enumerate(steps)))
    low, high = (Money(price) for price in sorted(prices))
    assert terms.step_above(low) > low
    assert terms.step_above(low) <= terms.step_above(high)


@pytest.mark.parametrize("changes, facts", [
    ({"increments": (Increment(1, 10),)},                              {"from_minor": [1]}),
    ({"increments": (Increment(0, 10), Increment(500, 5))},            {"step_minor": [10, 5]}),
    ({"increments": (Increment(0, 1, 500), Increment(9, 1, 499))},     {"step_basis_points": [500, 499]}),
    ({"increments": ()},                                               {"bands_max": 20}),
    ({"reserve_price": Money(999)},                                    {"start_minor": 1000}),
    ({"buy_now_price": Money(999)},                                    {"start_minor": 1000}),
    ({"deposit": Money(49)},                           {"basis_points_min": 500, "basis_points_max": 2000}),
    ({"opens_at": NOON - MICROSECOND},                                 {"opens_at_min": NOON}),
    ({"closes_at": NOON},                              {"seconds_min": 86_400, "seconds_max": 90 * 86_400}),
    ({"opens_at": NOON + 91 * DAY, "closes_at": NOON + 93 * DAY},      {"opens_at_max": NOON + 90 * DAY}),
    ({"priority_ids": (ANA, ANA)},                                     {"priority_max": 20}),
])  # fmt: skip
def test_a_refusal_says_what_would_be_taken(changes: dict[str, Any], facts: dict[str, Any]):
    with pytest.raises(Failure) as refused:
        made(**changes)
    assert refused.value.facts == facts


HARD = NOON + DAY + timedelta(minutes=5)


@pytest.mark.parametrize("rules, soft_close, facts", [
    (STANDARD, SoftClose(window_seconds=299),       {"window_seconds_min": 300, "window_seconds_max": 3600}),
    (STANDARD, SoftClose(window_seconds=3601),      {"window_seconds_min": 300, "window_seconds_max": 3600}),
    (STANDARD, SoftClose(extension_seconds=299),    {"extension_seconds_min": 300, "extension_seconds_max": 3600}),
    (STANDARD, SoftClose(extension_seconds=3601),   {"extension_seconds_min": 300, "extension_seconds_max": 3600}),
    (STANDARD, SoftClose(extensions_max=-1),        {"extensions_max": 1000}),
    (STANDARD, SoftClose(extensions_max=1001),      {"extensions_max": 1000}),
    (STANDARD, SoftClose(hard_closes_at=HARD - MICROSECOND),
     {"hard_closes_at_min": HARD, "hard_closes_at_max": NOON + DAY + timedelta(hours=4)}),
    (STANDARD, SoftClose(hard_closes_at=NOON + DAY + timedelta(hours=4) + MICROSECOND),
     {"hard_closes_at_min": HARD, "hard_closes_at_max": NOON + DAY + timedelta(hours=4)}),
    (DEMO,     SoftClose(window_seconds=1),         {"window_seconds_min": 2, "window_seconds_max": 60}),
])  # fmt: skip
def test_nobody_has_less_time_to_answer_than_the_market_gives_everyone(
    rules: MarketRules, soft_close: SoftClose, facts: dict[str, Any]
):
    with pytest.raises(BadSoftClose) as refused:
        made(rules, soft_close=soft_close, closes_at=NOON + (DAY if rules is STANDARD else timedelta(minutes=1)))
    assert refused.value.facts == facts


@pytest.mark.parametrize("named", [
    SoftClose(300, 300, 0, HARD),
    SoftClose(3600, 3600, 1000, NOON + DAY + timedelta(hours=4)),
    SoftClose(3600, 300, 1, NOON + DAY + timedelta(hours=1)),
])  # fmt: skip
def test_a_provider_may_leave_more_time(named: SoftClose):
    of = made(soft_close=named)
    assert SoftClose(of.soft_close_seconds, of.extension_seconds, of.extensions_max, of.hard_closes_at) == named


def test_what_a_provider_does_not_name_is_as_the_market_has_it():
    of = made()
    assert (of.soft_close_seconds, of.extension_seconds, of.extensions_max) == (300, 300, 60)
    assert (of.reserve_is_open, of.priority_ids, of.buy_now_price, of.keeps_second) == (False, (), None, False)
    assert of.second_answer_seconds == 2 * 86_400


def test_terms_that_were_kept_before_there_was_more_to_name_are_read_as_they_were():
    of, reader = made(), TypeAdapter(Terms)
    kept = reader.dump_python(of, mode="json")
    for name in ("reserve_is_open", "priority_ids", "buy_now_price", "keeps_second", "second_answer_seconds"):
        del kept[name]
    del kept["increments"][0]["step_basis_points"]
    assert reader.validate_python(kept) == replace(of, second_answer_seconds=0)


def test_an_open_reserve_is_told_and_a_secret_one_is_not():
    reserve = Money(1500)
    assert made(reserve_price=reserve, reserve_is_open=True).open_reserve == reserve
    assert made(reserve_price=reserve).open_reserve is made().open_reserve is None


def test_the_law_is_in_the_standard_rules():
    assert (STANDARD.auction_seconds_min, STANDARD.soft_close_seconds, STANDARD.extension_seconds) == (86_400, 300, 300)
    assert (STANDARD.deposit_basis_points_min, STANDARD.deposit_basis_points_max) == (500, 2000)
    assert RULES == {"standard": STANDARD, "demo": DEMO}


def test_a_demo_lasts_seconds():
    assert made(DEMO, closes_at=NOON + timedelta(seconds=6)).soft_close_seconds == 2
