"""Queries over a content: from its copy in columns, beside from the text that it came as, each in a real child."""

import asyncio
import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

from bench.measure import SHORT, Figure, in_turns, percentile
from services.delivery.inspector.messages import QueryRows, RunQuery, Source, WriteColumns
from services.delivery.rules.upload import MediaType
from services.delivery.sandbox import Sandbox

ROWS = 200_000
ROUNDS = 2 if SHORT else 9
SQL = 'SELECT "shop", SUM("amount") FROM "data" GROUP BY "shop" ORDER BY "shop" LIMIT 10'


def measure(folder: Path) -> Iterator[Figure]:
    text = _source(folder / "sales.csv", MediaType.CSV, _sales())
    copy = folder / "sales.parquet"
    asyncio.run(Sandbox().run(WriteColumns(text, str(copy))))
    columns = _source(copy, MediaType.PARQUET, copy.read_bytes())
    turns = in_turns({"columns": lambda: _ask(columns), "text": lambda: _ask(text)}, ROUNDS)
    took = turns.seconds["columns"]
    yield Figure("query_p50_seconds", percentile(took, 0.5), 0.5, "at_most", {"columns": took})
    ratio = turns.ratio("columns", "text")
    yield Figure("query_columns_per_text", ratio, 0.5, "at_most", turns.seconds)


def _ask(source: Source) -> None:
    answer = asyncio.run(Sandbox().run(RunQuery(source, SQL, ["shop", "amount"], {}, 10, 10_000)))
    assert isinstance(answer, QueryRows) and len(answer.rows) == 10, answer


def _source(path: Path, media_type: MediaType, content: bytes) -> Source:
    path.write_bytes(content)
    return Source(str(path), media_type, len(content), str(path.parent), seed=7)


def _sales() -> bytes:
    chosen, text = random.Random(20261126), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "shop", "amount", "day", "note"])
    for number in range(ROWS):
        day = f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        writer.writerow([number, f"shop {number % 500}", f"{chosen.random() * 1000:.2f}", day, "x" * 30])
    return text.getvalue().encode()
