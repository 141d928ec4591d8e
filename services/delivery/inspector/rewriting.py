"""A table written out again, with masks: a few of its rows as a sample, or all of it in the format that it came in.

Promises: columns are masked by DuckDB, and a value is cut or guarded only after its mask.
"""

import hashlib
from pathlib import Path

from services.delivery.inspector.messages import Desensitise, Rendition, SampleRows, TakeSample
from services.delivery.inspector.reading import Table, draw
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
