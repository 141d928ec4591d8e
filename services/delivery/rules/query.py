"""A query over a version's content: what it may be made of, what it may take, and why it is not answered.

Owns: the list of functions that a statement may call, its limits, and the hint for each kind of thing it may not have.
Promises: what is not on a list is refused; a refusal names the kind of thing and what to do instead, never the text.
"""

from enum import StrEnum

from shared.errors import Malformed

STATEMENT_BYTES_MAX = 8 * 1024
TOKENS_MAX = 2_500
DEPTH_MAX = 48  # of the tree
BRACKETS_MAX = 24  # open at a time
SELECTS_MAX = 8
TEXT_CHARACTERS_MAX = 1_000
DIGITS_MAX = 38
LISTED_MAX = 500  # values after IN, and columns of an answer
ALIAS_CHARACTERS_MAX = 100


class QueryReason(StrEnum):
    REJECTED = "query_rejected"
    LIMIT = "query_limit"


class Construct(StrEnum):
    """What a statement may not have, or not so much of."""

    SIZE = "size"
    SYNTAX = "syntax"
    STATEMENT = "statement"
    DEPTH = "depth"
    TABLE = "table"
    COLUMN = "column"
    STAR = "star"
    FUNCTION = "function"
    JOIN = "join"
    SET_OPERATION = "set_operation"
    RECURSION = "recursion"
    WINDOW = "window"
    TYPE = "type"
    LITERAL = "literal"
    PARAMETER = "parameter"
    NAME = "name"
    CLAUSE = "clause"
    VALUES = "values"
    EXPRESSION = "expression"


HINTS = {
    Construct.SIZE: f"a statement has at most {STATEMENT_BYTES_MAX} bytes and {TOKENS_MAX} words and signs",
    Construct.SYNTAX: "the statement cannot be read as SQL",
    Construct.STATEMENT: "send exactly one SELECT, or WITH … SELECT",
    Construct.DEPTH: f"at most {BRACKETS_MAX} open brackets, {SELECTS_MAX} SELECTs and {DEPTH_MAX} levels",
    Construct.TABLE: "the only table is named data; name it plainly, without catalogue or schema",
    Construct.COLUMN: "name columns of the version, or of the part of the statement that is selected from",
    Construct.STAR: "name the columns; * stands only in count(*)",
    Construct.FUNCTION: "only the listed functions can be called",
    Construct.JOIN: "there is one table, and it is not joined: use a window or a subquery that stands alone",
    Construct.SET_OPERATION: "ask in two queries instead of UNION, INTERSECT or EXCEPT",
    Construct.RECURSION: "WITH may not refer to itself, and no two parts may have one name",
    Construct.WINDOW: "a window has PARTITION BY and ORDER BY only: no frame and no name",
    Construct.TYPE: "cast to BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL, VARCHAR, DATE or TIMESTAMP",
    Construct.LITERAL: f"texts have at most {TEXT_CHARACTERS_MAX} characters, numbers {DIGITS_MAX} digits",
    Construct.PARAMETER: "write values into the statement; it takes no parameters",
    Construct.NAME: f"names have 1 to {ALIAS_CHARACTERS_MAX} printable characters",
    Construct.CLAUSE: "SELECT, FROM, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT and OFFSET in their plain form only",
    Construct.VALUES: f"at most {LISTED_MAX} values or columns in a row",
    Construct.EXPRESSION: "this kind of expression is not on the list",
}

# By the names of DuckDB's own parser. None reads a file, a setting, a clock or a text as SQL, or makes rows.
AGGREGATES = frozenset({
    "approx_count_distinct", "avg", "bool_and", "bool_or", "corr", "count", "count_if", "max", "median", "min", "mode",
    "quantile_cont", "quantile_disc", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance",
})  # fmt: skip
WINDOWS = frozenset({
    "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "ntile", "percent_rank", "rank",
    "row_number",
})  # fmt: skip
SCALARS = frozenset({
    "abs", "ceil", "ceiling", "coalesce", "concat", "contains", "date_diff", "date_trunc", "day", "dayofweek",
    "dayofyear", "exp", "extract", "floor", "greatest", "hour", "if", "least", "left", "length", "ln", "log", "log10",
    "lower", "ltrim", "minute", "month", "nullif", "pow", "power", "quarter", "regexp_extract", "regexp_full_match",
    "regexp_matches", "replace", "right", "round", "rtrim", "second", "sign", "split_part", "sqrt", "starts_with",
    "strftime", "strpos", "substr", "substring", "trim", "trunc", "upper", "week", "year",
})  # fmt: skip
# What the parser makes of operators and of words with a syntax of their own.
OPERATORS = frozenset({
    "+", "-", "*", "/", "//", "%", "^", "**", "||", "@", "~~", "!~~", "~~*", "!~~*", "count_star", "date_part",
    "to_years", "to_months", "to_days", "to_hours", "to_minutes", "to_seconds", "to_weeks", "to_quarters",
})  # fmt: skip
FUNCTIONS = AGGREGATES | WINDOWS | SCALARS


class QueryRejected(Malformed):
    """This query is not one that is answered here; the hint says what it may not have."""


class QueryLimit(Malformed):
    """This query takes more time, memory or room than it may; ask for less."""


def rejected(construct: Construct) -> QueryRejected:
    """The refusal of a statement for something in it."""
    more = {"functions": sorted(FUNCTIONS)} if construct is Construct.FUNCTION else {}
    return QueryRejected(construct=construct, hint=HINTS[construct], **more)
