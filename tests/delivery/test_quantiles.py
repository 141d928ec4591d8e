"""Quantiles of a cube: told by the counts of bands, and so no more than these tell; attacked by subtraction."""

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from statistics import median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.rules import tabulation
from services.delivery.rules.cube import Declaration, Dimension, Generalisation, Level, Measure, Release, Told
from services.delivery.rules.cube_query import (
    Asked,
    Family,
    Function,
    answer,
    canonical_question,
    families_of,
    truth,
)
from services.delivery.rules.quantile import banded, quantile
from services.delivery.rules.query import QueryRejected
from services.delivery.schemas.cubes import CubeColumnView
from shared import canonical
from shared.grades import G4
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.made_cubes import Record, tabulated
from tests.delivery.made_files import csv_of
from tests.delivery.test_cubes import ask, cubed

STARTS = (200, 400, 600, 800)
DECLARED = Declaration(
    contributor="person", dimensions=(Dimension("region"), Dimension("spent", Generalisation.BANDS, STARTS)),
    measures=(Measure("spent", 0, 1_000),), groupings=(("region",), ("spent",), ("region", "spent")),
    rows_per_contributor_max=1, epsilon_micro=500_000,
)  # fmt: skip
COUNT, MEDIAN = Asked(Function.COUNT), Asked(Function.QUANTILE, "spent", 50)
EDGES = (0, 10, 20, 30)


@pytest.mark.parametrize("percent, counts, whole, value", [
    (50, (10, 20, 10),     40, 15),    # the 20th of 40 is the 10th of 20 in its band
    (25, (10, 20, 10),     40, 10),    # the last of a band is its end
    (26, (10, 20, 10),     40, 10),    # 10.2
    (99, (10, 20, 10),     40, 30),    # 29.6
    (50, (0, 10, 0),       10, 15),
    (1,  (0, 100, 0),     100, 10),
    (75, (0, 2, 0),         2, 18),    # 17.5: halves go up
    (50, (0, 0, 0),         0, None),
    (50, (10, -5, 10),     20, 10),    # noise below nobody counts as nobody
    (50, (10, 0, 30),      10, 23),    # the whole says less than its parts: the parts count (23.33)
    (50, (10, None, 10),   20, 10),    # nothing is left for the band that is not told
    (50, (10, None, 10),   40, None),  # it may be there
    (10, (10, None, 10),   40, 4),     # wherever in there they are
    (90, (10, None, 10),   40, 26),
    (50, (None, 20, None), 30, 15),    # between 12.5 and 17.5
    (50, (None, 20, None), 60, None),  # may be below, within or above
    (45, (None, 20, None), 40, None),  # within or below
    (50, (None, None, 10), 10, 25),
    (50, (None, None, None), 0, None),
    (50, (None, None, None), 9, None),
])  # fmt: skip
def test_worked_quantiles(percent: int, counts: Sequence[int | None], whole: int, value: int | None):
    assert quantile(percent, EDGES, counts, whole) == value


@given(
    st.integers(1, 99), st.lists(st.tuples(st.integers(1, 50), st.integers(0, 30)), min_size=1, max_size=6),
    st.integers(-100, 100),
)  # fmt: skip
def test_as_many_percent_lie_below_if_values_lie_evenly(percent: int, bands: list[tuple[int, int]], low: int):
    edges, counts = [low], [count for _, count in bands]
    for width, _ in bands:
        edges.append(edges[-1] + width)
    found = quantile(percent, edges, counts, sum(counts))
    if not sum(counts):
        assert found is None
        return
    assert found is not None

    def below(value: Fraction) -> Fraction:
        parts = (
            (min(max(value - start, Fraction(0)), Fraction(end - start)) / (end - start)) * count
            for start, end, count in zip(edges, edges[1:], counts, strict=False)
        )
        return sum(parts, Fraction(0))

    half = Fraction(1, 2)
    assert below(found - half) <= Fraction(percent * sum(counts), 100) <= below(found + half)


@given(st.integers(1, 99), st.lists(st.integers(0, 30), min_size=3, max_size=3), st.integers(0, 2), st.integers(0, 40))
def test_what_is_told_beside_an_untold_band_is_so_wherever_its_rows_are(
    percent: int, counts: list[int], hidden: int, left: int
):
    told = [None if band == hidden else count for band, count in enumerate(counts)]
    known = sum(filter(None, told))
    found = quantile(percent, EDGES, told, known + left)
    if found is not None:
        full = [left if band == hidden else count for band, count in enumerate(counts)]
        assert found == quantile(percent, EDGES, full, sum(full))


def test_bands_end_at_the_bounds_of_the_measure():
    declared = replace(DECLARED, measures=(Measure("spent", 300, 70_000, 2),))
    found = banded(declared, (), "spent")
    assert found and found.edges == (300, 20_000, 40_000, 60_000, 70_000, 70_000)
    assert found.keys(()) == [("<200",), ("200 to <400",), ("400 to <600",), ("600 to <800",), (">=800",)]
    assert (found.grouping, found.position) == (2, 0)


def test_bands_stand_where_their_dimension_does():
    within = banded(DECLARED, ("region",), "spent")
    assert within and (within.grouping, within.position, within.keys(("a",))[0]) == (3, 1, ("a", "<200"))
    turned = replace(DECLARED, dimensions=DECLARED.dimensions[::-1])
    within = banded(turned, ("region",), "spent")
    assert within and (within.grouping, within.position, within.keys(("a",))[0]) == (3, 0, ("<200", "a"))


@pytest.mark.parametrize("grouping, asked, changes", [
    (["spent"],  MEDIAN,                                  {}),  # its bands are what it is grouped by
    (["region"], MEDIAN,                                  {"groupings": (("region",), ("spent",))}),
    ([],         MEDIAN,                                  {"groupings": (("region",), ("region", "spent"))}),
    ([],         MEDIAN,                                  {"dimensions": (Dimension("region"), Dimension("spent"))}),
    ([],         MEDIAN,                                  {"measures": ()}),
    ([],         Asked(Function.QUANTILE, "region", 50),  {}),
    ([],         Asked(Function.QUANTILE, None, 50),      {}),
    ([],         Asked(Function.QUANTILE, "spent"),       {}),
    ([],         Asked(Function.AVERAGE, "spent", 50),    {}),
    ([],         Asked(Function.COUNT, None, 50),         {}),
])  # fmt: skip
def test_a_quantile_that_the_bands_do_not_tell_is_no_question(
    grouping: list[str], asked: Asked, changes: dict[str, Any]
):
    with pytest.raises(QueryRejected):
        canonical_question(replace(DECLARED, **changes), grouping, [asked], [])


def test_quantiles_come_last_in_their_order_and_are_questions_of_their_own():
    asked = [Asked(Function.QUANTILE, "spent", percent) for percent in (90, 50, 10, 50)]
    question = canonical_question(DECLARED, [], [*asked, COUNT], [])
    assert [(one.function, one.percent) for one in question.asked] == [
        (Function.COUNT, None), (Function.QUANTILE, 10), (Function.QUANTILE, 50), (Function.QUANTILE, 90),
    ]  # fmt: skip
    digests = {canonical_question(DECLARED, [], [one], []).digest for one in asked}
    assert len(digests) == 3
    # What was asked before there were quantiles keeps its digest, and with it its answer.
    told: dict[str, object] = {"grouping": [], "asked": [["count", ""]], "filters": []}
    assert canonical_question(DECLARED, [], [COUNT], []).digest == canonical.digest(told)


def test_a_quantile_is_made_of_counts_alone():
    question = canonical_question(DECLARED, ["region"], [MEDIAN], [])
    assert families_of(DECLARED, question) == (Family(1, 0), Family(3, 0))
    both = canonical_question(DECLARED, ["region"], [MEDIAN, Asked(Function.SUM, "spent")], [])
    assert families_of(DECLARED, both) == (Family(1, 0), Family(1, 1), Family(3, 0))


def test_noise_of_counts_is_noise_of_the_quantile():
    groups = tuple(Told((band,), (20, 0)) for band in ("200 to <400", "600 to <800", "<200"))
    release = Release(((Told((), (60, 0)),), (), groups, ()), (False, False, False, False))
    question = canonical_question(DECLARED, [], [MEDIAN], [])
    noisy = {Family(0, 0): (61,), Family(2, 0): (-4, 38, 22)}
    told = answer(DECLARED, release, question, noisy)
    assert told.numbers == ((650,),) and told.bases == (1,)  # of 60, the 30th is the 10th of 40
    assert answer(DECLARED, release, question, noisy | {Family(0, 0): (500,)}).numbers == ((None,),)


def test_an_answer_kept_before_there_were_quantiles_can_be_read():
    kept = '{"function": "count", "column": null, "decimals": 0, "rounded_to": 5}'
    assert CubeColumnView.model_validate_json(kept).percent is None


# --- attacks


def people(values: Sequence[tuple[str, int]]) -> list[Record]:
    names = DECLARED.dimensions[1].bands
    return [
        Record(number, (region, names[sum(value >= start for start in STARTS)]), (value,))
        for number, (region, value) in enumerate(values)
    ]


def told_of(records: Sequence[Record]) -> tuple[object, object]:
    """All that may be asked: the counts of every grouping, and every quantile of each that has any."""
    release = tabulation.released(DECLARED, tabulated(records))[Level.GROUPED]
    asked = [Asked(Function.QUANTILE, "spent", percent) for percent in range(1, 100)]
    return (
        [numbers_of(release, grouping, [COUNT]) for grouping in ([], ["region"], ["spent"], ["region", "spent"])],
        [numbers_of(release, grouping, asked) for grouping in ([], ["region"])],
    )


def numbers_of(release: Release, grouping: list[str], asked: Sequence[Asked]) -> object:
    question = canonical_question(DECLARED, grouping, asked, [])
    if not release.groups[DECLARED.planned.index(DECLARED.positions(grouping))]:
        return None
    numbers = {family: truth(release, family) for family in families_of(DECLARED, question)}
    told = answer(DECLARED, release, question, numbers)
    return told.keys, told.numbers


def a_table(chance: random.Random) -> list[tuple[str, int]]:
    bands = [(chance.choice("ab"), chance.randrange(0, 1_000, 200)) for _ in range(chance.randint(3, 8))]
    return [
        (region, start + chance.randint(1, 199)) for region, start in bands for _ in range(chance.randint(8, 14))
    ]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_is_subtracted_no_value_within_its_band_changes_an_answer(chance: random.Random):
    """Each value could be any other of its band, each of all persons at once, so that no set of answers tells it."""
    table = a_table(chance)
    elsewhere = [(region, value // 200 * 200 + chance.randrange(200)) for region, value in table]
    assert counts_and_quantiles(table) == counts_and_quantiles(elsewhere)


@settings(max_examples=2, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_person_more_or_less_changes_no_quantile_where_it_changes_no_count(chance: random.Random):
    """The attack by two tables that differ in one person, by brute force over all persons."""
    table = a_table(chance)
    counts, quantiles = counts_and_quantiles(table)
    for number in range(0, len(table), 3):
        other_counts, other_quantiles = counts_and_quantiles(table[:number] + table[number + 1 :])
        if other_counts == counts:
            assert other_quantiles == quantiles


def counts_and_quantiles(table: Sequence[tuple[str, int]]) -> tuple[object, object]:
    # Sums would tell that values are other ones, and decide by dominance which groups are told: all weigh alike here.
    return told_of([replace(one, values=(500,)) for one in people(table)])


def test_a_quantile_among_few_is_not_told():
    """Nine persons are fewer than are told of: neither their band, nor both others, nor what may lie there."""
    values = [100] * 20 + [500] * 9 + [900] * 20
    release = tabulation.released(DECLARED, tabulated(people([("a", value) for value in values])))[Level.GROUPED]
    assert [group.key for group in release.groups[2]] == [("<200",)]
    percents = [Asked(Function.QUANTILE, "spent", percent) for percent in (10, 50, 90)]
    assert numbers_of(release, [], percents) == (((),), ((50, None, None),))  # the 5th of 20 who spend less than 200


@ONE_DATABASE
async def test_medians_are_asked_over_http(desk: Desk):
    chance, rows = random.Random(5), list[list[str]]()
    for region, low in (("north", 0), ("south", 400)):
        rows += [[f"{region}{number}", region, str(low + chance.randrange(600))] for number in range(120)]
    changes: dict[str, Any] = {
        "dimensions": [
            {"column": "region"}, {"column": "spent", "generalisation": "bands", "starts": list(range(100, 1000, 100))},
        ],
        "groupings": [["region"], ["spent"], ["region", "spent"]],
    }  # fmt: skip
    content = csv_of(["person", "region", "spent"], rows)
    buyer, entitlement_id, _, _ = await cubed(desk, content, **changes)
    wanted = [{"function": "quantile", "column": "spent", "percent": percent} for percent in (90, 50)]
    told = (await ask(desk, buyer, entitlement_id, ["region"], [*wanted, {"function": "count"}])).json()
    assert [(one["function"], one["percent"], one["decimals"], one["rounded_to"]) for one in told["columns"]] == [
        ("count", None, 0, 5), ("quantile", 50, 0, 1), ("quantile", 90, 0, 1),
    ]  # fmt: skip
    for group in told["groups"]:
        truth = sorted(int(spent) for _, region, spent in rows if region == group["key"][0])
        _, middle, upper = group["numbers"]
        assert abs(middle - median(truth)) < 100 and abs(upper - truth[107]) < 100
    refused = await ask(desk, buyer, entitlement_id, ["spent"], wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, "query_rejected")


@ONE_DATABASE
async def test_from_g4_on_a_quantile_pays_for_both_counts(desk: Desk):
    pytest.importorskip("opendp")
    rows = [[f"p{number}", "north", str(number * 7 % 1000)] for number in range(400)]
    changes: dict[str, Any] = {
        "dimensions": [
            {"column": "region"}, {"column": "spent", "generalisation": "bands", "starts": [250, 500, 750]},
        ],
        "groupings": [["spent"]],
    }  # fmt: skip
    content = csv_of(["person", "region", "spent"], rows)
    buyer, entitlement_id, _, _ = await cubed(desk, content, G4, clearance="C4", **changes)
    wanted = [{"function": "quantile", "column": "spent", "percent": 50}]
    told = (await ask(desk, buyer, entitlement_id, (), wanted)).json()
    assert told["epsilon_micro_charged"] == told["certificate"]["epsilon_micro"] == 1_000_000
    assert len(told["certificate"]["noise_scales"]) == 2
    [[value]] = [group["numbers"] for group in told["groups"]]
    assert value is None or 0 <= value <= 1_000
