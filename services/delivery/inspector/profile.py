"""What a table holds: all of its rows counted column by column, and kinds of data recognised in a sample of them.

Promises: what is found in a column is told by count and kind, never by value; the sample fits the memory, however wide
or long the table.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

import duckdb

from services.delivery.inspector.fingerprint import fingerprint
from services.delivery.inspector.messages import Field, Profile
from services.delivery.inspector.reading import Table, draw
from services.delivery.inspector.recognisers import Recogniser, recognisers_for
from services.delivery.inspector.typed import TEXT_TYPES
from services.delivery.rules.detection import Count, Evidence, Kind
from services.delivery.rules.masking import literal, quoted

SAMPLE_ROWS = 50_000
SAMPLE_BYTES = 128 * 2**20  # rows may be wide, and the sample is held in memory
SAMPLE_CELLS = 5_000_000  # for DuckDB makes room for all of them beforehand
COLUMNS_TOGETHER = 50
VALUES_TOGETHER = 1_000_000  # whose hashes are held in memory
PROVED_MAX = 2_000  # distinct candidates whose check digit is computed, for each kind in a column


def profile(table: Table, seed: int) -> Profile:
    """The answer to an inspection. `seed` picks the sampled rows."""
    texts = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in table.names)
    fitting = max(SAMPLE_BYTES * table.rows // max(table.bytes, 1), 1)
    draw(table, "sampled", texts, min(fitting, SAMPLE_ROWS, SAMPLE_CELLS // len(table.names)), seed)
    together = max(min(COLUMNS_TOGETHER, VALUES_TOGETHER // table.rows), 1)
    parts = [table.names[start : start + together] for start in range(0, len(table.names), together)]
    fields = [field for names in parts for field in _fields(table, names)]
    return Profile(table.rows, fields, fingerprint(table))


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
