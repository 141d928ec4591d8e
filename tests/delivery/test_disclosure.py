"""What a plan releases, against the definition, and against an attacker who solves all that was ever told.

The oracle tries every set of cells with fewer than k contributors, and asks by the rank of a matrix of fractions
whether what was released tells of that set alone.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.rules import disclosure
from services.delivery.rules.disclosure import Bounds, Cell, CubeTooEntangled, Fault, Group, Plan, fault, plan
from tests.delivery.made_cubes import (
    PRIME,
    Record,
    Vector,
    another_world,
    contributors_of,
    indicator,
    people,
    rank,
    solved,
    tabulated,
    tells_within,
)

BOUNDS = [None, Bounds(0, 100)]
EVERYTHING, REGION, MONTH, BOTH = (), (0,), (1,), (0, 1)


def keys(released: Sequence[Group]) -> list[str]:
    return ["/".join(group.key) for group in released]


def vectors(cells: Sequence[Cell], found: Plan) -> list[Vector]:
    return [indicator(group.cells, len(cells)) for groups in found.released for group in groups]


def smaller_sets(cells: Sequence[Cell], contributors_min: int) -> Iterator[tuple[int, ...]]:
    sets = chain.from_iterable(combinations(range(len(cells)), size) for size in range(1, len(cells) + 1))
    return (one for one in sets if contributors_of(cells, one) < contributors_min)


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """Up to three dimensions of up to three values; contributors with rows in one cell or in many."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    values = st.sampled_from([0, 1, 2, 50, 100])
    key = st.tuples(*(st.integers(0, size - 1).map(str) for size in sizes))
    row = st.builds(Record, st.integers(0, 11), key, st.tuples(values))
    return draw(st.lists(row, min_size=1, max_size=40))


@st.composite
def groupings(draw: st.DrawFn, dimensions: int) -> list[tuple[int, ...]]:
    subsets = [one for size in range(1, dimensions + 1) for one in combinations(range(dimensions), size)]
    return [EVERYTHING, *draw(st.lists(st.sampled_from(subsets), unique=True, max_size=5))]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_combination_of_all_that_is_released_tells_of_fewer_than_k(data: st.DataObject):
    cells = tabulated(data.draw(records()))[:9]
    contributors_min = data.draw(st.integers(1, 6))
    found = plan(cells, BOUNDS, data.draw(groupings(len(cells[0].key))), contributors_min)
    told = vectors(cells, found)
    for few in smaller_sets(cells, contributors_min):
        assert not tells_within(told, few, len(cells)), (few, found)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_attacker_who_solves_every_answer_finds_no_single_cell_below_k_and_no_single_value(data: st.DataObject):
    rows = data.draw(records())
    cells = tabulated(rows)
    contributors_min = data.draw(st.integers(2, 6))
    found = plan(cells, BOUNDS, data.draw(groupings(len(cells[0].key))), contributors_min)
    groups = [group for grouping in found.released for group in grouping]
    for measure in range(2):  # the counts, and the sums; averages are made of both
        told = [
            (indicator(group.cells, len(cells)), sum(cells[one].parts[measure].total for one in group.cells))
            for group in groups
        ]
        for index, cell in enumerate(cells):
            if len(cell.contributors) < contributors_min:
                assert solved(told, indicator([index], len(cells))) is None


def test_a_thousand_targets_and_not_one_is_recovered():
    """T-24: every small cell, and every sum and difference of two that are few together, of a table like a real one."""
    chance = Random(0)
    weights = [[1 / rank for rank in range(1, size + 1)] for size in (10, 9, 4)]
    keys = [tuple(str(chance.choices(range(len(one)), one)[0]) for one in weights) for _ in range(1_500)]
    cells = tabulated(Record(number, key, (number % 90,)) for number, key in enumerate(keys))
    found = plan(cells, BOUNDS, [EVERYTHING, REGION, MONTH, (2,), BOTH, (0, 2), (1, 2)], 10)
    groups = [group.cells for grouping in found.released for group in grouping]
    world = another_world(groups, len(cells), chance)
    assert len(groups) > 50 and all(sum(world[cell] for cell in group) % PRIME == 0 for group in groups)
    small = [number for number, cell in enumerate(cells) if len(cell.contributors) < 10]
    pairs = [pair for pair in combinations(small, 2) if contributors_of(cells, pair) < 10]
    assert len(small) + len(pairs) > 1_000
    assert all(world[cell] for cell in small)
    assert all((world[one] - world[other]) % PRIME and (world[one] + world[other]) % PRIME for one, other in pairs)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.integers(1, 8), min_size=1, max_size=7
    ),
    contributors_min=st.integers(3, 6),
)
def test_nothing_is_withheld_that_could_be_told(counts: dict[tuple[str, ...], int], contributors_min: int):
    """Equal contributors dominate nobody, so only the number of them can speak against a group."""
    cells = tabulated(people(counts))
    if fault(cells, [None], contributors_min) is not None:
        return
    wanted = [EVERYTHING, REGION, MONTH, BOTH]
    found = plan(cells, [None], wanted, contributors_min)
    told = vectors(cells, found)
    for grouping, released in zip(wanted, found.released, strict=True):
        for group in disclosure.groups_of(cells, grouping):
            if group not in released:
                more = [*told, indicator(group.cells, len(cells))]
                assert any(tells_within(more, few, len(cells)) for few in smaller_sets(cells, contributors_min))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_stricter_plan_after_a_raised_grade_tells_nothing_more(data: st.DataObject):
    cells = tabulated(data.draw(records()))[:9]
    wanted = data.draw(groupings(len(cells[0].key)))
    before = plan(cells, BOUNDS, wanted, 3)
    after = plan(cells, BOUNDS, wanted, 5, before)
    assert all(set(late) <= set(early) for late, early in zip(after.released, before.released, strict=True))
    for few in smaller_sets(cells, 5):
        assert not tells_within(vectors(cells, after), few, len(cells))


TABLES: list[tuple[str, dict[tuple[str, ...], int], list[tuple[int, ...]], list[list[str]]]] = [
    ("all are many", {("a", "x"): 10, ("b", "x"): 10}, [EVERYTHING, REGION], [[""], ["a", "b"]]),
    ("one is small: so is another withheld, whose complement it would be",
     {("a", "x"): 30, ("b", "x"): 3, ("c", "x"): 12}, [EVERYTHING, REGION], [[""], ["a"]]),
    ("two small ones are many together", {("a", "x"): 30, ("b", "x"): 6, ("c", "x"): 6}, [EVERYTHING, REGION],
     [[""], ["a"]]),
    ("two small ones are few together", {("a", "x"): 30, ("b", "x"): 3, ("c", "x"): 4}, [EVERYTHING, REGION],
     [[""], []]),
    ("everything is few", {("a", "x"): 4, ("b", "x"): 5}, [EVERYTHING, REGION], [[], []]),
    ("both margins of a table with small cells tell none of them",
     {("a", "x"): 8, ("a", "y"): 8, ("b", "x"): 8, ("b", "y"): 8}, [EVERYTHING, REGION, MONTH],
     [[""], ["a", "b"], ["x", "y"]]),
    ("but of a triangle, one margin and a total tell the corner",
     {("a", "x"): 8, ("a", "y"): 30, ("b", "y"): 30}, [EVERYTHING, REGION, MONTH], [[""], ["a", "b"], []]),
    ("what is asked for first has the first say",
     {("a", "x"): 8, ("a", "y"): 30, ("b", "y"): 30}, [EVERYTHING, MONTH, REGION], [[""], [], ["a", "b"]]),
]  # fmt: skip


@pytest.mark.parametrize("counts, wanted, released", [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_worked_tables_with_k_of_ten(
    counts: dict[tuple[str, ...], int], wanted: list[tuple[int, ...]], released: list[list[str]]
):
    found = plan(tabulated(people(counts)), [None], wanted, 10)
    assert [keys(groups) for groups in found.released] == released


def of_values(*values: int) -> tuple[Cell, ...]:
    return tabulated(Record(number, ("a",), (value,)) for number, value in enumerate(values))


@pytest.mark.parametrize("values, found", [
    ([10] * 9,                      Fault.TOO_FEW),
    ([10] * 10,                     None),
    ([70, 15] + [1] * 15,           None),
    ([71, 14] + [1] * 15,           Fault.DOMINATED),  # 71 % of the whole
    ([50, 46] + [0] * 6 + [1] * 4,  Fault.DOMINATED),  # the second knows the first to within 8 %
    ([50, 45] + [0] * 5 + [1] * 5,  None),
    ([0] * 12,                      Fault.EXTREME),
    ([100] * 12,                    Fault.EXTREME),
    ([100] * 11 + [99],             None),
    ([-60, 55] + [1] * 20,          None),             # signs do not hide who is large
    ([-90, 4] + [1] * 20,           Fault.DOMINATED),
])  # fmt: skip
def test_when_a_group_may_be_told_of(values: list[int], found: Fault | None):
    assert fault(of_values(*values), BOUNDS, 10) is found


def test_one_contributor_in_many_cells_counts_once():
    cells = tabulated(Record(number % 6, (str(number),)) for number in range(60))
    assert fault(cells, [None], 10) is Fault.TOO_FEW


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=200))
def test_twenty_contributors_of_a_cell_are_enough_to_tell_k_of_any_set(pairs: list[tuple[int, int]]):
    cells = tabulated(Record(contributor, (str(cell),)) for contributor, cell in pairs)
    for contributors_min in (10, 20):
        enough = len({contributor for contributor, _ in pairs}) >= contributors_min
        assert (fault(cells, [None], contributors_min) is not Fault.TOO_FEW) == enough


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2), st.integers(0, 100)), min_size=1, max_size=120))
def test_who_dominates_is_never_overlooked_for_being_small_in_each_cell(rows: list[tuple[int, int, int]]):
    cells = tabulated(Record(contributor, (str(cell),), (value,)) for contributor, cell, value in rows)
    totals = dict[int, int]()
    for contributor, _, value in rows:
        totals[contributor] = totals.get(contributor, 0) + value
    if max(totals.values()) * 10 > sum(totals.values()) * 7:
        assert fault(cells, [None, Bounds(-1, 101)], 1) is Fault.DOMINATED


@pytest.mark.parametrize("first, found", [(940, None), (970, Fault.DOMINATED)])
def test_what_the_large_one_brings_unnoted_to_another_cell_counts_too(first: int, found: Fault | None):
    """970 and 9 of 1 390 are 70.4 %, but where forty others bring 10, nobody notes the 9."""
    one = [Record(0, ("a",), (first,)), *(Record(number, ("a",), (1,)) for number in range(1, 12))]
    other = [Record(0, ("b",), (9,)), *(Record(number, ("b",), (10,)) for number in range(20, 60))]
    assert fault(tabulated(one + other), [None, Bounds(0, 2_000)], 10) is found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-2, 2), min_size=5, max_size=5), min_size=1, max_size=4))
def test_circuits_are_the_smallest_supports_and_all_of_them(matrix: list[list[int]]):
    independent = [row for number, row in enumerate(matrix) if rank_grows(matrix[:number], row)]
    rows = [{column: entry for column, entry in enumerate(row) if entry} for row in independent]
    told = [one for one in chain.from_iterable(combinations(range(5), size) for size in range(1, 6))
            if independent and tells_within(independent, one, 5)]  # fmt: skip
    smallest = {frozenset(one) for one in told if not any(set(other) < set(one) for other in told)}
    found = (
        [frozenset(one or ()) for one in disclosure.circuits(rows, lambda _: False, disclosure.Steps())] if rows else []
    )
    assert sorted(map(sorted, found)) == sorted(map(sorted, smallest))


def rank_grows(matrix: Sequence[Vector], row: Vector) -> bool:
    return rank([*matrix, row]) > rank(matrix) if matrix else any(row)


def test_what_cannot_be_decided_in_time_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(disclosure, "STEPS_MAX", 10)
    cells = tabulated(people({(region, month): 12 for region in "abc" for month in "xyz"}))
    with pytest.raises(CubeTooEntangled):
        plan(cells, [None], [EVERYTHING, REGION, MONTH], 10)


def test_what_is_too_entangled_is_withheld(monkeypatch: pytest.MonkeyPatch):
    cells = tabulated(people({(region, month): 8 for region in "abcd" for month in "wxyz"}))
    wanted = [EVERYTHING, REGION, MONTH]
    assert keys(plan(cells, [None], wanted, 10).released[2]) == ["w", "x", "y", "z"]
    monkeypatch.setattr(disclosure, "CIRCUITS_MAX", 0)
    assert plan(cells, [None], wanted, 10).withheld == (False, False, True)
