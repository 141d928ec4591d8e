"""The price of one pair, halfway between bid and ask."""

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
