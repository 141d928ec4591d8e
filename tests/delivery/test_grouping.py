"""Rows that too few resemble, and the measures of risk: beside a stupid reading of the same rows."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.inspector.messages import Care, Desensitise, Measure, Measured, Rendition
from services.delivery.inspector.work import perform
from services.delivery.rules.effect import Cut
from services.delivery.rules.masking import Mask
from services.delivery.rules.upload import MediaType
from tests.delivery import naive_risk
from tests.delivery.made_files import csv_of, parquet, parquet_of, source

NAMES = ("birth", "sex", "address", "illness")
QUASI = ("birth", "sex", "address")
MASKS = {"birth": Mask.KEEP_YEAR, "address": Mask.KEEP_DISTRICT}
Rows = Sequence[Mapping[str, str | None]]

births = st.sampled_from([None, "1987-06-05", "1988-01-31", "1991-12-01", "2003-07-07", "unknown"])
addresses = st.sampled_from(
    [None, "北京市朝阳区建国路1号", "北京市海淀区中关村大街2号", "广东省深圳市南山区", "nowhere"]
)
tables = st.lists(
    st.tuples(births, st.sampled_from(["男", "女", None]), addresses, st.sampled_from(["流感", "骨折", None])),
    min_size=1, max_size=40,
)  # fmt: skip


def cut(
    folder: Path, content: bytes, k: int, masks: dict[str, Mask] = MASKS, quasi: Sequence[str] = QUASI
) -> tuple[Rows, Cut]:  # fmt: skip
    output = folder / "written"
    answer = perform(Desensitise(source(folder, content), masks, str(output), Care(k, list(quasi))))
    assert isinstance(answer, Rendition), answer
    rows = csv.DictReader(io.StringIO(output.read_text()))
    return [{name: row[name] or None for name in rows.fieldnames or ()} for row in rows], answer.cut


def measured(folder: Path, content: bytes, quasi: Sequence[str], sensitive: Sequence[str] = ()) -> Measured:
    answer = perform(Measure(source(folder, content), list(quasi), list(sensitive), list(NAMES)))
    assert isinstance(answer, Measured), answer
    return answer


def content_of(table: Sequence[Sequence[str | None]]) -> bytes:
    return csv_of(NAMES, [[cell or "" for cell in row] for row in table])


def rows_of(table: Sequence[Sequence[str | None]]) -> Rows:
    return [dict(zip(NAMES, row, strict=True)) for row in table]


@settings(max_examples=30, deadline=None)
@given(tables, st.integers(2, 6))
def test_every_row_has_the_company_that_it_needs(table: Sequence[Sequence[str | None]], k: int):
    with TemporaryDirectory() as folder:
        shown, told = cut(Path(folder), content_of(table), k)
        untouched, _ = cut(Path(folder), content_of(table), 1)
    sizes = Counter(tuple(row[name] for name in QUASI) for row in shown)
    assert min(sizes.values()) >= min(k, len(table))
    # Nothing else changed: not the rows' number, their order, or what is no quasi-identifier.
    assert [row["illness"] for row in shown] == [row[3] for row in table]
    assert told.generalised_rows + told.suppressed_rows >= sum(a != b for a, b in zip(shown, untouched, strict=True))
    hidden = [row for row in shown if (row["birth"], row["sex"], row["address"]) == ("***", None, "***")]
    assert told.suppressed_rows <= len(hidden)


@settings(max_examples=30, deadline=None)
@given(tables, st.integers(2, 6))
def test_who_has_company_by_the_masks_alone_is_left_alone_unless_somebody_needs_it(
    table: Sequence[Sequence[str | None]], k: int
):
    with TemporaryDirectory() as folder:
        shown, told = cut(Path(folder), content_of(table), k)
        untouched, _ = cut(Path(folder), content_of(table), 1)
    sizes = Counter(tuple(row[name] for name in QUASI) for row in untouched)
    if all(size >= k for size in sizes.values()):
        assert shown == untouched and told == Cut(0, 0)
    lonely = sum(size for size in sizes.values() if size < k)
    if lonely >= k:
        assert told.generalised_rows + told.suppressed_rows == lonely


@settings(max_examples=30, deadline=None)
@given(tables, st.sampled_from([(), ("sex",), QUASI]), st.sampled_from([(), ("illness",), ("illness", "birth")]))
def test_the_risk_is_that_of_the_definitions(
    table: Sequence[Sequence[str | None]], quasi: Sequence[str], sensitive: Sequence[str]
):
    with TemporaryDirectory() as folder:
        found = measured(Path(folder), content_of(table), quasi, sensitive)
    rows = rows_of(table)
    assert found.groups == naive_risk.groups(rows, quasi, sensitive)
    assert found.distinct == {name: len({row[name] for row in rows} - {None}) for name in NAMES}


def people(*groups: tuple[int, str, str]) -> bytes:
    """So many women at a birth date and an address, for each group."""
    return csv_of(NAMES, [[birth, "女", place, "x"] for count, birth, place in groups for _ in range(count)])


CHAOYANG, HAIDIAN, SHENZHEN = "北京市朝阳区建国路1号", "北京市海淀区学院路2号", "广东省深圳市福田区"


@pytest.mark.parametrize("groups, generalised, suppressed, shown", [
    ([(5, "1987-06-05", CHAOYANG)],                                   0, 0, {("1987", "女", "北京市朝阳区***"): 5}),
    ([(3, "1987-06-05", CHAOYANG), (2, "1988-01-01", HAIDIAN)],       5, 0, {("1980s", "女", "北京市***"): 5}),
    ([(5, "1987-06-05", CHAOYANG), (4, "1987-01-01", SHENZHEN), (1, "2003-01-01", SHENZHEN)],
     0, 5, {("1987", "女", "北京市朝阳区***"): 5, ("***", None, "***"): 5}),
    ([(5, "1987-06-05", CHAOYANG), (1, "2003-01-01", SHENZHEN)],      0, 6, {("***", None, "***"): 6}),
    ([(4, "1987-06-05", CHAOYANG)],                                   0, 4, {("***", None, "***"): 4}),
])  # fmt: skip
def test_worked_tables(
    tmp_path: Path, groups: list[tuple[int, str, str]], generalised: int, suppressed: int,
    shown: dict[tuple[str, str, str], int],
):  # fmt: skip
    rows, told = cut(tmp_path, people(*groups), 5)
    assert told == Cut(generalised, suppressed)
    assert Counter(tuple(row[name] for name in QUASI) for row in rows) == shown


def test_the_order_of_many_rows_is_kept_when_some_are_cut(tmp_path: Path):
    table = [[str(n), "女" if n % 7 else "男", f"{n % 997}"] for n in range(20_000)]
    rows, told = cut(tmp_path, csv_of(["n", "sex", "postcode"], table), 5, {}, ["sex", "postcode"])
    assert [row["n"] for row in rows] == [row[0] for row in table] and told.suppressed_rows > 0


def test_a_typed_column_keeps_its_type_when_cells_are_cut(tmp_path: Path):
    content = parquet_of({"age": [30] * 5 + [31], "sex": ["f"] * 6, "income": [1, 2, 3, 4, 5, 6]})
    output = tmp_path / "written"
    job = Desensitise(source(tmp_path, content, MediaType.PARQUET), {}, str(output), Care(5, ["age", "sex"]))
    assert isinstance(perform(job), Rendition)
    table = parquet.read_table(output)
    assert table.to_pydict() == {"age": [None] * 6, "sex": [None] * 6, "income": [1, 2, 3, 4, 5, 6]}
    assert [str(kind) for kind in table.schema.types] == ["int64", "string", "int64"]
