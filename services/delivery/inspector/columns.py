"""Columns on disk: text tables written as Parquet, and a provider's Parquet checked by decoding all of it.

Promises: memory stays at one batch; a Parquet file's own numbers are believed only to refuse it earlier; what decodes
to far more than it weighs is refused before it is all decoded.
The only file that calls pyarrow, which has no types of its own: hence `Any`.
"""

import importlib
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

from services.delivery.inspector.messages import Refusal, Source
from services.delivery.inspector.progress import READING, Tell
from services.delivery.inspector.reading import Columns
from services.delivery.inspector.text_tables import COLUMNS_MAX, Row, TextTable, check_names, open_table
from services.delivery.rules.upload import MediaType, Reason

pyarrow: Any = importlib.import_module("pyarrow")
parquet: Any = importlib.import_module("pyarrow.parquet")
encryption: Any = importlib.import_module("pyarrow.parquet.encryption")

BATCH_ROWS = 8_192
ROW_GROUPS_MAX = 10_000
DECODED_RATIO_MAX = 200
DECODED_BYTES_FREE = 64 * 2**20  # so much is no bomb at any ratio: a constant column packs very well
DECODED_BYTES_MAX = 8 * 2**30
# Brotli is left out on purpose: its decoder in DuckDB 2.0 is unsafe (CVE-2026-111497).
COMPRESSIONS = frozenset({"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4", "LZ4_RAW"})


def checked(source: Source, tell: Tell) -> Columns:
    """The file in columns, all of it read. Raises Refusal for all that is not plain columns."""
    if source.media_type is MediaType.PARQUET:
        return Columns(source.path, *check_parquet(source, tell), {})
    text, path = open_table(source, tell), os.path.join(source.folder, "columns.parquet")
    return Columns(path, write_text_columns(text, path, tell), source.bytes, text.json_types)


def write_text_columns(table: TextTable, path: str, tell: Tell) -> int:
    """Every cell as text, in the table's order; the number of rows."""
    schema = pyarrow.schema([(name, pyarrow.string()) for name in table.names])
    rows, count = table.rows(tell), 0
    with parquet.ParquetWriter(path, schema, compression="snappy") as writer:
        while batch := list(islice(rows, BATCH_ROWS)):
            writer.write_batch(pyarrow.record_batch(_columns(batch, len(table.names)), schema=schema))
            count += len(batch)
    return count


def check_parquet(source: Source, tell: Tell) -> tuple[int, int]:
    """Decode all of the file; how many rows and bytes that makes. Raises Refusal for all that is not plain columns."""
    try:
        file = parquet.ParquetFile(source.path, page_checksum_verification=True)
        metadata = file.metadata
        _refuse_encrypted(source.path)
        _refuse_nested(metadata)
        _check_footer(metadata, file.schema_arrow, source.bytes)
        rows, decoded_bytes = _decode(file, source.bytes, tell)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise Refusal(_arrow_reason(error)) from error
    if rows != metadata.num_rows:
        raise Refusal(Reason.FORGED_METADATA)
    return rows, decoded_bytes


def _columns(batch: list[Row], width: int) -> list[Any]:
    return [pyarrow.array([row[index] for row in batch], pyarrow.string()) for index in range(width)]


def _refuse_encrypted(path: str) -> None:
    # A file may hide some of its columns behind a footer that can be read, and to ask for those ends the process. Who
    # comes with a key is told that there is nothing to decrypt, unless there is; `test_bad_files` holds the words.
    try:
        parquet.ParquetFile(path, decryption_properties=encryption.create_decryption_properties(bytes(16)))
    except (pyarrow.ArrowException, OSError) as error:
        if "plaintext file" in str(error):
            return
    raise Refusal(Reason.ENCRYPTED)


def _refuse_nested(metadata: Any) -> None:
    # By the file's own schema: Arrow's is made by going down every level of it.
    leaves = (metadata.schema.column(number) for number in range(min(metadata.num_columns, COLUMNS_MAX)))
    if any(leaf.path != leaf.name or leaf.max_repetition_level for leaf in leaves):
        raise Refusal(Reason.NESTED_COLUMN)


def _check_footer(metadata: Any, schema: Any, file_bytes: int) -> None:
    check_names(schema.names)
    if metadata.num_row_groups > ROW_GROUPS_MAX:
        raise Refusal(Reason.BOMB)
    for chunk in _chunks(metadata):
        if chunk.compression not in COMPRESSIONS:
            raise Refusal(Reason.UNSUPPORTED_COMPRESSION)
    if sum(chunk.total_uncompressed_size for chunk in _chunks(metadata)) > _decoded_bytes_max(file_bytes):
        raise Refusal(Reason.BOMB)
    if sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)) != metadata.num_rows:
        raise Refusal(Reason.FORGED_METADATA)
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if any(metadata.row_group(group).column(column).num_values != rows for column in range(metadata.num_columns)):
            raise Refusal(Reason.FORGED_METADATA)


def _chunks(metadata: Any) -> Iterator[Any]:
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            yield metadata.row_group(group).column(column)


def _decode(file: Any, file_bytes: int, tell: Tell) -> tuple[int, int]:
    rows = decoded_bytes = 0
    for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
        batch.validate(full=True)
        rows += batch.num_rows
        tell(READING, rows * 100 // max(file.metadata.num_rows, 1))
        decoded_bytes += batch.nbytes
        if decoded_bytes > _decoded_bytes_max(file_bytes):
            raise Refusal(Reason.BOMB)
    return rows, decoded_bytes


def _decoded_bytes_max(file_bytes: int) -> int:
    return min(max(file_bytes * DECODED_RATIO_MAX, DECODED_BYTES_FREE), DECODED_BYTES_MAX)


def _arrow_reason(error: Exception) -> Reason:
    if isinstance(error, pyarrow.ArrowMemoryError):
        return Reason.BOMB
    told = str(error).lower()
    if "deeply nested" in told:
        return Reason.NESTED_COLUMN
    return Reason.ENCRYPTED if "encrypt" in told else Reason.MALFORMED
