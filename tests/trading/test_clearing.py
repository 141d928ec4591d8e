"""Who wins sealed offers and what they pay: golden values, and what bidders could gain by a lie, by trying all."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules.clearing import first_price, uniform_price
from shared.money import Money

offer_lists = st.lists(st.integers(1, 60), max_size=9)
copies_of = st.integers(1, 5)
floors = st.integers(1, 60)


def told(prices: Mapping[int, Money]) -> dict[int, int]:
    return {place: price.minor for place, price in prices.items()}


def uniform(offers: Sequence[int], copies: int, floor: int) -> dict[int, int]:
    return told(uniform_price([Money(each) for each in offers], copies, Money(floor)))


def first(offers: Sequence[int], floor: int) -> dict[int, int]:
    return told(first_price([Money(each) for each in offers], Money(floor)))


@pytest.mark.parametrize("offers, copies, floor, outcome", [
    ([50, 80, 80, 70], 1, 1,  {1: 80}),
    ([50, 80, 75, 70], 2, 60, {1: 70, 2: 70}),
    ([50, 80, 75, 70], 2, 72, {1: 72, 2: 72}),
    ([50, 80, 75, 70], 2, 76, {1: 76}),
    ([50, 80, 75, 70], 4, 20, {0: 20, 1: 20, 2: 20, 3: 20}),
    ([50, 80, 75, 70], 5, 20, {0: 20, 1: 20, 2: 20, 3: 20}),
    ([50, 80, 75, 70], 3, 20, {1: 50, 2: 50, 3: 50}),
    ([60],             1, 60, {0: 60}),
    ([59],             1, 60, {}),
    ([],               3, 60, {}),
    ([7, 7, 7],        2, 7,  {0: 7, 1: 7}),
])  # fmt: skip
def test_worked_uniform_prices(offers: list[int], copies: int, floor: int, outcome: dict[int, int]):
    assert uniform(offers, copies, floor) == outcome


@pytest.mark.parametrize("offers, floor, outcome", [
    ([50, 80, 80, 70], 1,  {1: 80}),
    ([50, 80, 90, 70], 90, {2: 90}),
    ([50, 80, 90, 70], 91, {}),
    ([],               1,  {}),
])  # fmt: skip
def test_worked_first_prices(offers: list[int], floor: int, outcome: dict[int, int]):
    assert first(offers, floor) == outcome


def test_winners_come_best_first():
    assert list(uniform([50, 80, 75, 90], 3, 1)) == [3, 1, 2]


# A naive reading: winners are taken out one by one, and the price is asked of whoever is left.


def naive(offers: Sequence[int], copies: int, floor: int) -> dict[int, int]:
    left = {place: offer for place, offer in enumerate(offers) if offer >= floor}
    winners = list[int]()
    while left and len(winners) < copies:
        best = min(place for place in left if left[place] == max(left.values()))
        winners.append(best)
        del left[best]
    return dict.fromkeys(winners, max([floor, *left.values()]))


@given(offers=offer_lists, copies=copies_of, floor=floors)
def test_the_uniform_price_is_as_a_naive_reading_says(offers: list[int], copies: int, floor: int):
    assert uniform(offers, copies, floor) == naive(offers, copies, floor)


@given(offers=offer_lists, copies=copies_of, floor=floors)
def test_nobody_pays_more_than_they_offered_nor_less_than_the_floor(offers: list[int], copies: int, floor: int):
    for outcome in (uniform(offers, copies, floor), first(offers, floor)):
        assert all(floor <= price <= offers[place] for place, price in outcome.items())


@given(offers=offer_lists, copies=copies_of, floor=floors, more=st.integers(1, 60))
def test_one_more_losing_offer_never_lowers_what_is_earned(offers: list[int], copies: int, floor: int, more: int):
    with_more = uniform([*offers, more], copies, floor)
    if len(offers) not in with_more:
        assert sum(with_more.values()) >= sum(uniform(offers, copies, floor).values())


@given(offers=st.lists(st.integers(1, 12), max_size=5), copies=copies_of, floor=st.integers(1, 12), data=st.data())
def test_another_order_moves_the_right_only_among_equal_offers(
    offers: list[int], copies: int, floor: int, data: st.DataObject
):
    shuffled = data.draw(st.sampled_from(list(permutations(offers))))
    one, other = uniform(offers, copies, floor), uniform(shuffled, copies, floor)
    assert sorted(offers[place] for place in one) == sorted(shuffled[place] for place in other)
    assert set(one.values()) == set(other.values())


# What a bidder who wants one copy has of an outcome: its worth less the price; nothing if they do not win.


def gains_by_a_lie(
    outcome_of: Callable[[Sequence[int]], Mapping[int, int]], bidders: int, grid: Sequence[int]
) -> list[tuple[tuple[int, ...], int, int]]:
    found = list[tuple[tuple[int, ...], int, int]]()
    for worth in product(grid, repeat=bidders):
        honest = outcome_of(worth)
        for liar, lie in product(range(bidders), grid):
            lied = outcome_of([*worth[:liar], lie, *worth[liar + 1 :]])
            if _gain(lied, liar, worth[liar]) > _gain(honest, liar, worth[liar]):
                found.append((worth, liar, lie))
    return found


def _gain(outcome: Mapping[int, int], bidder: int, worth: int) -> int:
    return worth - outcome[bidder] if bidder in outcome else 0


@pytest.mark.parametrize("copies", [1, 2, 3, 4])
@pytest.mark.parametrize("floor", [1, 3])
def test_where_all_pay_the_highest_losing_offer_no_lie_gains_anything(copies: int, floor: int):
    assert not gains_by_a_lie(lambda offers: uniform(offers, copies, floor), bidders=4, grid=range(1, 6))


def test_in_a_first_price_auction_a_lie_gains_and_the_search_for_lies_can_find_one():
    assert ((5, 1, 1), 0, 1) in gains_by_a_lie(lambda offers: first(offers, 1), bidders=3, grid=range(1, 6))


@given(offers=st.lists(st.integers(1, 60), min_size=1, max_size=9), copies=copies_of, floor=floors, data=st.data())
def test_a_winners_price_does_not_depend_on_their_own_offer(
    offers: list[int], copies: int, floor: int, data: st.DataObject
):
    for winner, price in uniform(offers, copies, floor).items():
        other = data.draw(st.integers(offers[winner], 99))
        assert uniform([*offers[:winner], other, *offers[winner + 1 :]], copies, floor)[winner] == price
