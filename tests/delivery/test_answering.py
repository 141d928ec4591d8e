"""One SELECT over one table, in the child: what is loaded, how values are told, and where an answer ends."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest

from services.delivery.inspector import parsed
from services.delivery.inspector.messages import Answer, QueryFailed, QueryRows, Rendition, RunQuery, WriteColumns
from services.delivery.inspector.parsed import NotOneSelect
from services.delivery.rules.masking import Mask
from services.delivery.rules.query import Construct, QueryLimit, QueryReason, QueryRejected
from services.delivery.rules.upload import MediaType
from services.delivery.sandbox import Inline, Sandbox, query
from tests.delivery.hostile_sql import LEAVING
from tests.delivery.made_files import csv_of, parquet_of, pyarrow, source

REJECTED = QueryFailed(QueryReason.REJECTED)
SALES = csv_of(["shop", "amount", "day", "phone"], [
    ["north", "1.50", "2026-01-31", "13812345678"],
    ["south", "20", "2026-02-28", "13912345678"],
    ["north", "", "2026-03-01", "13712345678"],
])  # fmt: skip


async def ask(folder: Path, sql: str, *columns: str, content: bytes = SALES, **more: Any) -> Answer:
    media_type = more.pop("media_type", MediaType.CSV)
    limits: dict[str, Any] = {"rows_max": 100, "bytes_max": 10_000, **more}
    masks: dict[str, Mask] = limits.pop("masks", {})
    return await Inline().run(RunQuery(source(folder, content, media_type), sql, list(columns), masks, **limits))


async def rows(folder: Path, sql: str, *columns: str, **more: Any) -> list[list[object]]:
    answer = await ask(folder, sql, *columns, **more)
    assert isinstance(answer, QueryRows), answer
    return [list(row) for row in answer.rows]


async def test_the_child_computes_what_it_is_asked(tmp_path: Path):
    sql = "SELECT shop, sum(amount), count(*) FROM data GROUP BY shop ORDER BY shop"
    job = RunQuery(source(tmp_path, SALES), sql, ["shop", "amount"], {}, 10, 1_000)
    found = await query(Sandbox(), job)
    assert found.rows == [["north", "1.50", 2], ["south", "20.00", 1]]
    assert found.types == ["text", "decimal", "integer"] and not found.truncated


async def test_only_the_named_columns_are_there(tmp_path: Path):
    assert await rows(tmp_path, "SELECT * FROM data", "amount") == [["1.50"], ["20.00"], [None]]
    assert await ask(tmp_path, "SELECT phone FROM data", "amount") == REJECTED
    assert await ask(tmp_path, "SELECT phone FROM source", "amount") == REJECTED
    assert await ask(tmp_path, "SELECT amount FROM data", "amount", "salary") == REJECTED


async def test_a_masked_column_is_masked_before_the_query_sees_it(tmp_path: Path):
    masks = {"phone": Mask.KEEP_ENDS}
    found = await rows(tmp_path, "SELECT max(phone), min(length(phone)) FROM data", "phone", masks=masks)
    assert found == [["139****5678", 11]]


async def test_rows_can_be_numbered_as_they_stand_in_the_file(tmp_path: Path):
    sql = 'SELECT "#", amount FROM data WHERE "#" > 1 ORDER BY "#"'
    assert await rows(tmp_path, sql, "amount", row_number="#") == [[2, "20.00"], [3, None]]


@pytest.mark.parametrize("rows_max, bytes_max, count, truncated", [
    (3, 1_000, 3, False),
    (2, 1_000, 2, True),
    (9, 25,    1, True),
    (9, 1,     0, True),
])  # fmt: skip
async def test_an_answer_ends_at_its_limits_and_says_so(
    tmp_path: Path, rows_max: int, bytes_max: int, count: int, truncated: bool
):
    answer = await ask(tmp_path, "SELECT shop, day FROM data", "shop", "day", rows_max=rows_max, bytes_max=bytes_max)
    assert isinstance(answer, QueryRows) and (len(answer.rows), answer.truncated) == (count, truncated)


@pytest.mark.parametrize("cells, kind, told", [
    (["1", "-20"],                                    "integer",   [1, -20]),
    (["9007199254740993"],                            "integer",   ["9007199254740993"]),
    (["007", "1"],                                    "text",      ["007", "1"]),
    (["1.5", "2", "0.125"],                           "decimal",   ["1.500", "2.000", "0.125"]),
    (["0.1", "0.2", "123456789012345678"],            "decimal",   ["0.1", "0.2", "123456789012345678.0"]),
    (["1e5", "2"],                                    "text",      ["1e5", "2"]),
    (["true", "FALSE"],                               "boolean",   [True, False]),
    (["2024-02-29"],                                  "date",      ["2024-02-29"]),
    (["2023-02-29", "2023-02-28"],                    "text",      ["2023-02-29", "2023-02-28"]),
    (["2024-01-01T00:00:00+08:00", "2024-01-01 00:00Z"], "timestamp", ["2023-12-31T16:00:00", "2024-01-01T00:00:00"]),
    (["王", "1"],                                     "text",      ["王", "1"]),
])  # fmt: skip
async def test_text_becomes_what_each_of_its_values_is(tmp_path: Path, cells: list[str], kind: str, told: list[object]):
    content = csv_of(["a", "b"], [[cell, "x"] for cell in cells])
    answer = await ask(tmp_path, "SELECT a FROM data", "a", content=content)
    assert isinstance(answer, QueryRows) and answer.types == [kind]
    assert [cell for [cell] in answer.rows] == told


async def test_json_text_stays_text_and_json_numbers_are_numbers(tmp_path: Path):
    content = b'{"text": "1", "whole": 1, "long": 1e300, "none": null}\n{"text": "2", "whole": 2, "long": 3}\n'
    answer = await ask(
        tmp_path,
        "SELECT * FROM data",
        "text",
        "whole",
        "long",
        "none",
        content=content,
        media_type=MediaType.JSON_LINES,
    )
    assert isinstance(answer, QueryRows) and answer.types == ["text", "integer", "double", "text"]
    assert answer.rows == [["1", 1, 1e300, None], ["2", 2, 3.0, None]]


async def test_parquet_keeps_its_own_types(tmp_path: Path):
    moment = pyarrow.array([1_700_000_000_000_000], pyarrow.timestamp("us", tz="Asia/Shanghai"))
    columns = {"since": moment, "raw": pyarrow.array([b"\xff\x00"]), "f": pyarrow.array([float("nan")])}
    content = parquet_of(columns)
    answer = await ask(
        tmp_path, "SELECT since, raw, f FROM data", "since", "raw", "f", content=content, media_type=MediaType.PARQUET
    )
    assert isinstance(answer, QueryRows) and answer.rows == [["2023-11-14T22:13:20", "ff00", "nan"]]


@pytest.mark.parametrize("sql", [
    "SELECT nothing FROM data", "SELECT", "SELECT 1; SELECT 2", "", "DROP TABLE data", "SELECT shop::INTEGER FROM data",
    "SELECT error('' || phone) FROM data",
])  # fmt: skip
async def test_what_cannot_be_computed_has_one_answer(tmp_path: Path, sql: str):
    assert await ask(tmp_path, sql, "shop", "phone") == REJECTED


async def test_the_service_is_told_by_errors(tmp_path: Path):
    job = RunQuery(source(tmp_path, SALES), "SELECT", ["shop"], {}, 10, 1_000)
    with pytest.raises(QueryRejected):
        await query(Inline(), job)
    with pytest.raises(QueryLimit):
        await query(Sandbox(seconds_max=0.01), job)


async def test_a_columnar_copy_answers_as_the_text_that_it_was_made_of(tmp_path: Path):
    output = str(tmp_path / "written.parquet")
    made = await Inline().run(WriteColumns(source(tmp_path, SALES), output))
    content = Path(output).read_bytes()
    assert made == Rendition(len(content), sha256(content).hexdigest())
    sql, columns = "SELECT * FROM data", ("shop", "amount", "day", "phone")
    copied = await ask(tmp_path, sql, *columns, content=content, media_type=MediaType.PARQUET)
    assert copied == await ask(tmp_path, sql, *columns) and isinstance(copied, QueryRows)
    assert copied.types == ["text", "decimal", "date", "integer"]


# What the child lets through: there are only the loaded columns to be named, and a name that is not one finds nothing.
HARMLESS = {Construct.COLUMN, Construct.STAR, Construct.RECURSION, Construct.TYPE, Construct.LITERAL}
PLAIN = {"SELECT current_user", "FROM data", "TABLE data", "SELECT shop ~ 'a.*' FROM data"}


@pytest.mark.parametrize("text", [text for text, kind in LEAVING if kind not in HARMLESS and text not in PLAIN])
def test_the_child_itself_refuses_what_reaches_for_more_than_its_table(text: str):
    with duckdb.connect(":memory:") as database, pytest.raises(NotOneSelect):
        parsed.check(database, text)
