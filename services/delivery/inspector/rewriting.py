"""A table written out again: a few of its rows as a sample, or all of it, masked in the format that it came in or as
columns of what its values are.

Promises: columns are masked by DuckDB, and a value is cut or guarded only after its mask.
"""

import hashlib
from pathlib import Path

from services.delivery.inspector.messages import Desensitise, Rendition, SampleRows, TakeSample, WriteColumns
from services.delivery.inspector.reading import Table, draw
from services.delivery.inspector.typed import typed
from services.delivery.rules.masking import Mask, expression, guarded, guarded_name, literal, quoted
from services.delivery.rules.upload import MediaType

CELL_SHOWN_CHARACTERS = 200


def sample(table: Table, job: TakeSample) -> SampleRows:
    """A few rows as text, masked."""
    draw(table, "drawn", "*", job.rows_max, job.source.seed)
    # Cut after the mask, because a cut value might no longer look like its kind.
    texts = ", ".join(f"left(CAST({quoted(name)} AS VARCHAR), {CELL_SHOWN_CHARACTERS})" for name in table.names)
    masks = ", ".join(expression(name, job.masks.get(name)) for name in table.names)
    rows = table.database.execute(f"SELECT {texts} FROM (SELECT {masks} FROM drawn)").fetchall()
    return SampleRows(list(table.names), [list(row) for row in rows])


def desensitise(table: Table, job: Desensitise) -> Rendition:
    """All rows, masked, at the job's output; its size and SHA-256."""
    json_types = table.types if job.source.media_type is MediaType.JSON_LINES else {}
    columns = ", ".join(_cell(name, job.masks.get(name), json_types.get(name)) for name in table.names)
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
    return _written_to(job.output, table, masked, options)


def write_columns(table: Table, job: WriteColumns) -> Rendition:
    """All rows as Parquet. Requires a source of text: Parquet has its types."""
    values = typed(table.database, "source", table.names, table.types)
    columns = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
    return _written_to(job.output, table, f"SELECT {columns} FROM source", "FORMAT parquet, COMPRESSION zstd")


def _written_to(output: str, table: Table, selected: str, options: str) -> Rendition:
    table.database.execute(f"COPY ({selected}) TO {literal(output)} ({options})")
    with open(output, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Rendition(Path(output).stat().st_size, digest)


def _cell(name: str, mask: Mask | None, json_type: str | None) -> str:
    # Numbers and truth values of JSON lines were kept as text; they go back as they were written.
    if mask is None and json_type in ("integer", "decimal", "boolean"):
        return f"CAST({quoted(name)} AS JSON) AS {quoted(name)}"
    return expression(name, mask)
