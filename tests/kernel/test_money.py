"""Money is exact: whatever is split adds up, and what cannot be said exactly is refused."""

import ast
import inspect
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared import money as money_module
from shared.money import MINOR_MAX, MINOR_STORED_MAX, Money, total

amounts = st.integers(0, MINOR_MAX)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any)


def minors(money: Money, weights: list[int]) -> list[int]:
    return [share.minor for share in money.split(weights)]


@pytest.mark.parametrize("minor, weights, shares", [
    (100,  [1, 1, 1],    [34, 33, 33]),   # market-rules B3
    (1001, [70, 25, 5],  [701, 250, 50]),  # market-rules B3
    (1000, [975, 25],    [975, 25]),
    (1,    [1, 1],       [1, 0]),
    (1,    [1, 2],       [0, 1]),
    (7,    [0, 1, 0],    [0, 7, 0]),
    (0,    [3, 4],       [0, 0]),
    (MINOR_MAX, [1, 1],  [MINOR_MAX // 2, MINOR_MAX // 2]),
])  # fmt: skip
def test_worked_splits(minor: int, weights: list[int], shares: list[int]):
    assert minors(Money(minor), weights) == shares


@given(minor=amounts, weights=weights)
def test_the_shares_add_up_and_none_is_below_zero_and_no_weight_means_no_share(minor: int, weights: list[int]):
    shares = minors(Money(minor), weights)
    assert sum(shares) == minor
    assert all(share >= 0 for share in shares)
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


@given(minor=amounts, weights=weights)
def test_no_share_is_a_whole_unit_away_from_its_exact_part(minor: int, weights: list[int]):
    for share, weight in zip(minors(Money(minor), weights), weights, strict=True):
        assert abs(share - Fraction(minor * weight, sum(weights))) < 1


@given(minor=amounts, weights=weights)
def test_shares_come_in_the_order_of_their_weights(minor: int, weights: list[int]):
    by_weight = sorted(zip(weights, minors(Money(minor), weights), strict=True))
    assert [share for _, share in by_weight] == sorted(share for _, share in by_weight)


@given(minor=amounts, weights=weights, data=st.data())
def test_a_place_in_the_row_is_worth_at_most_the_odd_unit(minor: int, weights: list[int], data: st.DataObject):
    order = data.draw(st.permutations(range(len(weights))))
    here = minors(Money(minor), weights)
    elsewhere = minors(Money(minor), [weights[index] for index in order])
    assert all(abs(here[index] - share) <= 1 for index, share in zip(order, elsewhere, strict=True))


@given(minor=amounts, weights=weights, times=st.integers(1, 1000))
def test_only_the_proportion_of_the_weights_counts(minor: int, weights: list[int], times: int):
    assert minors(Money(minor), weights) == minors(Money(minor), [weight * times for weight in weights])


@example(minor=60, basis_points=250)
@example(minor=999_999_999_999_980, basis_points=250)
@given(minor=amounts, basis_points=st.integers(0, 10_000))
def test_a_portion_and_the_rest_are_the_whole_and_the_odd_half_stays_with_the_rest(minor: int, basis_points: int):
    exact = Fraction(minor * basis_points, 10_000)
    half_down = -((Fraction(1, 2) - exact) // 1)
    assert Money(minor).portion(basis_points).minor == half_down


@pytest.mark.parametrize("minor, weights", [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_what_cannot_be_split_is_refused(minor: int, weights: list[int]):
    with pytest.raises(ValueError, match="only a positive whole"):
        Money(minor).split(weights)


@pytest.mark.parametrize("minor", [True, 1.0, 0.5, "1", None, Fraction(1), Decimal(1)])
def test_what_is_not_a_whole_number_is_no_money(minor: Any):
    with pytest.raises(TypeError, match="whole number"):
        Money(minor)


@pytest.mark.parametrize("times", [0.5, 1.0, Fraction(1, 2), Decimal("0.025")])
def test_no_part_of_money_is_taken_but_by_a_split(times: Any):
    with pytest.raises(TypeError, match="whole number"):
        _ = Money(100) * times


@pytest.mark.parametrize("sign", [1, -1])
def test_what_no_column_can_hold_is_no_money(sign: int):
    most = Money(sign * MINOR_STORED_MAX)
    for beyond in (lambda: most + Money(sign), lambda: most * 2):
        with pytest.raises(OverflowError):
            beyond()


@given(left=amounts, right=amounts)
def test_currencies_never_mix(left: int, right: int):
    yuan, euro = Money(left, "CNY"), Money(right, "EUR")
    for mix in (lambda: yuan + euro, lambda: yuan - euro, lambda: yuan < euro, lambda: yuan <= euro):
        with pytest.raises(ValueError, match="CNY and EUR"):
            mix()
    assert yuan != euro


@given(minors=st.lists(amounts))
def test_a_total_is_the_sum_and_of_nothing_it_is_zero(minors: list[int]):
    assert total([Money(minor) for minor in minors]) == Money(sum(minors))


@given(left=amounts, right=amounts)
def test_amounts_are_ordered_as_their_minor_units(left: int, right: int):
    assume(left != right)
    assert (Money(left) < Money(right), Money(left) >= Money(right)) == (left < right, left > right)
    assert max(Money(left), Money(right)).minor == max(left, right)


def test_the_arithmetic_of_money_knows_no_fractions():
    nodes = list(ast.walk(ast.parse(inspect.getsource(money_module))))
    assert not [node for node in nodes if isinstance(node, ast.Div)]
    assert not [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, float)]
    assert not [node for node in nodes if isinstance(node, ast.Name) and node.id in {"float", "round"}]
