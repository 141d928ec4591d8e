"""Queries priced by the atoms that they cover: A1 to A5 of market-rules B4, for any grid and any queries."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules.coverage import (
    ATOMS_MAX,
    Atom,
    Cell,
    ColumnGroup,
    ColumnsOverlap,
    Grid,
    GridIncomplete,
    TooManyAtoms,
    UnknownColumn,
    cells_of,
    checked,
    covered,
    not_bought,
    price_minor,
    require_columns,
)
from services.pricing.rules.price import Ask, query
from shared.errors import Failure
from tests.pricing.made import a_grid

GRID = a_grid([[1, 2, 4], [8, 16, 32]], [("id", "name"), ("city",), ("income",)])
COLUMNS = ("id", "name", "city", "income")
Query = tuple[tuple[str, ...], tuple[str, ...] | None]


def cost(grid: Grid, asked: Query, bought: frozenset[Cell] = frozenset()) -> int:
    return price_minor(not_bought(grid, covered(grid, *asked), bought))


@pytest.mark.parametrize("columns, blocks, minor", [
    (("id",), ("b0",), 1),
    (("name",), ("b0",), 1),                    # the same group reveals the same
    (("id", "name"), ("b0",), 1),
    (("id", "city"), ("b0",), 3),
    (("id", "city"), ("b0", "b1"), 27),
    (("id", "city"), None, 27),                 # which rows is not known: all of them
    (("id",), ("b7",), 9),                      # a block that is not known may be any
    (("id",), ("b0", "b7"), 9),
    (("income",), (), 0),                       # no rows at all
    (COLUMNS, None, 63),
])  # fmt: skip
def test_worked_queries(columns: tuple[str, ...], blocks: tuple[str, ...] | None, minor: int):
    assert cost(GRID, (columns, blocks)) == minor


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UnknownColumn) as refused:
        covered(GRID, ["id", "age"], None)
    assert refused.value.facts == {"columns": ["age"], "known": sorted(COLUMNS)}


def test_what_was_bought_is_not_charged_again():
    bought = cells_of(GRID, covered(GRID, ["id"], ["b0"]))
    assert bought == {("b0", "id"), ("b0", "name")}
    assert cost(GRID, (("id", "city"), ("b0",)), bought) == 2
    assert cost(GRID, (("id",), ("b0",)), bought) == 0
    assert cost(GRID, (("id",), ("b0",)), bought - {("b0", "name")}) == 1  # part of it is still new


grids = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 50), min_size=width, max_size=width), min_size=1, max_size=4
    )
).map(a_grid)  # fmt: skip


@st.composite
def grid_and_queries(draw: Any, count: int = 4) -> tuple[Grid, list[Query]]:
    grid = draw(grids)
    columns = sorted(column for group in grid.groups for column in group.columns)
    blocks = sorted({atom.row_block for atom in grid.atoms})
    subsets = st.lists(st.sampled_from(blocks), unique=True).map(tuple)
    one = st.tuples(st.lists(st.sampled_from(columns), unique=True).map(tuple), st.none() | subsets)
    return grid, draw(st.lists(one, min_size=count, max_size=count))


def seen(grid: Grid, asked: Query) -> set[tuple[str, str]]:
    """By hand: which cells an answer could show."""
    columns, blocks = asked
    return {
        (atom.row_block, column)
        for atom in grid.atoms
        for group in grid.groups
        if group.name == atom.column_group and (blocks is None or atom.row_block in blocks)
        for column in group.columns
        if set(group.columns) & set(columns)
    }


@given(grid_and_queries())
def test_the_price_is_the_weight_of_what_could_be_seen(told: tuple[Grid, list[Query]]):
    grid, queries = told
    for asked in queries:
        shown = seen(grid, asked)
        by_hand = sum(
            atom.weight_minor for atom in grid.atoms if (atom.row_block, grid.columns[atom.column_group][0]) in shown
        )
        assert cost(grid, asked) == by_hand
        assert cells_of(grid, covered(grid, *asked)) == shown


@given(grid_and_queries())
def test_a1_what_follows_from_another_query_costs_at_most_as_much(told: tuple[Grid, list[Query]]):
    grid, queries = told
    for one in queries:
        for other in queries:
            if seen(grid, one) <= seen(grid, other):
                assert cost(grid, one) <= cost(grid, other)


def both(grid: Grid, one: Query, other: Query) -> frozenset[Cell]:
    return cells_of(grid, covered(grid, *one)) | cells_of(grid, covered(grid, *other))


@given(grid_and_queries())
def test_a2_two_queries_together_cost_at_most_the_two(told: tuple[Grid, list[Query]]):
    grid, queries = told
    for one in queries:
        for other in queries:
            joined = both(grid, one, other)
            together = sum(atom.weight_minor for atom in grid.atoms if grid.cells(atom) <= joined)
            assert together <= cost(grid, one) + cost(grid, other)


@given(grid_and_queries(count=6))
def test_a3_and_a4_nothing_is_charged_twice_and_all_of_it_at_most_the_full_price(told: tuple[Grid, list[Query]]):
    grid, queries = told
    bought, paid, charged_for = frozenset[Cell](), 0, list[Cell]()
    for columns, blocks in queries:
        charged = query(grid, Ask(columns=columns, row_blocks=blocks), bought).atoms
        paid += price_minor(charged)
        charged_for += cells_of(grid, charged)
        bought |= cells_of(grid, charged)
    assert len(charged_for) == len(set(charged_for))
    everything = frozenset[Cell]().union(*(seen(grid, asked) for asked in queries))
    assert bought == everything
    assert paid == sum(atom.weight_minor for atom in grid.atoms if grid.cells(atom) <= everything) <= grid.full_minor


@given(grid_and_queries(), st.randoms())
def test_a5_what_asks_for_the_same_costs_the_same(told: tuple[Grid, list[Query]], random: Any):
    grid, queries = told
    for columns, blocks in queries:
        shuffled = [*columns, *columns[:1]]
        random.shuffle(shuffled)
        again = None if blocks is None else tuple(reversed(blocks))
        assert cost(grid, (tuple(shuffled), again)) == cost(grid, (columns, blocks))
    everything = tuple(sorted({atom.row_block for atom in grid.atoms}))
    columns = queries[0][0]
    assert cost(grid, (columns, None)) == cost(grid, (columns, everything))


# What is a grid


def atoms(*told: tuple[str, str]) -> tuple[Atom, ...]:
    return tuple(Atom(block, group, 1) for block, group in told)


A, B = ColumnGroup("a", ("x",)), ColumnGroup("b", ("y", "z"))


@pytest.mark.parametrize("grid, refusal, facts", [
    (Grid((A, B), atoms(("1", "a"))), GridIncomplete, {"missing": [["1", "b"]], "repeated": []}),
    (Grid((A,), atoms(("1", "a"), ("1", "a"))), GridIncomplete, {"missing": [], "repeated": [["1", "a"]]}),
    (Grid((A,), atoms(("1", "a"), ("1", "c"))), GridIncomplete, {"missing": [], "repeated": [["1", "c"]]}),
    (Grid((A,), ()), GridIncomplete, {"missing": [], "repeated": []}),
    (Grid((), atoms(("1", "a"))), GridIncomplete, {"missing": [], "repeated": [["1", "a"]]}),
    (Grid((A, ColumnGroup("a", ("y",))), atoms(("1", "a"))), GridIncomplete, {"missing": [], "repeated": []}),
    (Grid((A, ColumnGroup("b", ("x",))), atoms(("1", "a"), ("1", "b"))), ColumnsOverlap, {"columns": ["x"]}),
    (Grid((ColumnGroup("a", ("x", "x")),), atoms(("1", "a"))), ColumnsOverlap, {"columns": ["x"]}),
])  # fmt: skip
def test_what_is_no_grid(grid: Grid, refusal: type[Failure], facts: dict[str, Any]):
    with pytest.raises(refusal) as refused:
        checked(grid)
    assert refused.value.facts == facts


def test_a_grid_has_at_most_a_thousand_atoms():
    full = a_grid([[1] * 10] * (ATOMS_MAX // 10))
    assert checked(full) is full and len(full.atoms) == ATOMS_MAX
    with pytest.raises(TooManyAtoms) as refused:
        checked(a_grid([[1]] * (ATOMS_MAX + 1)))
    assert refused.value.facts == {"atoms": ATOMS_MAX + 1, "atoms_max": ATOMS_MAX}


def test_a_grid_prices_only_fields_that_there_are():
    require_columns(GRID, [*COLUMNS, "more"])
    with pytest.raises(UnknownColumn) as refused:
        require_columns(GRID, ["id", "name", "city"])
    assert refused.value.facts == {"columns": ["income"], "known": ["city", "id", "name"]}


@pytest.mark.parametrize("asked, bought, columns", [
    (("id",), [], ("id", "name")), (("id", "income"), [], ("id", "name", "income")), ((), [], ()),
    ((), [("b0", "city")], ()), ((), [("b0", "city"), ("b1", "city")], ("city",)),
])  # fmt: skip
def test_a_column_is_granted_once_all_of_its_rows_are_known(
    asked: tuple[str, ...], bought: list[Cell], columns: tuple[str, ...]
):
    assert query(GRID, Ask(columns=asked), frozenset(bought)).columns == columns


def test_a_column_of_which_some_rows_are_missing_is_not_granted():
    first = query(GRID, Ask(columns=("id",), row_blocks=("b0",)), frozenset())
    assert first.columns == ()
    known = cells_of(GRID, first.atoms)
    assert query(GRID, Ask(columns=("id",), row_blocks=("b1",)), known).columns == ("id", "name")


def test_a_digest_names_one_grid():
    same = a_grid([[1, 2, 4], [8, 16, 32]], [("id", "name"), ("city",), ("income",)])
    assert GRID.digest == same.digest
    others = [
        a_grid([[1, 2, 4], [8, 16, 33]], [("id", "name"), ("city",), ("income",)]),
        a_grid([[1, 2, 4], [8, 16, 32]], [("id",), ("name", "city"), ("income",)]),
    ]
    assert len({GRID.digest, *(other.digest for other in others)}) == 3
