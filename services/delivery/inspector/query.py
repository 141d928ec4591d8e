"""One SELECT over one table, in a database that holds this table and can reach nothing else.

Promises: of the source, only the named columns are loaded, masked where they must be; before the statement runs, files,
extensions, settings and the objects of this process are closed to it, and the lock on that is closed too; the answer
is bounded; what DuckDB says of a fault stays here.
Requires: a process that may be lost (see `limits.py`), which alone ends what runs too long.
Imports little, because each query pays for it.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal

import duckdb
import msgspec

from services.delivery.inspector import magic, parsed
from services.delivery.inspector.messages import QueryFailed, QueryRows, Refusal, Refused, RunQuery
from services.delivery.inspector.parsed import NotOneSelect
from services.delivery.inspector.typed import native, typed
from services.delivery.rules.masking import expression, literal, quoted
from services.delivery.rules.query import QueryReason

MEMORY_LIMIT = "640MB"
ROWS_TOGETHER = 1_000
INTEGER_MAX = 2**53 - 1
# In the order of the profile for queries: what is opened first cannot be opened again later.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False, "autoload_known_extensions": False, "allow_community_extensions": False,
    "python_enable_replacements": False, "temp_directory": "", "memory_limit": MEMORY_LIMIT, "threads": 1,
    "preserve_insertion_order": True,
}  # fmt: skip
CLOSED = ("enable_external_access = false", "lock_configuration = true")
EXHAUSTED = (duckdb.OutOfMemoryException, duckdb.InterruptException, MemoryError, RecursionError, OSError)

Cell = bool | int | float | str | None


def answer(job: RunQuery) -> QueryRows | QueryFailed | Refused:
    """The answer to a query of a Parquet source, or our own word for why there is none."""
    try:
        for source in (job.source, *job.others):
            magic.check(source)
    except Refusal as refusal:
        return refusal.refused
    return answer_from(job, job.source.path, None)


def answer_from(job: RunQuery, path: str, text_types: Mapping[str, str] | None) -> QueryRows | QueryFailed:
    """As above, from Parquet at this path. `text_types` if its columns are all text: the types that JSON gave them."""
    try:
        with duckdb.connect(":memory:", config=SETTINGS) as database:
            load(database, job, path, text_types)
            for number, other in enumerate(job.others, 1):
                _load(database, job, other.path, None, number)
            close(database)
            return answered(database, job)
    except EXHAUSTED:
        return QueryFailed(QueryReason.LIMIT)
    except (duckdb.Error, NotOneSelect):
        return QueryFailed(QueryReason.REJECTED)


def load(database: duckdb.DuckDBPyConnection, job: RunQuery, path: str, text_types: Mapping[str, str] | None) -> None:
    """Make the table `data` of the job's columns. A column that is not there is an error."""
    _load(database, job, path, text_types, 0)


def _load(
    database: duckdb.DuckDBPyConnection, job: RunQuery, path: str, text_types: Mapping[str, str] | None, number: int
) -> None:  # fmt: skip
    database.execute(f"CREATE TEMP VIEW source AS SELECT * FROM read_parquet({literal(path)})")
    kinds = {str(name): str(kind) for name, kind, *_ in database.execute("DESCRIBE source").fetchall()}
    names = tuple(job.columns)
    if missing := set(names) - kinds.keys():
        raise duckdb.BinderException(f"{len(missing)} columns are not there")
    if text_types is None:
        values = {name: native(name, kinds[name]) for name in names}
    else:
        values = typed(database, "source", names, text_types)
    columns = [f"{values[name]} AS {quoted(name)}" for name in names]
    if job.row_number is not None:
        columns.append(f"row_number() OVER () AS {quoted(job.row_number)}")
    shown = [expression(name, job.masks.get(name)) for name in names]
    if job.source_number is not None:
        shown = [f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in names]
        shown.append(f"{number} AS {quoted(job.source_number)}")
    shown += [quoted(job.row_number)] if job.row_number is not None else []
    into = "INSERT INTO data" if number else "CREATE TABLE data AS"
    database.execute(f"{into} SELECT {', '.join(shown)} FROM (SELECT {', '.join(columns)} FROM source)")
    database.execute("DROP VIEW source")


def close(database: duckdb.DuckDBPyConnection) -> None:
    """From here on the database reads and writes nothing but itself, and cannot be told otherwise."""
    for setting in CLOSED:
        database.execute(f"SET {setting}")


def answered(database: duckdb.DuckDBPyConnection, job: RunQuery) -> QueryRows:
    """Requires that the database is closed."""
    parsed.check(database, job.sql)
    found = database.execute(job.sql)
    names, types = zip(*((name, _type_name(str(kind))) for name, kind, *_ in found.description or ()), strict=True)
    rows, told_bytes = list[list[Cell]](), 0
    for row in _rows(found):
        cells = [_cell(value) for value in row]
        told_bytes += len(msgspec.json.encode(cells)) + 1
        if len(rows) == job.rows_max or told_bytes > job.bytes_max:
            return QueryRows(list(names), list(types), rows, truncated=True)
        rows.append(cells)
    return QueryRows(list(names), list(types), rows, truncated=False)


def _rows(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    while rows := found.fetchmany(ROWS_TOGETHER):
        yield from rows


def _cell(value: object) -> Cell:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= INTEGER_MAX else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return format(value, "f")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return f"{value / timedelta(microseconds=1):.0f} us"
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _type_name(kind: str) -> str:
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    if kind.startswith("DECIMAL"):
        return "decimal"
    if "INT" in kind and not kind.startswith("INTERVAL"):
        return "integer"
    return {"DOUBLE": "double", "FLOAT": "double", "BOOLEAN": "boolean", "DATE": "date", "TIME": "time"}.get(
        kind, "text"
    )
