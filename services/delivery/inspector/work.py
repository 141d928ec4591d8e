"""What the inspector does with a file: profile it, take a sample of it, or write it masked.

Promises: the answer is a value, whatever the file: no exception of a parser leaves; columns are masked by DuckDB.
Requires: a process that may be lost (see `limits.py`); in the service itself only for files of our own making.
"""

import hashlib
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb

from services.delivery.inspector import magic
from services.delivery.inspector.columns import check_parquet, write_text_columns
from services.delivery.inspector.messages import (
    Answer,
    Desensitise,
    Field,
    Inspect,
    Job,
    Profile,
    Refusal,
    Refused,
    Rendition,
    SampleRows,
    Source,
    TakeSample,
)
from services.delivery.inspector.recognisers import Recogniser, recognisers_for
from services.delivery.inspector.text_tables import open_table
from services.delivery.rules.detection import Count, Evidence, Kind
from services.delivery.rules.masking import Mask, expression, guarded, guarded_name, literal, quoted
from services.delivery.rules.upload import MediaType, Reason

MEMORY_LIMIT = "640MB"
SAMPLE_ROWS = 50_000
SAMPLE_BYTES = 128 * 2**20  # rows may be wide, and the sample is held in memory
SAMPLE_CELLS = 5_000_000  # for DuckDB makes room for all of them beforehand
COLUMNS_TOGETHER = 50
VALUES_TOGETHER = 1_000_000  # whose hashes are held in memory
PROVED_MAX = 2_000  # distinct candidates whose check digit is computed, for each kind in a column
CELL_SHOWN_CHARACTERS = 200

TYPES = {
    "BIGINT": "integer", "INTEGER": "integer", "SMALLINT": "integer", "TINYINT": "integer", "HUGEINT": "integer",
    "UBIGINT": "integer", "UINTEGER": "integer", "USMALLINT": "integer", "UTINYINT": "integer", "DOUBLE": "decimal",
    "FLOAT": "decimal", "BOOLEAN": "boolean", "DATE": "date", "VARCHAR": "text", "BLOB": "binary", "TIME": "time",
    "UUID": "text",
}  # fmt: skip
# What text may be, narrowest first: every value that is there must fit.
TEXT_TYPES = (
    ("integer", r"^(0|-?[1-9]\d{0,17})$"),
    ("decimal", r"^-?(0|[1-9]\d{0,17})(\.\d{1,18})?$"),
    ("boolean", r"^(?i:true|false)$"),
    ("date", r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
    ("timestamp", r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A checked file under the name `source` in a database of its own."""

    database: duckdb.DuckDBPyConnection
    names: tuple[str, ...]
    rows: int
    bytes: int  # of all rows, decoded
    types: dict[str, str]  # those that the format itself gives


def perform(job: Job) -> Answer:
    """The answer to a job. A file that breaks the tools is refused like any other that is not taken."""
    try:
        with _table(job.source) as table:
            match job:
                case Inspect():
                    return _profile(table, job.source.seed)
                case TakeSample():
                    return _sample(table, job)
                case Desensitise():
                    return _desensitise(table, job)
    except Refusal as refusal:
        return refusal.refused
    except (duckdb.Error, MemoryError, RecursionError, OSError):
        return Refused(Reason.INSPECTION_LIMIT)


@contextmanager
def _table(source: Source) -> Generator[Table]:
    magic.check(source)
    if source.media_type is MediaType.PARQUET:
        path, types = source.path, dict[str, str]()
        rows, table_bytes = check_parquet(source)
    else:
        text, table_bytes = open_table(source), source.bytes
        path, types = os.path.join(source.folder, "columns.parquet"), text.json_types
        rows = write_text_columns(text, path)
    if rows == 0:
        raise Refusal(Reason.NO_ROWS)
    with duckdb.connect(":memory:", config=_settings(source.folder)) as database:
        database.execute("SET allowed_directories = [$1, $2]", [source.folder, os.path.dirname(source.path)])
        for setting in ("enable_external_access = false", "lock_configuration = true"):
            database.execute(f"SET {setting}")
        database.execute(f"CREATE VIEW source AS SELECT * FROM read_parquet({literal(path)})")
        described = database.execute("DESCRIBE source").fetchall()
        native = {name: _type_name(kind) for name, kind, *_ in described}
        types = native if source.media_type is MediaType.PARQUET else types
        yield Table(database, tuple(native), rows, table_bytes, types)


def _settings(folder: str) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": 1,
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": folder,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "preserve_insertion_order": True,
    }


def _profile(table: Table, seed: int) -> Profile:
    texts = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in table.names)
    fitting = max(SAMPLE_BYTES * table.rows // max(table.bytes, 1), 1)
    _draw(table.database, "sampled", texts, min(fitting, SAMPLE_ROWS, SAMPLE_CELLS // len(table.names)), seed)
    together = max(min(COLUMNS_TOGETHER, VALUES_TOGETHER // table.rows), 1)
    parts = [table.names[start : start + together] for start in range(0, len(table.names), together)]
    return Profile(table.rows, [field for names in parts for field in _fields(table, names)])


def _fields(table: Table, names: tuple[str, ...]) -> Iterator[Field]:
    """The columns of these names, looked at together: a query costs much more than a column in it."""
    recognisers = {name: recognisers_for(name) for name in names}
    candidates = {
        name: {kind: one.candidate(quoted(name)) for kind, one in recognisers[name].items()} for name in names
    }
    counted = _aggregates(table.database, "source", {name: _counts(quoted(name)) for name in names})
    sampled = _aggregates(table.database, "sampled", {name: _hits(quoted(name), candidates[name]) for name in names})
    for name in names:
        (present, distinct, *fitting), (size, *found) = counted[name], sampled[name]
        guessed = next((kind for (kind, _), count in zip(TEXT_TYPES, fitting, strict=True) if count == present), "text")
        kind = table.types.get(name) or (guessed if present else "text")
        hits = zip(recognisers[name].items(), found, strict=True)
        evidence = {
            kind: _proved(table.database, one, candidates[name][kind], count) for (kind, one), count in hits if count
        }
        yield Field(name, kind, table.rows - present, distinct, Evidence(name, size, evidence))


def _counts(column: str) -> list[str]:
    text = f"CAST({column} AS VARCHAR)"
    # Of what is there: DuckDB gives nothing a hash of its own.
    distinct = f"count(DISTINCT CASE WHEN {column} IS NOT NULL THEN hash({column}) END)"
    fits = (f"count_if(regexp_matches({text}, {literal(shape)}))" for _, shape in TEXT_TYPES)
    return [f"count({column})", distinct, *fits]


def _hits(column: str, candidates: Mapping[Kind, str]) -> list[str]:
    return [f"count({column})", *(f"count_if({candidate} <> '')" for candidate in candidates.values())]


def _aggregates(
    database: duckdb.DuckDBPyConnection, table: str, wanted: Mapping[str, list[str]]
) -> dict[str, list[int]]:
    """For each name, what its expressions come to over the table."""
    query = ", ".join(expression for expressions in wanted.values() for expression in expressions)
    found = iter(database.execute(f"SELECT {query} FROM {table}").fetchall()[0])
    return {name: list(islice(found, len(expressions))) for name, expressions in wanted.items()}


def _proved(database: duckdb.DuckDBPyConnection, recogniser: Recogniser, candidate: str, hits: int) -> Count:
    if recogniser.proof is None:
        return Count(hits)
    query = (
        f"SELECT DISTINCT {candidate} AS found FROM sampled WHERE {candidate} <> '' ORDER BY hash(found), found LIMIT"
    )
    found = [text for (text,) in database.execute(f"{query} {PROVED_MAX}").fetchall()]
    return Count(hits, len(found), sum(map(recogniser.proof, found)))


def _sample(table: Table, job: TakeSample) -> SampleRows:
    _draw(table.database, "drawn", "*", job.rows_max, job.source.seed)
    # Cut after the mask, because a cut value might no longer look like its kind.
    texts = ", ".join(f"left(CAST({quoted(name)} AS VARCHAR), {CELL_SHOWN_CHARACTERS})" for name in table.names)
    masks = ", ".join(expression(name, job.masks.get(name)) for name in table.names)
    rows = table.database.execute(f"SELECT {texts} FROM (SELECT {masks} FROM drawn)").fetchall()
    return SampleRows(list(table.names), [list(row) for row in rows])


def _draw(database: duckdb.DuckDBPyConnection, into: str, what: str, rows: int, seed: int) -> None:
    drawn = f"SELECT {what} FROM source USING SAMPLE reservoir({rows} ROWS) REPEATABLE ({seed % 2**31})"
    database.execute(f"CREATE TEMP TABLE {into} AS {drawn}")


def _desensitise(table: Table, job: Desensitise) -> Rendition:
    json_types = table.types if job.source.media_type is MediaType.JSON_LINES else {}
    columns = ", ".join(_written(name, job.masks.get(name), json_types.get(name)) for name in table.names)
    masked = f"SELECT {columns} FROM source"
    if job.source.media_type is MediaType.CSV:
        cells = ", ".join(f"{guarded(quoted(name))} AS {quoted(guarded_name(name))}" for name in table.names)
        masked = f"SELECT {cells} FROM ({masked})"
    # fmt: off
    options = {
        MediaType.CSV:        "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''",
        MediaType.JSON_LINES: "FORMAT json, ARRAY false",
        MediaType.PARQUET:    "FORMAT parquet, COMPRESSION zstd",
    }[job.source.media_type]
    # fmt: on
    table.database.execute(f"COPY ({masked}) TO {literal(job.output)} ({options})")
    with open(job.output, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Rendition(Path(job.output).stat().st_size, digest)


def _written(name: str, mask: Mask | None, json_type: str | None) -> str:
    # Numbers and truth values of JSON lines were kept as text; they go back as they were written.
    if mask is None and json_type in ("integer", "decimal", "boolean"):
        return f"CAST({quoted(name)} AS JSON) AS {quoted(name)}"
    return expression(name, mask)


def _type_name(kind: object) -> str:
    name = str(kind)
    if name.startswith("TIMESTAMP"):
        return "timestamp"
    return "decimal" if name.startswith("DECIMAL") else TYPES.get(name, "text")
