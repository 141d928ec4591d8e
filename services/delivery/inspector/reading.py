"""A file read into DuckDB: checked first, then a view named `source` in a database of its own.

Promises: what is not plain columns with a row in it is refused before DuckDB sees it, when its bytes come for the first
time; the database reads and writes only in the job's folder and beside the file, and loads no extension.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from services.delivery.inspector import magic
from services.delivery.inspector.messages import Refusal, Source
from services.delivery.inspector.progress import Tell
from services.delivery.rules.masking import literal
from services.delivery.rules.upload import MediaType, Reason

MEMORY_LIMIT = "640MB"
TYPES = {
    "BIGINT": "integer", "INTEGER": "integer", "SMALLINT": "integer", "TINYINT": "integer", "HUGEINT": "integer",
    "UBIGINT": "integer", "UINTEGER": "integer", "USMALLINT": "integer", "UTINYINT": "integer", "DOUBLE": "decimal",
    "FLOAT": "decimal", "BOOLEAN": "boolean", "DATE": "date", "VARCHAR": "text", "BLOB": "binary", "TIME": "time",
    "UUID": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """A file as Parquet. `types` are those of a text table's values, which are all text in the columns."""

    path: str
    rows: int
    bytes: int  # of all rows, decoded
    types: Mapping[str, str]


Check = Callable[[Source, Tell], Columns]


@dataclass(frozen=True, slots=True)
class Table:
    """A checked file under the name `source` in a database of its own."""

    database: duckdb.DuckDBPyConnection
    names: tuple[str, ...]
    rows: int
    bytes: int  # of all rows, decoded
    types: dict[str, str]  # those that the format itself gives
    columns: dict[str, str]  # the database's own types


@contextmanager
def opened(source: Source, check: Check | None, tell: Tell) -> Generator[Table]:
    """The file as a table. Raises Refusal for one that is not taken.

    Requires a check (`columns.checked`), unless it is Parquet that was found to be what it says before.
    """
    magic.check(source)
    columns = check(source, tell) if check else None
    with duckdb.connect(":memory:", config=_settings(source.folder)) as database:
        database.execute("SET allowed_directories = [$1, $2]", [source.folder, os.path.dirname(source.path)])
        database.execute("SET enable_progress_bar = false")  # it would be drawn into the child's answer
        for setting in ("enable_external_access = false", "lock_configuration = true"):
            database.execute(f"SET {setting}")
        columns = columns or _told_by_footer(database, source)
        if columns.rows == 0:
            raise Refusal(Reason.NO_ROWS)
        database.execute(f"CREATE VIEW source AS SELECT * FROM read_parquet({literal(columns.path)})")
        described = database.execute("DESCRIBE source").fetchall()
        native = {name: _type_name(kind) for name, kind, *_ in described}
        types = native if source.media_type is MediaType.PARQUET else dict(columns.types)
        kinds = {name: str(kind) for name, kind, *_ in described}
        yield Table(database, tuple(native), columns.rows, columns.bytes, types, kinds)


def draw(table: Table, into: str, what: str, rows: int, seed: int) -> None:
    """Rows drawn at random into a table of that name; the same ones for the same seed."""
    drawn = f"SELECT {what} FROM source USING SAMPLE reservoir({rows} ROWS) REPEATABLE ({seed % 2**31})"
    table.database.execute(f"CREATE TEMP TABLE {into} AS {drawn}")


def _told_by_footer(database: duckdb.DuckDBPyConnection, source: Source) -> Columns:
    path = literal(source.path)
    counted = f"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({path})"
    weighed = f"SELECT coalesce(sum(total_uncompressed_size), 0)::BIGINT FROM parquet_metadata({path})"
    [(rows, decoded_bytes)] = database.execute(f"SELECT ({counted}), ({weighed})").fetchall()
    return Columns(source.path, rows, decoded_bytes, {})


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


def _type_name(kind: object) -> str:
    name = str(kind)
    if name.startswith("TIMESTAMP"):
        return "timestamp"
    return "decimal" if name.startswith("DECIMAL") else TYPES.get(name, "text")
