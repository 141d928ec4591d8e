"""What a table holds: all of its rows counted column by column, and kinds of data recognised in a sample of them.

Promises: what is found in a column is told by count and kind, never by value; the sample fits the memory, however wide
or long the table; what can be told by its exact form is found wherever it stands, not only in the sample. The names of
columns are told as they are, so a table in which one is somebody's data, for lack of a header, is refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import islice

import duckdb

from services.delivery.inspector.fingerprint import fingerprint
from services.delivery.inspector.messages import Field, Profile, Refusal
from services.delivery.inspector.progress import PROFILING, Tell
from services.delivery.inspector.reading import Table, draw
from services.delivery.inspector.recognisers import (
    EXACT,
    LATITUDE,
    LONGITUDE,
    RECOGNISERS,
    WIDE_NUMBER,
    Recogniser,
    folded,
    recognisers_for,
)
from services.delivery.inspector.typed import TEXT_TYPES
from services.delivery.rules.detection import Count, Evidence, detect
from services.delivery.rules.masking import literal, quoted
from services.delivery.rules.upload import Reason
from shared.kinds import Kind

SAMPLE_ROWS = 50_000
SAMPLE_BYTES = 128 * 2**20  # rows may be wide, and the sample is held in memory
SAMPLE_CELLS = 5_000_000  # for DuckDB makes room for all of them beforehand
COLUMNS_TOGETHER = 50
VALUES_TOGETHER = 1_000_000  # whose hashes are held in memory
RARE_ROWS_MAX = 100_000  # of those outside the sample that are looked at again
SEARCHED_TYPES = ("text", "integer")  # no other is written as an exact kind is
# What a column's name may be by chance, and is rather a first row's value where the other rows hold the like.
LIKE_ITS_COLUMN = frozenset({
    Kind.NAME, Kind.ADDRESS, Kind.COORDINATES, Kind.PLATE, Kind.IP_ADDRESS, Kind.PASSPORT, Kind.USCC,
})  # fmt: skip
PROVED_MAX = 2_000  # distinct candidates whose check digit is computed, for each kind in a column


def profile(table: Table, seed: int, today: date, tell: Tell) -> Profile:
    """The answer to an inspection. `seed` picks the sampled rows; who is under 14 is told by `today`."""
    texts = ", ".join(f"{folded(_text(name))} AS {quoted(name)}" for name in table.names)
    fitting = max(SAMPLE_BYTES * table.rows // max(table.bytes, 1), 1)
    sampled_rows = min(fitting, SAMPLE_ROWS, SAMPLE_CELLS // len(table.names))
    draw(table, "sampled", texts, sampled_rows, seed)
    together = max(min(COLUMNS_TOGETHER, VALUES_TOGETHER // table.rows), 1)
    fields: list[Field] = []
    for start in range(0, len(table.names), together):
        tell(PROFILING, start * 100 // len(table.names))
        names = table.names[start : start + together]
        fields += _fields(table, names, today, sampled_rows < table.rows)
    return Profile(table.rows, fields, fingerprint(table), _duplicate_rows(table))


def _fields(table: Table, names: tuple[str, ...], today: date, search: bool) -> Iterator[Field]:
    """The columns of these names, looked at together: a query costs much more than a column in it."""
    recognisers = {name: recognisers_for(name, today) for name in names}
    counted = _aggregates(table.database, "source", {name: _counts(quoted(name)) for name in names})
    sampled = _aggregates(table.database, "sampled", {name: _hits(quoted(name), recognisers[name]) for name in names})
    types = {name: table.types.get(name) or _guessed(*counted[name]) for name in names}
    found = {name: _found(table.database, "sampled", name, recognisers[name], sampled[name][4:]) for name in names}
    if search:
        missed = {name: _missed(types[name], recognisers[name], found[name]) for name in names}
        for name, counts in _rare(table.database, {name: one for name, one in missed.items() if one}).items():
            found[name] |= {kind: replace(count, of=counted[name][0]) for kind, count in counts.items()}
    for name in names:
        (present, distinct, *fitting), (size, latitudes, longitudes, decimals, *_) = counted[name], sampled[name]
        evidence = Evidence(name, size, found[name], latitudes, longitudes, decimals or None)
        if _names_nothing(table.database, evidence):
            raise Refusal(Reason.BAD_HEADER, 1)
        prevailing = present if types[name] != "text" else max(count or 0 for count in fitting)
        yield Field(name, types[name], table.rows - present, distinct, evidence, prevailing)


def _names_nothing(database: duckdb.DuckDBPyConnection, column: Evidence) -> bool:
    """Whether what stands for the column's name is a value: somebody's number, or one like those below it."""
    if column.latitudes or column.longitudes:
        return bool(re.search(LATITUDE, column.field) or re.search(LONGITUDE, column.field))
    alike = {found.kind for found in detect(column) if not found.name_hit} & LIKE_ITS_COLUMN
    recognisers = [RECOGNISERS[kind] for kind in sorted({*EXACT, *alike})]
    name = folded(literal(column.field))
    found = database.execute(f"SELECT {', '.join(one.candidate(name) for one in recognisers)}").fetchall()[0]
    return any(text and (not one.proof or one.proof(text)) for one, text in zip(recognisers, found, strict=True))


def _duplicate_rows(table: Table) -> int | None:
    """How many rows repeat another, counted on 64-bit hashes; None where they are too many for the memory."""
    columns = ", ".join(map(quoted, table.names))
    try:
        [(distinct,)] = table.database.execute(f"SELECT count(DISTINCT hash({columns})) FROM source").fetchall()
    except duckdb.OutOfMemoryException:
        return None
    return table.rows - int(distinct)


def _missed(
    field_type: str, recognisers: Mapping[Kind, Recogniser], found: Mapping[Kind, Count]
) -> dict[Kind, Recogniser]:
    """What must not be missed, was not found in the sample, and may stand in the other rows."""
    kinds = [kind for kind in EXACT if kind not in found] if field_type in SEARCHED_TYPES else []
    if Kind.MINOR not in found and (Kind.RESIDENT_ID in kinds or found.keys() & {Kind.RESIDENT_ID, Kind.BIRTH_DATE}):
        kinds.append(Kind.MINOR)
    return {kind: recognisers[kind] for kind in kinds}


def _rare(
    database: duckdb.DuckDBPyConnection, missed: Mapping[str, Mapping[Kind, Recogniser]]
) -> dict[str, dict[Kind, Count]]:
    """What all rows hold of these kinds, for each of these columns. Most hold none, and cost one look at each row."""
    conditions = {name: _may_hold(_text(name), recognisers) for name, recognisers in missed.items()}
    wanted = {name: [f"count_if({condition})"] for name, condition in conditions.items()}
    rows = _aggregates(database, "source", wanted) if wanted else {}
    return {
        name: _found_among(database, name, conditions[name], missed[name]) for name, (count,) in rows.items() if count
    }


def _may_hold(text: str, recognisers: Mapping[Kind, Recogniser]) -> str:
    """The SQL of whether a text may hold one of them; one pattern for all, because each costs a walk over the text."""
    patterns = [one.pattern for one in recognisers.values() if not one.narrowed]
    conditions = [f"regexp_matches({text}, {literal('|'.join([*patterns, WIDE_NUMBER]))})"] if patterns else []
    minors = recognisers.get(Kind.MINOR)
    if minors and (Kind.RESIDENT_ID not in recognisers or minors.proof is None):  # else an id's own pattern finds them
        conditions.append(f"{minors.candidate(text)} <> ''")
    return " OR ".join(conditions)


def _found_among(
    database: duckdb.DuckDBPyConnection, name: str, condition: str, recognisers: Mapping[Kind, Recogniser]
) -> dict[Kind, Count]:
    column = quoted(name)
    rows = f"SELECT {folded(_text(name))} AS {column} FROM source WHERE {condition} LIMIT {RARE_ROWS_MAX}"
    database.execute(f"CREATE OR REPLACE TEMP TABLE rare AS {rows}")
    [counted] = _aggregates(database, "rare", {name: _hits(column, recognisers)}).values()
    return _found(database, "rare", name, recognisers, counted[4:])


def _found(
    database: duckdb.DuckDBPyConnection,
    table: str,
    name: str,
    recognisers: Mapping[Kind, Recogniser],
    hits: Iterable[int],
) -> dict[Kind, Count]:
    return {
        kind: _proved(database, table, one, one.candidate(quoted(name)), count)
        for (kind, one), count in zip(recognisers.items(), hits, strict=True)
        if count
    }


def _guessed(present: int, _: int, *fitting: int) -> str:
    fits = (kind for (kind, _), count in zip(TEXT_TYPES, fitting, strict=True) if count == present)
    return next(fits, "text") if present else "text"


def _text(name: str) -> str:
    return f"CAST({quoted(name)} AS VARCHAR)"


def _counts(column: str) -> list[str]:
    text = f"CAST({column} AS VARCHAR)"
    # Of what is there: DuckDB gives nothing a hash of its own.
    distinct = f"count(DISTINCT CASE WHEN {column} IS NOT NULL THEN hash({column}) END)"
    fits = (f"count_if(regexp_matches({text}, {literal(shape)}))" for _, shape in TEXT_TYPES)
    return [f"count({column})", distinct, *fits]


def _hits(column: str, recognisers: Mapping[Kind, Recogniser]) -> list[str]:
    # Of a column without any value the engine counts NULL, and not none.
    places = (f"coalesce(count_if(regexp_matches({column}, {literal(shape)})), 0)" for shape in (LATITUDE, LONGITUDE))
    decimals = f"coalesce(max(length(regexp_extract({column}, '[.]([0-9]+)', 1))), 0)"
    hits = (f"coalesce(count_if({one.candidate(column)} <> ''), 0)" for one in recognisers.values())
    return [f"count({column})", *places, decimals, *hits]


def _aggregates(
    database: duckdb.DuckDBPyConnection, table: str, wanted: Mapping[str, list[str]]
) -> dict[str, list[int]]:
    """For each name, what its expressions come to over the table."""
    query = ", ".join(expression for expressions in wanted.values() for expression in expressions)
    found = iter(database.execute(f"SELECT {query} FROM {table}").fetchall()[0])
    return {name: list(islice(found, len(expressions))) for name, expressions in wanted.items()}


def _proved(
    database: duckdb.DuckDBPyConnection, table: str, recogniser: Recogniser, candidate: str, hits: int
) -> Count:
    if recogniser.proof is None:
        return Count(hits)
    query = f"SELECT DISTINCT {candidate} AS found FROM {table} WHERE {candidate} <> '' ORDER BY hash(found), found"
    found = [text for (text,) in database.execute(f"{query} LIMIT {PROVED_MAX}").fetchall()]
    return Count(hits, len(found), sum(map(recogniser.proof, found)))
