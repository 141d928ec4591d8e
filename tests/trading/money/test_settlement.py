"""Shares that add up, for every price there can be."""

from decimal import ROUND_HALF_DOWN, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.trading.rules.settlement import (
    FeeSchedule,
    Forfeited,
    ScheduleImpossible,
    Shares,
    forfeiture,
    shares,
)
from shared.money import MINOR_MAX, Money

DEFAULT = FeeSchedule(provider_fee_basis_points=250, tax_basis_points=600)
prices = st.integers(1, MINOR_MAX).map(Money)
rates = st.integers(0, 10_000)


@pytest.mark.parametrize("price, provider, fee, tax", [
    (          0,           0,         0,       0),
    (          1,           1,         0,       0),
    (         20,          20,         0,       0),   # a fee of exactly half a unit stays with the provider
    (         21,          20,         1,       0),
    (         60,          59,         1,       0),   # and so does that of one and a half, which banks round up
    (        400,         389,        10,       1),   # tax 0.6
    (     10_000,       9_735,       250,      15),
    (     88_800,      86_447,     2_220,     133),   # tax 133.2
    (    123_457,     120_186,     3_086,     185),   # 3086.425 and 185.16
    (  1_120_000,   1_090_320,    28_000,   1_680),
    ( 10**15, 973_500_000_000_000, 25_000_000_000_000, 1_500_000_000_000),
    # Of 24 999 999 999 999.5 no floating point knows the half.
    ( 999_999_999_999_980, 973_499_999_999_981, 24_999_999_999_999, 1_500_000_000_000),
])  # fmt: skip
def test_worked_settlements(price: int, provider: int, fee: int, tax: int):
    assert shares(Money(price), DEFAULT) == Shares(Money(provider), Money(fee), Money(tax))


@given(prices)
def test_the_shares_of_any_price_add_up_to_it_and_none_is_negative(price: Money):
    found = shares(price, DEFAULT)
    assert found.total == price
    assert min(found.provider.minor, found.fee.minor, found.tax.minor) >= 0


@example(Money(60), 250, 600)
@example(Money(999_999_999_999_980), 250, 600)
@given(prices, rates, rates)
def test_each_share_is_the_exact_one_rounded_and_an_odd_half_stays_with_the_provider(price: Money, fee: int, tax: int):
    expected_fee = rounded(price.minor, fee)
    expected_tax = rounded(expected_fee, tax)
    if expected_fee + expected_tax > price.minor:
        with pytest.raises(ScheduleImpossible):
            shares(price, FeeSchedule(fee, tax))
        return
    found = shares(price, FeeSchedule(fee, tax))
    assert (found.total, found.fee.minor, found.tax.minor) == (price, expected_fee, expected_tax)


def rounded(minor: int, basis_points: int) -> int:
    return int((Decimal(minor) * basis_points / 10_000).quantize(Decimal(1), rounding=ROUND_HALF_DOWN))


@given(prices, prices)
def test_a_higher_price_never_leaves_the_provider_with_less(one: Money, other: Money):
    low, high = sorted((one, other))
    assert shares(low, DEFAULT).provider <= shares(high, DEFAULT).provider


@pytest.mark.parametrize("fee, tax", [(-1, 0), (10_001, 0), (0, -1), (0, 10_001)])
def test_a_rate_is_between_nothing_and_the_whole(fee: int, tax: int):
    with pytest.raises(ScheduleImpossible):
        FeeSchedule(fee, tax)


def test_a_schedule_that_takes_more_than_the_price_is_refused():
    with pytest.raises(ScheduleImpossible):
        shares(Money(100), FeeSchedule(10_000, 600))


@pytest.mark.parametrize("deposit, costs, loss, shared", [
    (100,  10,  50, (10, 50, 40)),
    (100,  10, 500, (10, 90, 0)),
    (100, 100,  50, (100, 0, 0)),
    (100, 300, 500, (100, 0, 0)),
    (100,   0,   0, (0, 0, 100)),
])  # fmt: skip
def test_a_defaulters_deposit_goes_to_costs_then_the_provider_then_the_reserve(
    deposit: int, costs: int, loss: int, shared: tuple[int, int, int]
):
    assert forfeiture(Money(deposit), Money(costs), Money(loss)) == Forfeited(*map(Money, shared))


@given(*[st.integers(0, MINOR_MAX).map(Money)] * 3)
def test_a_forfeited_deposit_is_shared_out_whole(deposit: Money, costs: Money, loss: Money):
    shared = forfeiture(deposit, costs, loss)
    assert shared.total == deposit
    assert min(shared.costs.minor, shared.provider.minor, shared.reserve.minor) >= 0
    assert shared.reserve.minor == 0 or (shared.costs, shared.provider) == (costs, loss)
