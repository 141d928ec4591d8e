"""Files for the tests: real airports, persons that Faker made up, and whatever bytes a test wants."""

import csv
import functools
import importlib
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import airportsdata
from faker import Faker

from services.delivery.inspector.messages import Inspect, Source
from services.delivery.rules.upload import SUFFIX, MediaType

pyarrow: Any = importlib.import_module("pyarrow")
parquet: Any = importlib.import_module("pyarrow.parquet")
encryption: Any = importlib.import_module("pyarrow.parquet.encryption")

SEED = 7
TODAY = date(2026, 11, 26)


@functools.cache
def airports() -> bytes:
    """Some 28 000 airports: names of places, coordinates, no person."""
    rows = list(airportsdata.load().values())
    return csv_of(list(rows[0]), [[str(value) for value in row.values()] for row in rows])


@functools.cache
def persons(count: int = 500) -> bytes:
    faker = Faker("zh_CN")
    faker.seed_instance(20260901)
    rows = [[faker.name(), faker.ssn(), faker.phone_number(), faker.address()] for _ in range(count)]
    return csv_of(["姓名", "身份证号", "手机号", "地址"], rows)


def csv_of(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()


def parquet_of(columns: dict[str, list[Any]], **options: Any) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer, **options)
    return buffer.getvalue()


def source(
    folder: Path, content: bytes, media_type: MediaType = MediaType.CSV, *, declared: int | None = None
) -> Source:
    path = folder / f"source.{SUFFIX[media_type]}"
    path.write_bytes(content)
    return Source(str(path), media_type, len(content) if declared is None else declared, str(folder), SEED)


def inspection_of(source: Source) -> Inspect:
    return Inspect(source, TODAY)


PLACES = csv_of(["city", "lat"], [[f"city {n}", "40.123456"] for n in range(1000)])
LARGE = csv_of(["n", "text"], [[str(n), "x" * 500] for n in range(10_000)])  # five chunks
