"""Columns as what their values are: text tables know no numbers, and Parquet knows kinds that JSON does not.

Promises: no value is changed: a column becomes a number, a truth value or a moment only if each value that is there is
written as one, and stays text otherwise; a moment with a zone is told in UTC.
"""

from collections.abc import Mapping
from itertools import islice

import duckdb

from services.delivery.rules.masking import literal, quoted

COLUMNS_TOGETHER = 50
# What text may be, narrowest first: every value that is there must fit.
TEXT_TYPES = (
    ("integer", r"^(0|-?[1-9]\d{0,17})$"),
    ("decimal", r"^-?(0|[1-9]\d{0,17})(\.\d{1,18})?$"),
    ("boolean", r"^(?i:true|false)$"),
    ("date", r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
    ("timestamp", r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$"),
)
WHOLE_DIGITS = 18
# What a value is cast to. A plain cast to TIMESTAMP would forget the zone.
_AS = {
    "integer": "BIGINT", "decimal": "DECIMAL(36, 18)", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMPTZ",
    "double": "DOUBLE",
}  # fmt: skip
# How a JSON type may be kept: text stays text, and a number that is too long or has an exponent is a double.
_FROM_JSON = {
    "text": (), "boolean": ("boolean",), "integer": ("integer", "double"), "decimal": ("integer", "decimal", "double"),
}  # fmt: skip
_KEPT = {
    "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "DOUBLE",
    "FLOAT", "BOOLEAN", "DATE", "VARCHAR", "BLOB", "TIME", "TIMESTAMP",
}  # fmt: skip


def typed(
    database: duckdb.DuckDBPyConnection, view: str, names: tuple[str, ...], json_types: Mapping[str, str]
) -> dict[str, str]:
    """For each column of a view of text, the SQL of its values. `json_types` is empty for CSV."""
    found: dict[str, str] = {}
    for start in range(0, len(names), COLUMNS_TOGETHER):
        together = names[start : start + COLUMNS_TOGETHER]
        wanted = {name: _wanted(json_types.get(name)) for name in together}
        counts = ", ".join(", ".join(_counts(quoted(name), wanted[name])) for name in together)
        told = iter(database.execute(f"SELECT {counts} FROM {view}").fetchall()[0])
        for name in together:
            present, scale, *fitting = islice(told, 2 + len(wanted[name]))
            kind = next((kind for kind, count in zip(wanted[name], fitting, strict=True) if count == present), None)
            found[name] = _expression(quoted(name), kind if present else None, scale or 0)
    return found


def native(name: str, kind: str) -> str:
    """The SQL of a Parquet column, given DuckDB's name of its type."""
    column = quoted(name)
    if kind in _KEPT or kind.startswith("DECIMAL"):
        return column
    if kind.startswith("TIMESTAMP"):
        return _in_utc(f"{column}::TIMESTAMPTZ")
    return f"CAST({column} AS VARCHAR)"


def _wanted(json_type: str | None) -> tuple[str, ...]:
    return tuple(kind for kind, _ in TEXT_TYPES) if json_type is None else _FROM_JSON[json_type]


def _counts(column: str, kinds: tuple[str, ...]) -> list[str]:
    scale = f"max(length(split_part({column}, '.', 2))) FILTER ({_fits(column, 'decimal')})"
    return [f"count({column})", scale, *(f"count_if({_fits(column, kind)})" for kind in kinds)]


def _fits(column: str, kind: str) -> str:
    # The cast too: the thirtieth of February looks like a date. Only where the shape fits, for casting takes longer.
    casts = f"TRY_CAST({column} AS {_AS[kind]}) IS NOT NULL"
    shape = dict(TEXT_TYPES).get(kind)
    return f"CASE WHEN regexp_matches({column}, {literal(shape)}) THEN {casts} ELSE false END" if shape else casts


def _expression(column: str, kind: str | None, scale: int) -> str:
    if kind is None:
        return column
    if kind == "decimal":
        return f"{column}::DECIMAL({WHOLE_DIGITS + scale}, {scale})"
    cast = f"{column}::{_AS[kind]}"
    return _in_utc(cast) if kind == "timestamp" else cast


def _in_utc(zoned: str) -> str:
    return f"make_timestamp(epoch_us({zoned}))"
