"""A second look at a statement, with the parser that will run it.

Promises: what DuckDB itself reads is one SELECT over `data` and the statement's own parts, with nothing in it that is
not on a list, whatever the service read in the same text; nothing is run to find that out.
Beyond what buyers may write, the service's own statements may join and unite their parts.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

import duckdb

from services.delivery.rules.query import FUNCTIONS, OPERATORS

DATA = "data"
# Parts that are no expressions: queries, what they select from, and what modifies them.
PARTS = {
    "SELECT_NODE", "SET_OPERATION_NODE", "BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "ORDER_MODIFIER", "LIMIT_MODIFIER",
    "DISTINCT_MODIFIER", "ASCENDING", "DESCENDING", "ORDER_DEFAULT",
}  # fmt: skip
EXPRESSIONS = {
    "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR", "STAR",
    "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
CHOSEN_OPERATORS = {
    "COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_COALESCE", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT",
    "OPERATOR_NULLIF",
}  # fmt: skip
CALLED = FUNCTIONS | OPERATORS
Part = dict[str, Any]


class NotOneSelect(Exception):
    """DuckDB reads something else in this text than a SELECT of listed parts."""


def check(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises NotOneSelect unless the text is one SELECT of listed parts."""
    [(told,)] = database.execute("SELECT json_serialize_sql($1)", [sql]).fetchall()
    read: Part = json.loads(told)
    if read["error"] or len(read["statements"]) != 1:
        raise NotOneSelect()
    parts = list(_parts(read["statements"][0]))
    tables = {DATA} | {entry["key"].lower() for part in parts if "map" in part for entry in part["map"]}
    if not all(_is_listed(part, tables) for part in parts):
        raise NotOneSelect()


def _parts(tree: object) -> Iterator[Part]:
    waiting: list[Any] = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            part = cast(Part, one)
            yield part
            waiting.extend(part.values())
        elif isinstance(one, list):
            waiting.extend(cast(list[Any], one))


def _is_listed(part: Part, tables: set[str]) -> bool:
    if "function_name" in part and not _is_plain_call(part):
        return False
    if "class" in part:
        return part["class"] in EXPRESSIONS and _is_plain_expression(part)
    kind = part.get("type")
    if not isinstance(kind, str):
        return True  # a list of orders, a literal, the parts of a type
    if kind == "BASE_TABLE":
        plain = not (part["schema_name"] or part["catalog_name"] or part["at_clause"] or part["sample"])
        return plain and part["table_name"].lower() in tables
    return kind in PARTS and not part.get("sample")


def _is_plain_call(part: Part) -> bool:
    return part["function_name"] in CALLED and not part["schema"] and not part["catalog"]


def _is_plain_expression(part: Part) -> bool:
    match part["class"]:
        case "OPERATOR":
            return part["type"] in CHOSEN_OPERATORS
        case "STAR":
            return not (part["columns"] or part["expr"])
        case _:
            return True
