"""Rows by API: which fields, which rows, in the order of the file; and the statement that fetches them.

Promises: the statement is ours, of names and values in quotes; a value is compared as what its field is, or refused;
the cursor of one query is none of another's.
Sources: market-rules B8.2 (field- and rate-limited API; from G4 a point query with a purpose).
"""

import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

from services.delivery.rules.inspection import Inspection
from services.delivery.rules.masking import literal, quoted
from shared import canonical
from shared.errors import Malformed
from shared.grades import Condition
from shared.ids import EntitlementId

ROWS_MAX = 1_000
POINT_ROWS_MAX = 10
LIMITED = frozenset({Condition.LIMITED_QUERIES})
WHOLE = re.compile(r"-?[0-9]{1,38}")
NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")
CURSOR = re.compile(r"([0-9]{1,15})\.([0-9a-f]{16})")


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    STARTS_WITH = "starts_with"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"


SIGNS = {Op.EQ: "=", Op.NE: "<>", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}
NO_VALUE = {Op.IS_NULL: "IS NULL", Op.NOT_NULL: "IS NOT NULL"}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `values` are text as the field writes them: one, several for `in`, none for the null ones."""

    field: str
    op: Op
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowsQuery:
    """All filters hold for each row that is given; a missing value fulfils none but `is_null`."""

    fields: tuple[str, ...]
    where: tuple[Filter, ...]
    limit: int


class NoSuchField(Malformed):
    """The version has no such field, or it is named twice; its fields stand in the facts."""


class BadFilter(Malformed):
    """This filter does not fit its field; the place and the field's type stand in the facts."""


class BadRowsCursor(Malformed):
    """This cursor is not of this query; send the query as it was, with the cursor that it gave out."""


def asked(inspection: Inspection, fields: Sequence[str] | None, where: Sequence[Filter], limit: int) -> RowsQuery:
    """The query, its fields known and its values fitting. No fields means all of them, in the file's order."""
    known = {field.name: field.type for field in inspection.fields}
    chosen = tuple(known if fields is None else fields)
    if not chosen or len(set(chosen)) < len(chosen) or set(chosen) - known.keys():
        raise NoSuchField(known=sorted(known))
    for index, one in enumerate(where):
        if one.field not in known:
            raise NoSuchField(known=sorted(known), place=f"where[{index}].field")
        _written(one, known[one.field], index)
    return RowsQuery(chosen, tuple(where), limit)


def statement(query: RowsQuery, inspection: Inspection, row_number: str, after: int) -> str:
    """The SELECT over `data`, the row's number first, of the rows that stand after one in the file.

    One row more than the limit, so that the end is known.
    """
    kinds = {field.name: field.type for field in inspection.fields}
    number = quoted(row_number)
    columns = ", ".join(map(quoted, (row_number, *query.fields)))
    filters = [_written(one, kinds[one.field], index) for index, one in enumerate(query.where)]
    conditions = " AND ".join([f"{number} > {after}", *filters])
    return f"SELECT {columns} FROM data WHERE {conditions} ORDER BY {number} LIMIT {query.limit + 1}"


def columns_of(query: RowsQuery) -> list[str]:
    """What has to be loaded for it."""
    return list(dict.fromkeys([*query.fields, *(one.field for one in query.where)]))


def row_number_for(names: Collection[str]) -> str:
    """A name for the row's number that no field has."""
    taken = {name.casefold() for name in names}
    return next(name for name in ("row", *(f"row {count}" for count in range(len(taken) + 1))) if name not in taken)


def digest_of(query: RowsQuery, entitlement_id: EntitlementId) -> str:
    """Names the query without its page: whoever asks the same again goes on in the same rows."""
    where = [{"field": one.field, "op": one.op.value, "values": list(one.values)} for one in query.where]
    return canonical.digest({"entitlement_id": str(entitlement_id), "fields": list(query.fields), "where": where})


def cursor_of(row: int, digest: str) -> str:
    return f"{row}.{digest[:16]}"


def row_of(cursor: str | None, digest: str) -> int:
    """The number of the row that a cursor stands after."""
    if cursor is None:
        return 0
    told = CURSOR.fullmatch(cursor)
    if told is None or told[2] != digest[:16]:
        raise BadRowsCursor()
    return int(told[1])


def fulfilled(query: RowsQuery, inspection: Inspection) -> Set[Condition]:
    """The conditions of the matrix that the query itself fulfils: a point query, whose purpose the decision looks at.

    A point query asks by equality for a field that tells rows apart, and for a few rows at most.
    """
    keys = {field.name for field in inspection.fields if field.distinct == inspection.rows}
    points = any(one.op is Op.EQ and one.field in keys for one in query.where)
    return LIMITED if points and query.limit <= POINT_ROWS_MAX else frozenset()


def _written(one: Filter, kind: str, index: int) -> str:
    """The filter as SQL. Raises BadFilter where it does not fit a field of this kind."""
    place = {"place": f"where[{index}]", "field_type": kind}
    column = quoted(one.field)
    if one.op in NO_VALUE:
        if one.values:
            raise BadFilter(**place, expected="no value")
        return f"{column} {NO_VALUE[one.op]}"
    if not one.values or (one.op is not Op.IN and len(one.values) != 1):
        raise BadFilter(**place, expected="one value, or several for in")
    values = [_value(text, kind) for text in one.values]
    if None in values:
        raise BadFilter(**place, expected=EXPECTED.get(kind, "no value can be compared with this field"))
    if one.op is Op.IN:
        return f"{column} IN ({', '.join(map(str, values))})"
    if one.op is Op.STARTS_WITH:
        if kind != "text":
            raise BadFilter(**place, expected="starts_with is for text")
        return f"starts_with({column}, {values[0]})"
    return f"{column} {SIGNS[one.op]} {values[0]}"


EXPECTED: Mapping[str, str] = {
    "integer": "a whole number in plain digits",
    "decimal": "a number as 12 or 12.5",
    "boolean": "true or false",
    "date": "a day as 2026-01-31",
    "timestamp": "a moment as 2026-01-31T12:00:00Z",
    "time": "a time as 12:00:00",
    "text": "text",
}


def _value(text: str, kind: str) -> str | None:
    """The SQL of a value; None if it is none of this kind."""
    match kind:
        case "text":
            return literal(text)
        case "integer":
            return f"CAST({literal(text)} AS HUGEINT)" if WHOLE.fullmatch(text) else None
        case "decimal":
            return f"CAST({literal(text)} AS DECIMAL(38, 18))" if NUMBER.fullmatch(text) else None
        case "boolean":
            return text if text in ("true", "false") else None
        case _:
            return _moment(text, kind)


def _moment(text: str, kind: str) -> str | None:
    try:
        match kind:
            case "date":
                return f"CAST({literal(date.fromisoformat(text).isoformat())} AS DATE)"
            case "time":
                return f"CAST({literal(time.fromisoformat(text).isoformat())} AS TIME)"
            case "timestamp":
                moment = datetime.fromisoformat(text)
                in_utc = moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(UTC)
                return f"CAST({literal(in_utc.replace(tzinfo=None).isoformat())} AS TIMESTAMP)"
            case _:
                return None
    except (ValueError, OverflowError):
        return None
