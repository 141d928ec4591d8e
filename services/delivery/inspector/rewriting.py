"""A table written out again: a few of its rows as a sample, or all of it, masked in the format that it came in or as
columns of what its values are.

Promises: columns are masked by DuckDB, and a value is cut or guarded only after its mask; rows keep their order; a key
is told to the database as a value, never as text of a statement.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from services.delivery.inspector.grouping import Grouping, grouped, value_of
from services.delivery.inspector.messages import (
    Care,
    Cut,
    Desensitise,
    Refusal,
    Rendition,
    SampleRows,
    TakeSample,
    WriteColumns,
)
from services.delivery.inspector.reading import Table, draw
from services.delivery.inspector.typed import typed
from services.delivery.rules.masking import KEYED, Mask, guarded, guarded_name, literal, quoted
from services.delivery.rules.remark import cleared, cleared_bytes
from services.delivery.rules.upload import MediaType, Reason

CELL_SHOWN_CHARACTERS = 200
NOTHING_CUT = Cut(0, 0)


def sample(table: Table, job: TakeSample) -> SampleRows:
    """A few rows as text, masked."""
    draw(table, "drawn", "*", job.rows_max, job.source.seed)
    grouping = _prepared(table, job.masks, job.care)
    names = _left(table, job.masks)
    # Cut after the mask, because a cut value might no longer look like its kind.
    texts = ", ".join(f"left(CAST({quoted(name)} AS VARCHAR), {CELL_SHOWN_CHARACTERS})" for name in names)
    shown = ", ".join(_shown(table, name, job.masks, job.care, grouping) for name in names)
    query = f"SELECT {texts} FROM (SELECT {shown} FROM drawn AS source{grouping.joins})"
    return SampleRows(names, [list(row) for row in table.database.execute(query).fetchall()])


def desensitise(table: Table, job: Desensitise) -> Rendition:
    """All rows, masked, at the job's output; its size and SHA-256."""
    grouping = _prepared(table, job.masks, job.care)
    names = _left(table, job.masks)
    columns = ", ".join(_shown(table, name, job.masks, job.care, grouping) for name in names)
    written = f"SELECT {columns} FROM source{grouping.joins}"
    if job.source.media_type is MediaType.CSV:
        cells = ", ".join(f"{guarded(quoted(name))} AS {quoted(guarded_name(name))}" for name in names)
        written = f"SELECT {cells} FROM ({written})"
    if job.source.media_type is MediaType.JSON_LINES:
        members = ", ',', ".join(_json_member(name, job.masks, table.types[name]) for name in names)
        written = f"SELECT concat('{{', {members}, '}}') FROM ({written})"
    # fmt: off
    options = {
        MediaType.CSV:        "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''",
        # Lines of our own making: the database's writer of JSON passes numbers through doubles. No JSON text has the
        # controls that part or quote.
        MediaType.JSON_LINES: "FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '\x02', ESCAPE '\x02'",
        MediaType.PARQUET:    "FORMAT parquet, COMPRESSION zstd",
    }[job.source.media_type]
    # fmt: on
    return _written_to(job.output, table, written, options, grouping.cut)


def write_columns(table: Table, job: WriteColumns) -> Rendition:
    """All rows as Parquet. Requires a source of text: Parquet has its types."""
    values = typed(table.database, "source", table.names, table.types)
    columns = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
    return _written_to(job.output, table, f"SELECT {columns} FROM source", "FORMAT parquet, COMPRESSION zstd")


def _written_to(output: str, table: Table, selected: str, options: str, cut: Cut = NOTHING_CUT) -> Rendition:
    table.database.execute(f"COPY ({selected}) TO {literal(output)} ({options})")
    with open(output, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Rendition(Path(output).stat().st_size, digest, cut)


def _prepared(table: Table, masks: Mapping[str, Mask], care: Care) -> Grouping:
    if secret := care.secret:
        pads = (bytes.fromhex(secret.outer_pad), bytes.fromhex(secret.inner_pad))
        for variable, value in zip(("outer_pad", "inner_pad", "shift_days"), (*pads, secret.shift_days), strict=True):
            table.database.execute(f"SET VARIABLE {variable} = $1", [value])
    elif KEYED & set(masks.values()):
        raise Refusal(Reason.INSPECTION_LIMIT)  # without its key such a mask would leave nothing: better no answer
    return grouped(table, masks, care)


def _left(table: Table, masks: Mapping[str, Mask]) -> list[str]:
    return [name for name in table.names if masks.get(name) is not Mask.DROP]


def _shown(table: Table, name: str, masks: Mapping[str, Mask], care: Care, grouping: Grouping) -> str:
    mask = masks.get(name, Mask.KEEP)
    value = grouping.shown.get(name) or value_of(name, mask)
    if mask is Mask.KEEP and care.clears_texts:
        if table.columns[name] == "VARCHAR" and _is_text(table, name):
            value = cleared(value, persons=care.persons)
        if table.columns[name] == "BLOB":
            value = cleared_bytes(value, persons=care.persons)
    return f"{value} AS {quoted(name)}"


def _is_text(table: Table, name: str) -> bool:
    # Numbers and truth values of JSON lines are texts here, and go back as they were written.
    return table.types.get(name, "text") == "text"


def _json_member(name: str, masks: Mapping[str, Mask], json_type: str) -> str:
    """The SQL of a member's text: a number or truth value that is kept, as it was written."""
    as_written = masks.get(name, Mask.KEEP) is Mask.KEEP and json_type in ("integer", "decimal", "boolean")
    value = quoted(name) if as_written else f"to_json({quoted(name)})::VARCHAR"
    return f"{literal(json.dumps(name, ensure_ascii=False) + ':')}, coalesce({value}, 'null')"
