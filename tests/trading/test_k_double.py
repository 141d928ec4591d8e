"""The price of one pair, halfway between bid and ask."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import k_double
from shared.money import Money


@pytest.mark.parametrize("bid, ask, price", [
    (100, 80,    90),
    (100, 81,    90),  # the odd unit is the buyer's
    (101, 80,    90),
    (100, 100,  100),
    (101, 100,  100),
    (99,  100, None),
    (1,     0,    0),
    (10**15, 1, 500_000_000_000_000),
])  # fmt: skip
def test_worked_pairs(bid: int, ask: int, price: int | None):
    found = k_double.price(Money(bid), Money(ask))
    assert found == (None if price is None else Money(price))


@pytest.mark.parametrize("bid, ask, weight, price", [
    (200, 101,   0, 101),  # the ask
    (200, 101,   1, 101),
    (200, 100,   1, 101),
    (201, 100,   1, 101),  # rounded once, and down
    (200, 101,  50, 150),
    (200, 101,  99, 199),
    (200, 101, 100, 200),  # the bid
    (100, 100,  33, 100),
])  # fmt: skip
def test_worked_weights(bid: int, ask: int, weight: int, price: int):
    assert k_double.price(Money(bid), Money(ask), weight) == Money(price)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 100))
def test_the_price_is_the_weighted_mean_of_both_less_than_one_unit_off(bid: int, ask: int, weight: int):
    found = k_double.price(Money(bid), Money(ask), weight)
    assert (found is None) == (bid < ask)
    if found:
        assert 0 <= Fraction(weight * bid + (100 - weight) * ask, 100) - found.minor < 1


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_the_price_lies_between_and_no_nearer_to_the_ask_than_one_unit(bid: int, ask: int):
    found = k_double.price(Money(bid), Money(ask))
    if bid < ask:
        assert found is None
    else:
        assert found and ask <= found.minor <= bid
        assert (bid - found.minor) - (found.minor - ask) in {0, 1}


def test_two_currencies_have_no_price():
    with pytest.raises(ValueError, match="do not mix"):
        k_double.price(Money(2), Money(1, "EUR"))
