"""Hostile SQL straight to the child, past both checks: what then still stands is the closed database and the limits.

Statements are given to the real child with its second look taken out; the checks have tests of
their own in `test_dialect.py` and `test_answering.py`.
"""

import asyncio
import resource
import sys
import time
from pathlib import Path

import pytest

from services.delivery.inspector.messages import Answer, Inspect, Profile, QueryFailed, QueryRows, Refused, RunQuery
from services.delivery.rules.query import QueryReason
from services.delivery.rules.upload import MediaType, Reason
from services.delivery.sandbox import Sandbox
from tests.delivery.hostile_sql import LEAVING
from tests.delivery.made_files import TODAY, csv_of, parquet_of, source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and system call filters are those of Linux")
SHOPS = csv_of(["shop", "amount"], [[f"shop {n}", str(n)] for n in range(2_000)])
UNCHECKED = """
from services.delivery.inspector import parsed
parsed.check = lambda database, sql: None
from services.delivery.inspector.__main__ import main
main()
"""
# Many statements in one child, each in a database of its own; what each came to is told as text.
UNCHECKED_TOGETHER = """
import sys, msgspec
from services.delivery.inspector import limits, parsed, query
from services.delivery.inspector.messages import Order, QueryRows
order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
limits.take(processor_seconds=order.processor_seconds, file_bytes=order.file_bytes)
parsed.check = lambda database, sql: None
told = []
for sql in order.job.sql.split(chr(0)):
    try:
        answer = query.answer(msgspec.structs.replace(order.job, sql=sql))
    except Exception as error:
        answer = type(error).__name__
    told.append([sql, repr(answer)])
sys.stdout.buffer.write(msgspec.json.encode(QueryRows(["sql", "answer"], ["text", "text"], told, False)))
"""
# A query waits until it is told to go on; anything else is done at once.
HELD_BACK = """
import os, sys, time, msgspec
from services.delivery.inspector import work
from services.delivery.inspector.messages import Order, RunQuery
order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
while isinstance(order.job, RunQuery) and not os.path.exists("go"):
    time.sleep(0.01)
sys.stdout.buffer.write(msgspec.json.encode(work.perform(order.job)))
"""
OUTWARD = [
    "SELECT content FROM read_text('{outside}/secret')",
    "SELECT * FROM read_csv('{outside}/secret', header = false)",
    "SELECT * FROM '{outside}/secret.csv'",
    "SELECT file FROM glob('{outside}/*')",
    "COPY data TO '{outside}/stolen.csv'",
    "COPY (SELECT 1) TO '{outside}/stolen.parquet' (FORMAT parquet)",
    "EXPORT DATABASE '{outside}/stolen'",
    "ATTACH '{outside}/stolen.duckdb' AS other",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "SET enable_external_access = true; SELECT content FROM read_text('{outside}/secret')",
    "SET lock_configuration = false; SET enable_external_access = true",
    "SET allowed_directories = ['{outside}']; SELECT content FROM read_text('{outside}/secret')",
    "SET home_directory = '{outside}'; SELECT content FROM read_text('~/secret')",
    "SET temp_directory = '{outside}'",
    "SET memory_limit = '100GB'",
    "PRAGMA memory_limit = '100GB'",
    "PREPARE p AS SELECT content FROM read_text('{outside}/secret'); EXECUTE p",
    "SELECT * FROM query('SELECT content FROM read_text(''{outside}/secret'')')",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT content FROM read_text(''{outside}/secret'')'))",
    "CREATE MACRO m() AS TABLE SELECT content FROM read_text('{outside}/secret'); SELECT * FROM m()",
    "CREATE VIEW v AS SELECT content FROM read_text('{outside}/secret'); SELECT * FROM v",
    "SELECT name, value FROM duckdb_settings() WHERE value LIKE '%secret%'",
    "SELECT * FROM SHOPS", "SELECT * FROM order", "SELECT * FROM job", "SELECT * FROM database",
]  # fmt: skip
EXHAUSTING = [
    "SELECT count(*) FROM range(2000000000000) a(i) WHERE i % 7 = 3 AND sqrt(i) > 1",
    "SELECT length(repeat('a', 2000000000))",
    "SELECT len(range(1000000000))",
    "SELECT count(*) FROM data a, data b, data c, data d WHERE a.amount + b.amount = c.amount * d.amount",
    "SELECT DISTINCT a.shop || b.shop || c.shop FROM data a, data b, data c",
    "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r AS (SELECT 'a' s UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r",
    "CREATE TABLE big AS SELECT a.shop FROM data a, data b, data c",
    "SELECT repeat(shop, 1000000) FROM data",
    "SELECT i FROM range(100000000000) t(i)",
]


def job(folder: Path, sql: str) -> RunQuery:
    return RunQuery(source(folder, SHOPS), sql, ["shop", "amount"], {}, rows_max=1_000, bytes_max=100_000)


def together(folder: Path, statements: list[str]) -> RunQuery:
    few = source(folder, parquet_of({"shop": ["a", "b"], "amount": [1, 2]}), MediaType.PARQUET)
    return RunQuery(few, "\0".join(statements), ["shop", "amount"], {}, rows_max=1_000, bytes_max=100_000)


def unchecked(script: str, processor_seconds: int) -> Sandbox:
    command = (sys.executable, "-c", script)
    return Sandbox(command=command, query_processor_seconds=processor_seconds)


async def test_nothing_outside_is_read_or_written_even_past_the_checks(tmp_path: Path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    for name in ("secret", "secret.csv"):
        (outside / name).write_text("canary\n")
    statements = [text for text, _ in LEAVING[::3]] + [text.format(outside=outside) for text in OUTWARD]
    answer = await unchecked(UNCHECKED_TOGETHER, 60).run(together(folder, statements))
    assert isinstance(answer, QueryRows) and len(answer.rows) == len(statements), answer
    for sql, told in answer.rows:
        assert "canary" not in str(told) and "root:" not in str(told) and "PATH=" not in str(told), sql
    assert sorted(path.name for path in outside.iterdir()) == ["secret", "secret.csv"]
    assert sorted(path.name for path in folder.iterdir()) == ["source.parquet"]


async def test_the_closed_database_is_what_keeps_them_in(tmp_path: Path):
    (tmp_path / "secret").write_text("canary\n")
    opened = "from services.delivery.inspector import query\nquery.close = lambda database: None\n"
    statements = [OUTWARD[0].format(outside=tmp_path)]
    answer = await unchecked(opened + UNCHECKED_TOGETHER, 60).run(together(tmp_path, statements))
    assert isinstance(answer, QueryRows) and "canary" in str(answer.rows)


@pytest.mark.parametrize("sql", EXHAUSTING)
async def test_what_runs_away_is_ended_and_costs_the_service_nothing(tmp_path: Path, sql: str):
    before, began = resident_bytes(), time.monotonic()
    answer = await unchecked(UNCHECKED, 1).run(job(tmp_path, sql))
    assert ended(answer) or (isinstance(answer, QueryRows) and answer.truncated), answer
    assert time.monotonic() - began < 30 and resident_bytes() - before < 64 * 2**20


async def test_no_inspection_waits_behind_a_query(tmp_path: Path):
    sandbox = Sandbox(children_max=1, command=(sys.executable, "-c", HELD_BACK))
    query = asyncio.create_task(sandbox.run(job(tmp_path, "SELECT count(*) FROM data")))
    folder = tmp_path / "another"
    folder.mkdir()
    assert isinstance(await sandbox.run(Inspect(source(folder, SHOPS), TODAY)), Profile) and not query.done()
    (tmp_path / "go").touch()
    assert isinstance(await query, QueryRows)


def ended(answer: Answer) -> bool:
    return answer in (QueryFailed(QueryReason.LIMIT), Refused(Reason.INSPECTION_LIMIT))


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
