"""The part of SQL that a buyer may write, and its one canonical form.

Promises: a statement is taken apart and written anew, so that what runs is what was checked, never the buyer's text;
each kind of node, clause and function is on a list, or the statement is refused; every name is one of the version's
columns or of the statement's own parts, and is quoted; the work is bounded by the statement's size.
Does not: run anything. The child checks again, with DuckDB's own parser (`inspector/parsed.py`).
The only file that calls sqlglot, whose complaints quote the text: they are silenced, and never passed on.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.expressions.core import Expr
from sqlglot.tokenizer_core import Token, TokenType

from services.delivery.rules.query import (
    ALIAS_CHARACTERS_MAX,
    BRACKETS_MAX,
    DEPTH_MAX,
    DIGITS_MAX,
    LISTED_MAX,
    SELECTS_MAX,
    STATEMENT_BYTES_MAX,
    TEXT_CHARACTERS_MAX,
    TOKENS_MAX,
    Construct,
    rejected,
)

logging.getLogger("sqlglot").setLevel(logging.CRITICAL + 1)
DATA = "data"
DIALECT = "duckdb"

# What each kind of node may hold. A member that is not named here must be empty.
CLAUSES: Mapping[type[Expr], frozenset[str]] = {
    exp.Select: frozenset({
        "with_", "expressions", "distinct", "from_", "where", "group", "having", "order", "limit", "offset",
    }),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.From: frozenset({"this"}),
    exp.Table: frozenset({"this", "alias"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this"}),
    exp.Where: frozenset({"this"}),
    exp.Group: frozenset({"expressions"}),
    exp.Having: frozenset({"this"}),
    exp.Order: frozenset({"expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Window: frozenset({"this", "partition_by", "order", "over"}),
    exp.Filter: frozenset({"this", "expression"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.TryCast: frozenset({"this", "to", "safe"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Star: frozenset[str](),
    exp.Interval: frozenset({"this", "unit"}),
    exp.Trim: frozenset({"this", "position", "expression"}),
}  # fmt: skip
FUNCTIONS: frozenset[type[Expr]] = frozenset({
    exp.Abs, exp.ApproxDistinct, exp.Avg, exp.Ceil, exp.Coalesce, exp.Concat, exp.Contains, exp.Corr, exp.Count,
    exp.CountIf, exp.CumeDist, exp.DateDiff, exp.Day, exp.DayOfWeek, exp.DayOfYear, exp.DenseRank, exp.Exp,
    exp.Extract, exp.FirstValue, exp.Floor, exp.Greatest, exp.Hour, exp.Lag, exp.LastValue, exp.Lead, exp.Least,
    exp.Left, exp.Length, exp.Ln, exp.Log, exp.LogicalAnd, exp.LogicalOr, exp.Lower, exp.Max, exp.Median, exp.Min,
    exp.Minute, exp.Mode, exp.Month, exp.Ntile, exp.Nullif, exp.PercentileCont, exp.PercentileDisc, exp.PercentRank,
    exp.Pow, exp.Quarter, exp.Rank, exp.RegexpExtract, exp.RegexpFullMatch, exp.RegexpLike, exp.Replace, exp.Right,
    exp.Round, exp.RowNumber, exp.Second, exp.Sign, exp.SplitPart, exp.Sqrt, exp.StartsWith, exp.Stddev,
    exp.StddevPop, exp.StddevSamp, exp.StrPosition, exp.Substring, exp.Sum, exp.TimeToStr, exp.TimestampTrunc,
    exp.Trim, exp.Trunc, exp.Upper, exp.Variance, exp.VariancePop, exp.Week, exp.Year,
})  # fmt: skip
EXPRESSIONS: frozenset[type[Expr]] = frozenset({
    exp.Add, exp.And, exp.Between, exp.Boolean, exp.Case, exp.DataTypeParam, exp.Div, exp.DPipe, exp.EQ, exp.GT,
    exp.GTE, exp.If, exp.ILike, exp.IntDiv, exp.Is, exp.Like, exp.Literal, exp.LT, exp.LTE, exp.Mod, exp.Mul, exp.Neg,
    exp.NEQ, exp.Not, exp.Null, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or, exp.Paren, exp.Sub, exp.Var,
})  # fmt: skip
TYPES = {
    exp.DType.BOOLEAN, exp.DType.INT, exp.DType.BIGINT, exp.DType.DOUBLE, exp.DType.DECIMAL, exp.DType.TEXT,
    exp.DType.VARCHAR, exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ,
}  # fmt: skip
# What is refused under a name of its own; anything else that is not listed is an `expression` or a `function`.
NAMED: Mapping[type[Expr], Construct] = {
    exp.SetOperation: Construct.SET_OPERATION, exp.Join: Construct.JOIN, exp.Lateral: Construct.JOIN,
    exp.Columns: Construct.STAR, exp.WindowSpec: Construct.WINDOW, exp.Placeholder: Construct.PARAMETER,
    exp.Parameter: Construct.PARAMETER, exp.SessionParameter: Construct.PARAMETER, exp.Values: Construct.TABLE,
    exp.Unnest: Construct.FUNCTION, exp.RawString: Construct.LITERAL, exp.ByteString: Construct.LITERAL,
    exp.HexString: Construct.LITERAL, exp.BitString: Construct.LITERAL,
    exp.TableSample: Construct.CLAUSE, exp.Pivot: Construct.CLAUSE, exp.Qualify: Construct.CLAUSE,
    exp.Describe: Construct.STATEMENT, exp.Summarize: Construct.STATEMENT, exp.Into: Construct.CLAUSE,
    exp.Lock: Construct.CLAUSE, exp.Func: Construct.FUNCTION,
}  # fmt: skip
UNITED = (exp.Interval, exp.Extract, exp.TimestampTrunc, exp.DateDiff)  # what takes a unit: YEAR, DAY, …
QUOTED = {TokenType.STRING, TokenType.IDENTIFIER}
OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}


@dataclass(frozen=True, slots=True)
class Statement:
    """A checked SELECT over `data` in canonical form, and the columns of `data` that it reads."""

    sql: str
    columns: tuple[str, ...]


def checked(text: str, columns: Sequence[str]) -> Statement:
    """The statement in canonical form. Raises QueryRejected unless it is one SELECT of listed parts over `columns`."""
    _check_tokens(text)
    try:
        found = sqlglot.parse(text, read=DIALECT, error_level=ErrorLevel.IMMEDIATE)
        [tree] = found if len(found) == 1 else [None]
        if not isinstance(tree, exp.Select):
            refused = Construct.SET_OPERATION if isinstance(tree, exp.SetOperation) else Construct.STATEMENT
            raise rejected(refused)
        _check_nodes(tree)
        scope = _Scope(columns)
        scope.resolve(tree, {})
        sql = _written(tree)
        if _written(sqlglot.parse_one(sql, read=DIALECT, error_level=ErrorLevel.IMMEDIATE)) != sql:
            raise rejected(Construct.SYNTAX)  # what is not read back as it was written means we do not know what
    except (SqlglotError, RecursionError, ValueError) as error:
        raise rejected(Construct.DEPTH if isinstance(error, RecursionError) else Construct.SYNTAX) from None
    return Statement(sql, tuple(name for name in columns if name in scope.read))


def _written(tree: Expr) -> str:
    return tree.sql(DIALECT, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)


def _check_tokens(text: str) -> None:
    if len(text.encode("utf-8", "replace")) > STATEMENT_BYTES_MAX:
        raise rejected(Construct.SIZE)
    try:
        tokens = list[Token](sqlglot.tokenize(text, read=DIALECT))
    except SqlglotError:
        raise rejected(Construct.SYNTAX) from None
    if len(tokens) > TOKENS_MAX:
        raise rejected(Construct.SIZE)
    if not tokens or tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH):
        raise rejected(Construct.STATEMENT)
    opened = 0
    for token in tokens:
        opened += (token.token_type in OPENING) - (token.token_type in CLOSING)
        if opened > BRACKETS_MAX:
            raise rejected(Construct.DEPTH)
        # sqlglot takes `~` for a match of a part; to DuckDB it is a match of the whole.
        if token.token_type not in QUOTED and token.text in ("~", "!~", "~~", "^@"):
            raise rejected(Construct.EXPRESSION)


def _check_nodes(tree: exp.Select) -> None:
    selects = 0
    for node, depth in _nodes(tree):
        if depth > DEPTH_MAX:
            raise rejected(Construct.DEPTH)
        selects += isinstance(node, exp.Select)
        if selects > SELECTS_MAX:
            raise rejected(Construct.DEPTH)
        _check_node(node)


def _nodes(tree: Expr) -> Iterator[tuple[Expr, int]]:
    """Every node with its depth. Chains of one operator are as deep as DuckDB reads them: one level."""
    waiting: list[tuple[Expr, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        flat = isinstance(node, exp.And | exp.Or)
        for child in node.iter_expressions():
            waiting.append((child, depth if flat and type(child) is type(node) else depth + 1))


def _check_node(node: Expr) -> None:
    kind = type(node)
    if kind not in CLAUSES and kind not in FUNCTIONS and kind not in EXPRESSIONS:
        raise rejected(next((NAMED[base] for base in NAMED if isinstance(node, base)), Construct.EXPRESSION))
    held = {name for name, value in node.args.items() if value}
    if allowed := CLAUSES.get(kind):
        if extra := held - allowed:
            raise rejected(_refused_clause(kind, extra))
    if any(len(cast(list[object], value)) > LISTED_MAX for value in node.args.values() if isinstance(value, list)):
        raise rejected(Construct.VALUES)
    match node:
        case exp.Select() if not node.expressions:
            raise rejected(Construct.SYNTAX)
        case exp.Star() if not isinstance(node.parent, exp.Count):
            raise rejected(Construct.STAR)
        case exp.Star() if held:
            raise rejected(Construct.STAR)
        case exp.Literal():
            if len(str(node.this)) > (TEXT_CHARACTERS_MAX if node.is_string else DIGITS_MAX):
                raise rejected(Construct.LITERAL)
        case exp.DataType() if node.this not in TYPES or node.args.get("nested"):
            raise rejected(Construct.TYPE)
        case exp.Identifier() if not 0 < len(node.this) <= ALIAS_CHARACTERS_MAX or not node.this.isprintable():
            raise rejected(Construct.NAME)
        case exp.Var() if not isinstance(node.parent, UNITED) or not node.name.isalpha():
            raise rejected(Construct.CLAUSE)
        case exp.Window() if node.args.get("over") not in (None, "OVER"):
            raise rejected(Construct.WINDOW)
        case exp.Alias() if not isinstance(node.parent, exp.Select) or not isinstance(
            node.args["alias"], exp.Identifier
        ):
            raise rejected(Construct.NAME)
        case exp.Distinct() if isinstance(node.parent, exp.Select) and node.expressions:
            raise rejected(Construct.CLAUSE)
        case exp.Limit() | exp.Offset() if not _is_count(node.args["expression"]):
            raise rejected(Construct.CLAUSE)
        case _:
            pass


def _is_count(node: object) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdecimal()


def _refused_clause(kind: type[Expr], extra: set[str]) -> Construct:
    if "joins" in extra or "laterals" in extra:
        return Construct.JOIN
    if "recursive" in extra:
        return Construct.RECURSION
    if kind is exp.Window or "windows" in extra:
        return Construct.WINDOW
    if kind is exp.Column or kind is exp.TableAlias:
        return Construct.COLUMN
    if kind is exp.Table and not extra & {"pivots", "sample"}:
        return Construct.TABLE
    if kind is exp.DataType:
        return Construct.TYPE
    return Construct.STAR if kind is exp.Star else Construct.CLAUSE


class _Scope:
    """Gives every name its meaning: a column of `data`, or an output of an earlier part of the statement."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._data = {name.casefold(): name for name in columns}
        self.read = set[str]()

    def resolve(self, select: exp.Select, parts: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """The names that a SELECT puts out. `parts` are those of the WITH clauses around it."""
        parts = dict(parts)
        for part in select.ctes:
            name = part.alias.casefold()
            part.args["alias"].this.set("this", name)
            if name in parts or name == DATA or not isinstance(part.this, exp.Select):
                raise rejected(Construct.RECURSION)
            parts[name] = self.resolve(part.this, parts)
        names, source, is_data = self._source(select, parts)
        # Inside WHERE and the outputs, a name is the source's; what orders or groups may be an output's.
        outputs = {one.alias.casefold(): one.alias for one in select.expressions if isinstance(one, exp.Alias)}
        for node in select.iter_expressions():
            if not isinstance(node, exp.With | exp.From):
                known = {**outputs, **names} if isinstance(node, exp.Order | exp.Group | exp.Having) else names
                self._names(node, known, source, is_data, parts)
        return {one.alias_or_name.casefold(): one.alias_or_name for one in select.expressions if one.alias_or_name}

    def _source(
        self, select: exp.Select, parts: Mapping[str, Mapping[str, str]]
    ) -> tuple[Mapping[str, str], str | None, bool]:
        """The columns that the SELECT reads from, the name that may stand before them, and whether they are data's."""
        clause = select.args.get("from_")
        source = clause and clause.this
        match source:
            case None:
                return {}, None, False
            case exp.Table() if isinstance(source.this, exp.Identifier):
                name = source.name.casefold()
                if name != DATA and name not in parts:
                    raise rejected(Construct.TABLE)
                source.this.set("this", name)
                return (self._data if name == DATA else parts[name]), source.alias_or_name, name == DATA
            case exp.Subquery() if isinstance(source.this, exp.Select):
                return self.resolve(source.this, parts), source.alias or None, False
            case _:
                raise rejected(Construct.FUNCTION if isinstance(source, exp.Table) else Construct.TABLE)

    def _names(
        self, node: Expr, known: Mapping[str, str], source: str | None, is_data: bool,
        parts: Mapping[str, Mapping[str, str]],
    ) -> None:  # fmt: skip
        waiting = [node]
        while waiting:
            one = waiting.pop()
            if isinstance(one, exp.Select):
                self.resolve(one, parts)  # alone: it sees nothing of the rows around it
                continue
            if isinstance(one, exp.Column):
                self._name(one, known, source, is_data)
                continue
            waiting.extend(one.iter_expressions())

    def _name(self, column: exp.Column, known: Mapping[str, str], source: str | None, is_data: bool) -> None:
        if isinstance(column.this, exp.Star):
            raise rejected(Construct.STAR)
        if column.table and (source is None or column.table.casefold() != source.casefold()):
            raise rejected(Construct.COLUMN)
        if column.table:
            column.args["table"].set("this", source)
        real = known.get(column.name.casefold())
        if real is None:
            raise rejected(Construct.COLUMN)
        column.this.set("this", real)
        if is_data and column.name.casefold() in self._data:
            self.read.add(self._data[column.name.casefold()])
