"""What is a cube and what is not, what is one question, and that DuckDB tabulates as the definition does."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.inspector.messages import QueryRows, RunQuery
from services.delivery.inspector.work import perform
from services.delivery.rules import cube as cube_rules
from services.delivery.rules import tabulation
from services.delivery.rules.cube import CubeRejected, Declaration, Dimension, Generalisation, Measure, Release, Told
from services.delivery.rules.cube_query import (
    Asked,
    Family,
    Filter,
    Function,
    Privacy,
    answer,
    canonical_question,
    charge,
    families_of,
    noise_scale,
    rounded,
    rounding_base,
    sensitivity,
    truth,
)
from services.delivery.rules.detection import FieldDetection
from services.delivery.rules.disclosure import Cell
from services.delivery.rules.inspection import InspectedField, Inspection
from services.delivery.rules.query import QueryRejected
from shared.kinds import Kind
from tests.delivery.made_cubes import Record, tabulated
from tests.delivery.made_files import csv_of, source

BANDS, YEAR, PREFIX, NONE = Generalisation.BANDS, Generalisation.YEAR, Generalisation.PREFIX, Generalisation.NONE
DECLARED = Declaration(
    contributor="id_no", dimensions=(Dimension("region"), Dimension("age", BANDS, (18, 65))),
    measures=(Measure("spent", 0, 1_000),), groupings=(("region",), ("age",), ("age", "region")),
    rows_per_contributor_max=1, epsilon_micro=500_000,
)  # fmt: skip
FIELDS: dict[str, tuple[str, int, list[Kind]]] = {
    "id_no": ("text", 100, [Kind.RESIDENT_ID]), "name": ("text", 90, [Kind.NAME]), "row": ("integer", 400, []),
    "region": ("text", 3, []), "age": ("integer", 80, []), "spent": ("decimal", 300, []),
    "home": ("text", 99, [Kind.ADDRESS]), "born": ("date", 95, [Kind.BIRTH_DATE]), "bought": ("date", 50, []),
    "tel": ("integer", 100, [Kind.PHONE]),
}  # fmt: skip
INSPECTED = Inspection(400, tuple(
    InspectedField(name, kind, 0, distinct, tuple(FieldDetection(name, one, True, 9, None, 400, 9) for one in found))
    for name, (kind, distinct, found) in FIELDS.items()
))  # fmt: skip
COUNT, SUM, AVERAGE = Asked(Function.COUNT), Asked(Function.SUM, "spent"), Asked(Function.AVERAGE, "spent")


def test_a_good_declaration_passes_its_review():
    cube_rules.review(DECLARED, INSPECTED)


@pytest.mark.parametrize("fault, changes", [
    ("names_somebody",        {"dimensions": (Dimension("name"),)}),
    ("names_somebody",        {"dimensions": (Dimension("name", PREFIX, (), 1),)}),
    ("names_somebody",        {"measures": (Measure("tel", 0, 1),)}),
    ("contributors_are_not_told_of", {"dimensions": (Dimension("id_no", PREFIX, (), 6),)}),
    ("finer_than_persons",    {"contributor": "row"}),
    ("too_precise",           {"dimensions": (Dimension("home"),), "groupings": ()}),
    ("too_precise",           {"dimensions": (Dimension("born", Generalisation.MONTH),), "groupings": ()}),
    ("wrong_type",            {"dimensions": (Dimension("region", YEAR),), "groupings": ()}),
    ("wrong_type",            {"dimensions": (Dimension("region", BANDS, (1,)),), "groupings": ()}),
    ("wrong_type",            {"measures": (Measure("region", 0, 1),)}),
    ("bounds_do_not_ascend",  {"measures": (Measure("spent", 5, 5),)}),
    ("bands_do_not_ascend",   {"dimensions": (Dimension("age", BANDS, (18, 18)),), "groupings": ()}),
    ("bands_do_not_ascend",   {"dimensions": (Dimension("age", BANDS),), "groupings": ()}),
    ("no_length",             {"dimensions": (Dimension("region", PREFIX),), "groupings": ()}),
    ("not_a_dimension",       {"groupings": (("spent",),)}),
    ("no_such_column",        {"groupings": (), "dimensions": (Dimension("elsewhere"),)}),
    ("declared_twice",        {"dimensions": (Dimension("age", BANDS, (18,)), Dimension("age"))}),
])  # fmt: skip
def test_what_names_somebody_or_does_not_fit_is_rejected(fault: str, changes: dict[str, Any]):
    with pytest.raises(CubeRejected) as rejected:
        cube_rules.review(replace(DECLARED, **changes), INSPECTED)
    assert rejected.value.facts["fault"] == fault


@pytest.mark.parametrize("dimension", [
    Dimension("home", PREFIX, (), 3), Dimension("born", YEAR), Dimension("bought", Generalisation.MONTH),
])  # fmt: skip
def test_what_is_coarse_enough_may_be_a_dimension(dimension: Dimension):
    cube_rules.review(replace(DECLARED, dimensions=(dimension,), groupings=()), INSPECTED)


@given(
    st.permutations(["age", "region"]), st.permutations([COUNT, SUM, AVERAGE]), st.permutations(["a", "b", "b", "c"])
)
def test_questions_that_mean_the_same_are_one(grouping: list[str], asked: list[Asked], values: list[str]):
    filters = [Filter("region", tuple(values))]
    question = canonical_question(DECLARED, grouping, [*asked, *asked], filters)
    same = canonical_question(DECLARED, ["region", "age"], [COUNT, SUM, AVERAGE], [Filter("region", ("a", "b", "c"))])
    assert question == same and question.digest == same.digest


@pytest.mark.parametrize("grouping, asked, filters", [
    (["elsewhere"],        [COUNT],                          []),
    (["region", "region"], [COUNT],                          []),
    (["spent"],            [COUNT],                          []),
    (["region"],           [],                               []),
    (["region"],           [Asked(Function.SUM)],            []),
    (["region"],           [Asked(Function.COUNT, "spent")], []),
    (["region"],           [Asked(Function.SUM, "age")],     []),
    (["region"],           [Asked(Function.SUM, '"; --')],   []),
    (["region"],           [COUNT],                          [Filter("age", ("<18",))]),
    (["region"],           [COUNT],                          [Filter("id_no", ("1",))]),
    (["region"],           [COUNT],                          [Filter("region", ("a",)), Filter("region", ("b",))]),
])  # fmt: skip
def test_what_is_no_part_of_the_declaration_is_no_question(
    grouping: list[str], asked: list[Asked], filters: list[Filter]
):
    with pytest.raises(QueryRejected):
        canonical_question(DECLARED, grouping, asked, filters)


def test_a_grouping_that_was_not_declared_is_no_question():
    with pytest.raises(QueryRejected, match="declared groupings"):
        canonical_question(replace(DECLARED, groupings=(("age", "region"),)), ["age"], [COUNT], [])


RELEASE = Release(
    ((Told((), (103, 5_049)),), (Told(("a",), (61, 3_020)), Told(("b",), (42, 2_029))), (), ()),
    (False, True, True, True),
)  # fmt: skip


def test_a_worked_answer():
    question = canonical_question(DECLARED, ["region"], [AVERAGE, SUM, COUNT], [])
    numbers = {family: truth(RELEASE, family) for family in families_of(DECLARED, question)}
    told = answer(DECLARED, RELEASE, question, numbers)
    assert told.keys == (("a",), ("b",)) and told.withheld
    # 61 and 42 in fives; 3 020 and 2 029 in hundreds; 49.51 and 48.31 in whole ones, told with two decimals.
    assert told.numbers == ((60, 3_000, 5_000), (40, 2_000, 4_800)) and told.bases == (5, 100, 100)


def test_noise_that_leaves_nobody_leaves_no_average():
    question = canonical_question(DECLARED, [], [COUNT, AVERAGE], [])
    told = answer(DECLARED, RELEASE, question, {Family(0, 0): (-3,), Family(0, 1): (50,)})
    assert told.numbers == ((-5, None),) and told.digest


def test_keys_in_any_form_of_unicode_have_a_digest():
    release = replace(RELEASE, groups=((), (Told(("e\u0301",), (20, 30)),), (), ()))
    question = canonical_question(DECLARED, ["region"], [COUNT], [Filter("region", ("e\u0301", "\u00e9"))])
    assert answer(DECLARED, release, question, {Family(1, 0): (20,)}).digest != question.digest


@pytest.mark.parametrize("values", [["c"], ["c", "d"], [""]])
def test_no_released_group_is_no_answer(values: list[str]):
    question = canonical_question(DECLARED, ["region"], [COUNT], [Filter("region", tuple(values))])
    with pytest.raises(Privacy) as refused:
        answer(DECLARED, RELEASE, question, {Family(1, 0): (61, 42)})
    assert refused.value.facts == {}


@pytest.mark.parametrize("low, high, base", [
    (0, 1, 1), (0, 10, 1), (0, 50, 5), (0, 1_000, 100), (-1_000, 1_000, 200), (0, 99_999, 5_000), (0, 10**12, 10**11),
])  # fmt: skip
def test_sums_are_told_in_steps_of_about_a_tenth_of_what_a_row_can_bring(low: int, high: int, base: int):
    assert rounding_base(Measure("spent", low, high)) == base


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**12))
def test_a_rounded_number_is_the_nearest_multiple(number: int, base: int):
    told = rounded(number, base)
    assert told % base == 0 and abs(told - number) * 2 <= base


@pytest.mark.parametrize("changes, family, most, scale", [
    ({}, Family(1, 0), 1, 2),
    ({}, Family(1, 1), 1_000, 2_000),
    ({"rows_per_contributor_max": 3, "epsilon_micro": 700_000}, Family(1, 1), 3_000, 4_286),  # rounded up
    ({"measures": (Measure("spent", -5_000, 10),)}, Family(0, 1), 5_000, 10_000),
])  # fmt: skip
def test_noise_is_as_wide_as_one_contributor_counts(changes: dict[str, Any], family: Family, most: int, scale: int):
    declared = replace(DECLARED, **changes)
    assert (sensitivity(declared, family), noise_scale(declared, family)) == (most, scale)


def test_a_group_pays_once_for_a_family_and_no_more_than_its_budget():
    families = [Family(grouping, part) for grouping in range(4) for part in range(2)]
    assert charge(frozenset(), families, 500_000) == tuple(families)
    assert charge({one.name for one in families}, families[:2], 500_000) == ()
    with pytest.raises(Privacy):
        charge({one.name for one in families}, [Family(9, 0)], 500_000)


# Rows as they are in a file, of which none, some or all count.
TEXTS = st.sampled_from(["", "a", "b", "é,\"'"])
NUMBERS = st.sampled_from(["", "-1", "0", "17", "18", "64", "65", "1000", "1001", "12.5"])


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS, NUMBERS, NUMBERS), min_size=1, max_size=60), most=st.integers(1, 3))
def test_duckdb_tabulates_as_the_definition_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], most: int
):
    declared = replace(DECLARED, rows_per_contributor_max=most)
    found = in_duckdb(tmp_path_factory.mktemp("cube"), declared, rows)
    assert [comparable(cell) for cell in found] == [comparable(cell) for cell in by_definition(rows, most)]


def test_a_cell_of_more_contributors_than_are_noted_keeps_the_largest(tmp_path: Path):
    chance = random.Random(3)
    rows = [(f"p{number:03}", "a", "20", str(chance.randint(0, 1_000))) for number in range(150)]
    [found], [defined] = in_duckdb(tmp_path, DECLARED, rows), by_definition(rows, 1)
    assert comparable(found) == comparable(defined) and len(found.contributors) == 20 < found.rows
    assert found.parts[1].others_max == min(found.parts[1].largest.values()) > 0


@pytest.mark.parametrize("names", [
    ['we"ird', "x' OR 1=1 --", "told", "data"],
    ["contributor", "k0", "v0", "place"],
    ["number", "turn", "amount", "row" + "_" * 6],
    ["人", "区域", "年龄", "{金额}"],
])  # fmt: skip
def test_no_name_of_a_column_is_taken_for_anything_else(tmp_path: Path, names: list[str]):
    who, region, age, spent = names
    declared = replace(
        DECLARED, contributor=who, dimensions=(Dimension(region), Dimension(age, BANDS, (18, 65))),
        measures=(Measure(spent, 0, 1_000),), groupings=(),
    )  # fmt: skip
    rows = [(f"p{number}", "a'b", "20", str(number)) for number in range(30)]
    [found], [defined] = in_duckdb(tmp_path, declared, rows), by_definition(rows, 1)
    assert comparable(found) == comparable(defined)


def in_duckdb(folder: Path, declared: Declaration, rows: Sequence[tuple[str, ...]]) -> tuple[Cell, ...]:
    content = csv_of(declared.columns, rows)
    job = RunQuery(
        source(folder, content), tabulation.sql(declared), list(declared.columns), {}, rows_max=5_000, bytes_max=2**20,
        row_number=tabulation.row_number(declared),
    )  # fmt: skip
    answered = perform(job)
    assert isinstance(answered, QueryRows), answered
    return tabulation.cells_of(declared, answered.rows) if answered.rows else ()


def by_definition(rows: Sequence[tuple[str, ...]], most: int) -> tuple[Cell, ...]:
    whole = [row for row in rows if all(row)]
    numbers = {name: number for number, name in enumerate(sorted({row[0] for row in whole}), start=1)}
    counted, records = dict[str, int](), list[Record]()
    for name, region, age, spent in whole:
        counted[name] = counted.get(name, 0) + 1
        if counted[name] <= most:
            years = float(age)
            band = "<18" if years < 18 else "18 to <65" if years < 65 else ">=65"
            value = int(min(max(float(spent) + (0.5 if spent == "12.5" else 0), 0), 1_000))
            records.append(Record(numbers[name], (region, band), (value,)))
    return tabulated(records)


def comparable(cell: Cell) -> object:
    """Without the numbers of contributors, which name nobody and may differ."""
    parts = [(one.total, one.magnitude, sorted(one.largest.values()), one.others_max) for one in cell.parts]
    return cell.key, cell.rows, len(cell.contributors), parts
