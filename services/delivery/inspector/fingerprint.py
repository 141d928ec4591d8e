"""A sketch of a table's rows: the smallest of the hashes of its distinct rows, by which near-copies are recognised.

Promises: the sketch is the same for the same rows in any order, with their columns in any order and under any names,
and in any of the formats; nothing of a value can be read from it but by guessing the whole row.
Source: bottom-k sketches (Broder 1997; Cohen and Kaplan 2007), of SHA-256. The catalogue compares them.
"""

from collections.abc import Sequence

import duckdb

from services.delivery.inspector.reading import Table
from services.delivery.rules.masking import quoted

SKETCH_SIZE = 256
ROWS_MIN = 50  # of fewer, only the hash of the whole content tells
HASH_DIGITS = 16
CELL_CHARACTERS = 64  # a longer one counts by its hash, so that a batch of wide rows fits the memory
# So many hashed rows are looked at for the smallest. Where they hold fewer distinct ones than a sketch needs, the table
# repeats itself, and all its distinct rows are few.
LOOKED_AT = 65_536


def fingerprint(table: Table) -> list[str]:
    """At most SKETCH_SIZE hashes in hex, ascending; none for a table too small to tell, or too wide to be looked at."""
    if table.rows < ROWS_MIN:
        return []
    try:
        found = _smallest(table, "SELECT * FROM source", LOOKED_AT / table.rows)
        if len(found) < SKETCH_SIZE and table.rows > LOOKED_AT:
            found = _smallest(table, "SELECT DISTINCT * FROM source", 1.0)
    except duckdb.OutOfMemoryException:
        return []
    return found if len(found) >= ROWS_MIN else []


def _smallest(table: Table, rows: str, share: float) -> list[str]:
    """The smallest hashes of these rows, among the given share of all hashes."""
    below = f"WHERE member < '{int(share * 16**HASH_DIGITS):0{HASH_DIGITS}x}'" if share < 1 else ""
    members = f"SELECT {_member(table.names)} AS member FROM ({rows})"
    query = f"SELECT DISTINCT member FROM ({members}) {below} ORDER BY member LIMIT {SKETCH_SIZE}"
    return [member for (member,) in table.database.execute(query).fetchall()]


def _member(names: Sequence[str]) -> str:
    cells = ", ".join(map(_cell, names))
    return f"left(sha256(array_to_string(list_sort([{cells}]), chr(31))), {HASH_DIGITS})"


def _cell(name: str) -> str:
    text = f"trim(CAST({quoted(name)} AS VARCHAR))"
    return f"coalesce(CASE WHEN length({text}) > {CELL_CHARACTERS} THEN sha256({text}) ELSE {text} END, '')"
