"""Shares of a combined product: the golden games, what must hold for all of them, and brute force beside them."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules import shares as rules
from services.pricing.rules.shares import (
    Atom,
    Coverage,
    Fee,
    FeesExceedPrice,
    Game,
    Method,
    NothingToShare,
    PartyRepeated,
    PartyUnknown,
    Share,
    TooManyParties,
    Utility,
    WorthsIncomplete,
)
from shared import canonical
from shared.errors import Failure
from shared.ids import ParticipantId
from shared.money import Money, total

#        nobody A   B   AB  C  AC  BC  ABC
GOLDEN = (0,    10, 20, 50, 0, 10, 20, 60)  # fmt: skip
PARTIES = tuple(ParticipantId(f"participant_{number:032x}") for number in range(13))


def shared(
    price: Money, fees: Sequence[Fee], parties: Sequence[ParticipantId], utility: Utility
) -> tuple[Share, ...]:  # fmt: skip
    return rules.share(price, fees, parties, rules.values(utility, len(parties)))


def alone(count: int) -> tuple[int, ...]:
    return tuple(range(count))


@st.composite
def coverages(draw: st.DrawFn, *, affiliated: bool = True) -> tuple[int, Coverage]:
    count = draw(st.integers(1, 5))
    holders = st.sets(st.integers(0, count - 1), min_size=1).map(lambda found: tuple(sorted(found)))
    atoms = draw(st.lists(st.builds(Atom, st.integers(0, 1_000), holders), max_size=6))
    groups = [draw(st.integers(0, place)) for place in range(count)] if affiliated else list(range(count))
    for place, group in enumerate(groups):
        groups[place] = groups[group]
    return count, Coverage(tuple(atoms), tuple(groups))


@st.composite
def games(draw: st.DrawFn, *, least: int = -100) -> tuple[int, Game]:
    count = draw(st.integers(1, 4))
    worths = draw(st.lists(st.integers(least, 100), min_size=(1 << count) - 1, max_size=(1 << count) - 1))
    return count, Game((0, *worths))


def average_over_orders(
    count: int, worth: Callable[[frozenset[int]], int], groups: Sequence[int] | None = None
) -> tuple[Fraction, ...]:
    """The definition: each party's marginal contribution, averaged over the orders in which a group stays together."""
    sums, orders = [Fraction(0)] * count, 0
    for order in permutations(range(count)):
        names = [groups[party] for party in order] if groups else []
        if any(name in names[:place] and names[place - 1] != name for place, name in enumerate(names) if place):
            continue
        orders += 1
        before = frozenset[int]()
        for party in order:
            sums[party] += worth(before | {party}) - worth(before)
            before |= {party}
    return tuple(each / orders for each in sums)


def test_the_golden_game_is_shared_as_published():
    assert rules.shapley_values(Game(GOLDEN), 3) == (Fraction(70, 3), Fraction(100, 3), Fraction(10, 3))


def test_the_golden_game_in_money_adds_up_to_the_fen():
    found = shared(Money(1_000), (), PARTIES[:3], Game(GOLDEN))
    assert [share.amount.minor for share in found] == [389, 556, 55]  # of 388.9, 555.6 and 55.6 the first two round up
    assert [share.value for share in found] == ["70/3", "100/3", "10/3"]


@given(games())
def test_a_game_is_shared_as_by_its_definition(drawn: tuple[int, Game]):
    count, game = drawn
    by_definition = average_over_orders(count, lambda members: game.worths[sum(1 << each for each in members)])
    assert rules.values(game, count) == by_definition


@given(coverages())
def test_coverage_is_shared_as_by_the_definition_for_groups(drawn: tuple[int, Coverage]):
    count, coverage = drawn

    def worth(members: frozenset[int]) -> int:
        return sum(atom.weight for atom in coverage.atoms if members & set(atom.holders))

    assert rules.values(coverage, count) == average_over_orders(count, worth, coverage.groups)


@given(coverages(affiliated=False))
def test_without_affiliates_coverage_is_the_shapley_value(drawn: tuple[int, Coverage]):
    count, coverage = drawn
    worths = [
        sum(atom.weight for atom in coverage.atoms if any(mask >> holder & 1 for holder in atom.holders))
        for mask in range(1 << count)
    ]
    assert rules.values(coverage, count) == rules.values(Game(tuple(worths)), count)


@pytest.mark.parametrize("atoms, groups, shares", [
    ([(60, (0, 1))],               (0, 1),    [30, 30]),
    ([(60, (0, 1, 2))],            (0, 1, 2), [20, 20, 20]),
    ([(60, (0, 1, 2))],            (0, 0, 2), [15, 15, 30]),  # two accounts of one group are one holder
    ([(60, (0, 2)), (30, (1,))],   (0, 0, 2), [30, 30, 30]),
    ([(60, (0,)), (40, (1, 0))],   (0, 1),    [80, 20]),
    ([(60, (0,))],                 (0, 1),    [60, 0]),
])  # fmt: skip
def test_worked_coverages(atoms: list[tuple[int, tuple[int, ...]]], groups: tuple[int, ...], shares: list[int]):
    coverage = Coverage(tuple(Atom(*atom) for atom in atoms), groups)
    assert list(rules.values(coverage, len(groups))) == shares


@given(coverages(), st.integers(0, 10**12), st.lists(st.integers(0, 10**6), max_size=3))
def test_fees_and_shares_add_up_to_the_price(drawn: tuple[int, Coverage], net: int, fees: list[int]):
    count, coverage = drawn
    if not any(atom.weight for atom in coverage.atoms):
        return
    lines = [Fee("x", Money(fee)) for fee in fees]
    price = Money(net + sum(fees))
    found = shared(price, lines, PARTIES[:count], coverage)
    assert total([share.amount for share in found]) + total([line.amount for line in lines]) == price
    assert all(share.amount >= Money(0) and not share.clamped for share in found)


@given(coverages(), st.integers(0, 10**9))
def test_who_holds_nothing_gets_nothing_and_who_holds_the_same_gets_the_same(drawn: tuple[int, Coverage], net: int):
    count, coverage = drawn
    if not any(atom.weight for atom in coverage.atoms):
        return
    found = shared(Money(net), (), PARTIES[:count], coverage)
    held = [[atom for atom in coverage.atoms if place in atom.holders and atom.weight] for place in range(count)]
    size = [coverage.groups.count(group) for group in coverage.groups]
    for place, share in enumerate(found):
        assert held[place] or share.amount == Money(0)
        for other in range(place):
            if held[place] == held[other] and size[place] == size[other] == 1:
                assert share.value == found[other].value
                assert abs(share.amount.minor - found[other].amount.minor) <= 1


@given(coverages(affiliated=False), st.data())
def test_splitting_or_copying_ones_data_into_two_accounts_of_ones_own_never_pays(
    drawn: tuple[int, Coverage], data: st.DataObject
):
    count, coverage = drawn
    before = rules.values(coverage, count)[0]
    accounts = st.sampled_from([(0,), (count,), (0, count)])  # each atom stays, moves, or is in both
    split = tuple(
        Atom(atom.weight, (*(each for each in atom.holders if each), *data.draw(accounts)) if 0 in atom.holders
             else atom.holders)
        for atom in coverage.atoms
    )  # fmt: skip
    after = rules.values(Coverage(split, (*coverage.groups, 0)), count + 1)
    assert after[0] + after[count] == before


@given(coverages(affiliated=False), st.data())
def test_splitting_ones_data_between_strangers_does_not_pay_either(drawn: tuple[int, Coverage], data: st.DataObject):
    count, coverage = drawn
    split = tuple(
        Atom(atom.weight, (*(each for each in atom.holders if each), data.draw(st.sampled_from([0, count]))))
        if 0 in atom.holders else atom
        for atom in coverage.atoms
    )  # fmt: skip
    after = rules.values(Coverage(split, alone(count + 1)), count + 1)
    assert after[0] + after[count] == rules.values(coverage, count)[0]


def test_a_copy_by_a_stranger_would_pay_which_is_why_registration_refuses_copies():
    honest = rules.values(Coverage((Atom(60, (0, 1)),), alone(2)), 2)
    copied = rules.values(Coverage((Atom(60, (0, 1, 2)),), alone(3)), 3)
    assert honest[0] == 30 and copied[0] + copied[2] == 40


@pytest.mark.parametrize("worths, values, clamped, amounts", [
    ((0, 10, -4, 6),  [10, -4], [False, True],  [100, 0]),
    ((0, 0, 10, 10),  [0, 10],  [False, False], [0, 100]),
    ((0, 10, 10, 10), [5, 5],   [False, False], [50, 50]),
    ((0, -5, 20, 16), [Fraction(-9, 2), Fraction(41, 2)], [True, False], [0, 100]),
])  # fmt: skip
def test_a_value_below_nothing_counts_as_nothing_and_says_so(
    worths: tuple[int, ...], values: list[Fraction], clamped: list[bool], amounts: list[int]
):
    found = shared(Money(100), (), PARTIES[:2], Game(worths))
    assert [Fraction(share.value) for share in found] == values
    assert [share.clamped for share in found] == clamped
    assert [share.amount.minor for share in found] == amounts


@given(games(least=0), st.data())
def test_the_order_in_which_parties_are_named_changes_nothing(drawn: tuple[int, Game], data: st.DataObject):
    count, game = drawn
    if not any(value > 0 for value in rules.values(game, count)):
        return
    shuffled = data.draw(st.permutations(range(count)))
    named = [PARTIES[place] for place in shuffled]
    renamed = rules.in_order(game, shuffled)
    order = rules.places(named)
    assert rules.in_order(renamed, order) == game
    assert [named[place] for place in order] == list(PARTIES[:count])


@given(coverages(), st.data())
def test_a_coverage_says_the_same_in_any_order(drawn: tuple[int, Coverage], data: st.DataObject):
    count, coverage = drawn
    sorted_already = rules.in_order(coverage, range(count))
    shuffled = data.draw(st.permutations(range(count)))
    again = rules.in_order(rules.in_order(coverage, shuffled), rules.places([PARTIES[place] for place in shuffled]))
    assert again == sorted_already
    by_party = dict(zip(shuffled, rules.values(rules.in_order(coverage, shuffled), count), strict=True))
    assert [by_party[place] for place in range(count)] == list(rules.values(coverage, count))


def test_a_document_tells_inputs_and_result_and_is_the_same_for_the_same_question():
    game, fees = Game(GOLDEN), (Fee("费", Money(10)),)
    found = shared(Money(1_010), fees, PARTIES[:3], game)
    told = rules.document(PARTIES[:3], Money(1_010), fees, "fees_1", game, found)
    assert told["method"] == Method.SHAPLEY and told["fee_schedule"] == "fees_1"
    assert told["utility"] == {"worths": list(GOLDEN)} and told["parties"] == list(PARTIES[:3])
    assert told["price"] == {"minor": 1_010, "currency": "CNY"}
    assert told["fees"] == [{"description": "费", "amount": {"minor": 10, "currency": "CNY"}}]
    assert told["shares"][0] == {"value": "70/3", "clamped": False, "amount": {"minor": 389, "currency": "CNY"}}
    assert canonical.encode(told) == canonical.encode(
        rules.document(PARTIES[:3], Money(1_010), fees, "fees_1", game, found)
    )
    bare = rules.document(PARTIES[:1], Money(1), (), None, Coverage((Atom(1, (0,)),), (0,)), found[:1])
    assert "fee_schedule" not in bare and bare["method"] == Method.COVERAGE
    assert bare["utility"] == {"atoms": [{"weight": 1, "holders": [0]}], "groups": [0]}


@pytest.mark.parametrize("sharing, refusal, facts", [
    (lambda: shared(Money(9), [Fee("x", Money(10))], PARTIES[:1], Game((0, 1))), FeesExceedPrice,
     {"price_minor": 9, "fees_minor": 10}),
    (lambda: shared(Money(9), (), PARTIES[:2], Game((0, 0, 0, 0))), NothingToShare, {}),
    (lambda: shared(Money(9), (), PARTIES[:1], Game((0, -1))), NothingToShare, {}),
    (lambda: shared(Money(9), (), PARTIES[:1], Coverage((), (0,))), NothingToShare, {}),
    (lambda: rules.values(Game((0,) * 2**13), 13), TooManyParties,
     {"parties": 13, "parties_max": 12, "instead": "coverage"}),
    (lambda: rules.values(Game((0, 1, 2)), 2), WorthsIncomplete, {"told": 3, "needed": 4}),
    (lambda: rules.values(Game((1, 1)), 1), WorthsIncomplete, {"told": 2, "needed": 2, "worth_of_nobody": 1}),
    (lambda: rules.in_order(Game((0, 1, 2)), [1, 0]), WorthsIncomplete, {"told": 3, "needed": 4}),
    (lambda: rules.values(Coverage((Atom(1, (0, 2)),), (0, 1)), 2), PartyUnknown, {"holders": [0, 2], "parties": 2}),
    (lambda: rules.values(Coverage((Atom(1, (-1,)),), (0, 1)), 2), PartyUnknown, {"holders": [-1], "parties": 2}),
    (lambda: rules.values(Coverage((Atom(1, (1, 1)),), (0, 1)), 2), PartyUnknown, {"holders": [1, 1], "parties": 2}),
    (lambda: rules.in_order(Coverage((Atom(1, (2,)),), (0, 1)), [0, 1]), PartyUnknown,
     {"holders": [2], "parties": 2}),
    (lambda: rules.places([PARTIES[0], PARTIES[0]]), PartyRepeated, {}),
], ids=range(13))  # fmt: skip
def test_what_is_not_shared(sharing: Callable[[], object], refusal: type[Failure], facts: dict[str, Any]):
    with pytest.raises(refusal) as refused:
        sharing()
    assert refused.value.facts == facts


def test_twelve_parties_are_shared_exactly():
    worths = tuple(mask.bit_count() ** 2 for mask in range(1 << 12))
    assert rules.shapley_values(Game(worths), 12) == (Fraction(12),) * 12


def test_a_price_that_is_all_fees_leaves_nothing_to_each():
    [share] = shared(Money(10), [Fee("x", Money(10))], PARTIES[:1], Game((0, 1)))
    assert share == Share(PARTIES[0], "1", False, Money(0))


def test_the_platforms_fees_are_those_of_a_settlement():
    fees = rules.platform_fees(Money(123_457), 250, 600)
    assert [(fee.description, fee.amount.minor) for fee in fees] == [
        (rules.PROVIDER_FEE, 3_086), (rules.TAX_ON_FEE, 185),
    ]  # fmt: skip
