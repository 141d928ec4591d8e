"""Terms that cannot be made, and steps that never stop."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules.auction_terms import (
    BadIncrements,
    BadTimes,
    CurrenciesDiffer,
    DepositOutOfRange,
    Increment,
    ReserveBelowStart,
    Terms,
    terms_of,
)
from services.trading.rules.market_rules import DEMO, RULES, STANDARD, MarketRules
from shared.money import Money
from tests.trading.made import FEES, MICROSECOND, NOON

DAY = timedelta(days=1)


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
])  # fmt: skip
def test_terms_that_cannot_be_made(changes: dict[str, Any], refused: type[Exception]):
    with pytest.raises(refused):
        made(**changes)


@pytest.mark.parametrize("changes", [
    {}, {"deposit": Money(50)}, {"deposit": Money(200)}, {"reserve_price": Money(1000)},
    {"opens_at": NOON, "closes_at": NOON + 90 * DAY},
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


def test_the_law_is_in_the_standard_rules():
    assert (STANDARD.auction_seconds_min, STANDARD.soft_close_seconds, STANDARD.extension_seconds) == (86_400, 300, 300)
    assert (STANDARD.deposit_basis_points_min, STANDARD.deposit_basis_points_max) == (500, 2000)
    assert RULES == {"standard": STANDARD, "demo": DEMO}


def test_a_demo_lasts_seconds():
    assert made(DEMO, closes_at=NOON + timedelta(seconds=6)).soft_close_seconds == 2
