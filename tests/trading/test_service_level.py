"""What a service promises: worked credits, and what no price, period or figure can break."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import service_level as rules
from services.trading.rules.service_level import (
    Band,
    Figures,
    FiguresImpossible,
    NoSuchPeriod,
    Period,
    PeriodNotOver,
    ServiceLevel,
    ServiceLevelImpossible,
)
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON

LEVEL = ServiceLevel(
    period_days=30, availability_basis_points=9_990, cap_basis_points=3_000,
    bands=(Band(9_990, 1_000), Band(9_900, 2_500), Band(9_500, 10_000)),
    response_milliseconds=500, slow_credit_basis_points=500,
)  # fmt: skip
HOWEVER_SLOW = replace(LEVEL, response_milliseconds=None, slow_credit_basis_points=0)
MONTH = Period(1, NOON, NOON + timedelta(days=30), Money(10_000))  # of 43 200 minutes
OVER = MONTH.ends_at


@pytest.mark.parametrize("unavailable, milliseconds, credit", [
    (0,      None, 0),
    (43,     None, 0),       # 99.9005 %: kept
    (44,     None, 1_000),   # 99.898 %
    (432,    None, 1_000),   # 99 % exactly: not below the second band
    (433,    None, 2_500),
    (2_160,  None, 2_500),   # 95 % exactly
    (2_161,  None, 10_000),
    (43_200, None, 10_000),
    (0,      500,  0),
    (0,      501,  500),
    (44,     501,  1_500),
    (2_161,  501,  10_000),  # never more than the period's price
])  # fmt: skip
def test_worked_credits(unavailable: int, milliseconds: int | None, credit: int):
    figures = Figures(unavailable, milliseconds)
    assert rules.credit(LEVEL, MONTH, figures, OVER) == Money(credit)


def test_an_odd_unit_at_an_exact_half_stays_with_the_provider():
    for price, credit in ((15, 1), (5, 0), (16, 2), (25, 2)):
        assert rules.credit(LEVEL, replace(MONTH, price=Money(price)), Figures(44), OVER) == Money(credit)


def test_a_service_is_judged_once_its_period_is_over():
    with pytest.raises(PeriodNotOver) as refused:
        rules.credit(LEVEL, MONTH, Figures(44), OVER - MICROSECOND)
    assert refused.value.facts == {"ends_at": OVER}


@pytest.mark.parametrize("figures, level, facts", [
    (Figures(43_201), LEVEL,        {"minutes": 43_200}),
    (Figures(-1),     LEVEL,        {"minutes": 43_200}),
    (Figures(0, 1),   HOWEVER_SLOW, {"response_milliseconds": None}),
], ids=["away for longer than the period", "away for less than nothing", "slow without a promise"])  # fmt: skip
def test_figures_that_cannot_be(figures: Figures, level: ServiceLevel, facts: dict[str, Any]):
    with pytest.raises(FiguresImpossible) as refused:
        rules.credit(level, MONTH, figures, OVER)
    assert refused.value.facts == facts


@pytest.mark.parametrize("number, starts, ends, price", [(1, 0, 30, 301), (2, 30, 60, 300), (4, 90, 100, 100)])
def test_the_last_period_is_as_long_as_is_left(number: int, starts: int, ends: int, price: int):
    period = rules.period_of(LEVEL, Money(1_001), NOON, 100, number)
    assert (period.number, period.starts_at, period.ends_at, period.price) == (
        number, NOON + timedelta(days=starts), NOON + timedelta(days=ends), Money(price),
    )  # fmt: skip
    assert period.minutes == (ends - starts) * 1_440


@pytest.mark.parametrize("days, periods", [(1, 1), (29, 1), (30, 1), (31, 2), (60, 2), (61, 3)])
def test_a_right_has_as_many_periods_as_begin_in_it(days: int, periods: int):
    assert rules.period_of(LEVEL, Money(100), NOON, days, periods).number == periods
    for number in (0, -1, periods + 1):
        with pytest.raises(NoSuchPeriod) as refused:
            rules.period_of(LEVEL, Money(100), NOON, days, number)
        assert refused.value.facts == {"periods": periods}


@pytest.mark.parametrize("given_before, asked, credit", [
    (0, 299, 299), (0, 300, 300), (0, 301, 300), (299, 300, 1), (300, 1, 0), (301, 1, 0), (0, 0, 0),
])  # fmt: skip
def test_all_credits_together_stay_within_the_cap(given_before: int, asked: int, credit: int):
    assert rules.within_cap(LEVEL, Money(1_000), Money(given_before), Money(asked)) == Money(credit)


BANDS, SHARES = {"bands_max": 10}, {"period_days_max": 366, "basis_points_max": 10_000}


@pytest.mark.parametrize("changes, facts", [
    ({"period_days": 0}, SHARES),
    ({"period_days": 367}, SHARES),
    ({"availability_basis_points": 0}, SHARES),
    ({"availability_basis_points": 10_001}, SHARES),
    ({"cap_basis_points": 0}, SHARES),
    ({"cap_basis_points": 10_001}, SHARES),
    ({"bands": (Band(0, 1),)}, SHARES),
    ({"bands": (Band(1, 0),)}, SHARES),
    ({"bands": (Band(1, 10_001),)}, SHARES),
    ({"bands": ()}, BANDS),
    ({"bands": tuple(Band(9_000 - number, 1 + number) for number in range(11))}, BANDS),
    ({"bands": (Band(9_991, 1),)}, BANDS),
    ({"bands": (Band(9_000, 2), Band(9_000, 3))}, BANDS),
    ({"bands": (Band(9_000, 2), Band(8_999, 2))}, BANDS),
    ({"response_milliseconds": None}, {"slow_credit_basis_points": 500}),
    ({"slow_credit_basis_points": 0}, {"slow_credit_basis_points": 0}),
], ids=str)  # fmt: skip
def test_promises_that_cannot_be_judged_cannot_be_made(changes: dict[str, Any], facts: dict[str, int]):
    with pytest.raises(ServiceLevelImpossible) as refused:
        replace(LEVEL, **changes)
    assert refused.value.facts == facts


def test_the_widest_promises_can_be_made():
    ten = tuple(Band(10_000 - number, 9_991 + number) for number in range(10))
    whole = {"period_days": 366, "availability_basis_points": 10_000, "cap_basis_points": 10_000, "bands": ten}
    assert replace(LEVEL, **whole).bands == ten
    least = {"period_days": 1, "availability_basis_points": 1, "cap_basis_points": 1, "bands": (Band(1, 1),)}
    assert replace(LEVEL, **least).period_days == 1


@given(price=st.integers(0, 10**15), days=st.integers(1, 40), length=st.integers(1, 50))
def test_the_periods_cost_together_what_the_right_costs(price: int, days: int, length: int):
    level = replace(LEVEL, period_days=length)
    periods = [rules.period_of(level, Money(price), NOON, days, number) for number in range(1, -(-days // length) + 1)]
    assert sum(period.price.minor for period in periods) == price
    assert [before.ends_at for before in periods[:-1]] == [after.starts_at for after in periods[1:]]
    assert periods[-1].ends_at == NOON + timedelta(days=days)


@given(price=st.integers(0, 10**6), unavailable=st.integers(0, 43_199), milliseconds=st.none() | st.integers(0, 999))
def test_the_worse_a_service_the_more_goes_back_as_a_clerk_would_say(
    price: int, unavailable: int, milliseconds: int | None
):
    month = replace(MONTH, price=Money(price))
    credit = rules.credit(LEVEL, month, Figures(unavailable, milliseconds), OVER).minor
    available = Fraction(43_200 - unavailable, 43_200)
    missed = [band for band in LEVEL.bands if available < Fraction(band.below_basis_points, 10_000)]
    share = max((band.credit_basis_points for band in missed), default=0)
    share = min(10_000, share + (500 if milliseconds is not None and milliseconds > 500 else 0))
    exact = Fraction(price * share, 10_000)
    assert abs(credit - exact) <= Fraction(1, 2) and 0 <= credit <= price
    assert credit <= rules.credit(LEVEL, month, Figures(unavailable + 1, milliseconds), OVER).minor
