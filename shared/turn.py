"""Turns to the database for what many ask at once: several writes in one, and questions in the driver's own words.

A statement that goes by itself is waited for: in SQLite's thread or on the way to PostgreSQL, and then in line behind
all that the process does meanwhile; and to put one together, and to take its rows apart, takes longer than to ask it
(decision 53). Promises: what is written together takes effect as if one after the other, inside the caller's
transaction; values pass through the types of their columns, both ways.
Does not: let one write see another. On PostgreSQL they are a single statement.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.types import TypeEngine

from shared.database import Transaction
from shared.sqlite import Script, Step

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Added:
    """Rows to add, each with a value for every column of the table, in its order. Requires at least one."""

    table: Table
    rows: Sequence[tuple[object, ...]]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.table.c.keys())


@dataclass(frozen=True, slots=True)
class Put(Added):
    """Rows that each take the place of the one with their primary key, if there is one. Requires one of each key."""


@dataclass(frozen=True, slots=True)
class Changed:
    """New values, by column, for the rows of a table that have those of `where`."""

    table: Table
    values: Mapping[str, object]
    where: Mapping[str, object]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.values, *self.where)

    @property
    def row(self) -> tuple[object, ...]:
        return (*self.values.values(), *self.where.values())


Write = Added | Changed
Shape = tuple[type[Write], Table, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """A statement in the words of one database, and of what type each column is that it finds."""

    statement: str
    kinds: tuple[TypeEngine[Any], ...]


ROWS_MAX = 64  # of one statement, on SQLite
_converts = dict[tuple[str, Shape], tuple[Convert | None, ...]]()
_reads = dict[Question, list[tuple[int, Convert]]]()
_statements = dict[tuple[str, tuple[Shape, ...], int], str]()


async def ask(tx: Transaction, question: Question, *values: object) -> list[tuple[Any, ...]]:
    """The rows that are found."""
    converts = _reads_of(question, tx.dialect)
    return [_converted_at(converts, row) for row in await tx.run_sync(_found, question.statement, values)]


async def write_all(tx: Transaction, *writes: Write) -> list[int]:
    """How many rows each of the writes reached. Requires at least one write."""
    if tx.dialect.name == "sqlite":
        steps = [_steps(write, tx.dialect) for write in writes]
        reached = (await tx.exec_driver_sql(Script(tuple(chain(*steps))))).scalars()
        return [sum(next(reached) for _ in own) for own in steps]
    arguments = tuple(argument for write in writes for argument in _arguments(write, tx.dialect))
    return list((await tx.exec_driver_sql(_together(writes, tx.dialect), arguments)).one())


def _found(connection: Connection, statement: str, values: tuple[object, ...]) -> Sequence[Sequence[Any]]:
    """By a cursor of the driver's own, for SQLAlchemy would first look at each column that there is to find."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, values)
        return cursor.fetchall()
    except BaseException as error:
        connection._handle_dbapi_exception(error, statement, values, cursor, None)  # pyright: ignore  # raises its own
    finally:
        cursor.close()


def _converted_at(converts: Sequence[tuple[int, Convert]], row: Sequence[Any]) -> tuple[Any, ...]:
    values = list(row)
    for place, convert in converts:
        values[place] = convert(values[place])
    return tuple(values)


def _steps(write: Write, dialect: Dialect) -> list[Step]:
    """For SQLite: a statement for as many rows as fit into one, for after each its thread waits for its next turn."""
    converts = _converts_of(write, dialect)
    if isinstance(write, Changed):
        return [Step("execute", _alone(write, dialect, 1), _converted(converts, write.row))]
    steps, done = list[Step](), 0
    while left := len(write.rows) - done:
        size = min(1 << (left.bit_length() - 1), ROWS_MAX)  # a power of two, so that there are few such statements
        rows = write.rows[done : done + size]
        values = list(chain.from_iterable(_converted(converts, row) for row in rows))
        steps.append(Step("execute", _alone(write, dialect, size), values))
        done += size
    return steps


def _arguments(write: Write, dialect: Dialect) -> Sequence[object]:
    """For PostgreSQL: an array for each column of what is added, a value for each that is changed or looked for."""
    converts = _converts_of(write, dialect)
    if isinstance(write, Changed):
        return _converted(converts, write.row)
    columns = zip(converts, zip(*write.rows, strict=True), strict=True)
    return [list(values if convert is None else map(convert, values)) for convert, values in columns]


def _converted(converts: Sequence[Convert | None], row: tuple[object, ...]) -> Sequence[object]:
    values = list(row)
    for place, convert in enumerate(converts):
        if convert is not None:
            values[place] = convert(values[place])
    return values


# --- kept, for there are as many as there are places that write


def _converts_of(write: Write, dialect: Dialect) -> tuple[Convert | None, ...]:
    """What makes of each value one that the driver takes."""
    place = (dialect.name, _shape(write))
    if place not in _converts:
        columns = [write.table.c[name] for name in write.columns]
        _converts[place] = tuple(column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns)
    return _converts[place]


def _reads_of(question: Question, dialect: Dialect) -> list[tuple[int, Convert]]:
    """What makes of each value that the driver brings one of ours, and in which place, where it is not that already."""
    if question not in _reads:
        found = [kind.dialect_impl(dialect).result_processor(dialect, None) for kind in question.kinds]
        _reads[question] = [(place, each) for place, each in enumerate(found) if each is not None]
    return _reads[question]


def _alone(write: Write, dialect: Dialect, rows: int) -> str:
    place = (dialect.name, (_shape(write),), rows)
    if place not in _statements:
        _statements[place] = _statement(write, dialect, ("?" for _ in count()), rows)
    return _statements[place]


def _together(writes: Sequence[Write], dialect: Dialect) -> str:
    place = (dialect.name, tuple(map(_shape, writes)), 0)
    if place not in _statements:
        numbers = (f"${number}" for number in count(1))
        parts = [
            f"w{index} AS ({_statement(write, dialect, numbers)} RETURNING 1)" for index, write in enumerate(writes)
        ]
        counts = (f"(SELECT count(*) FROM w{index})" for index in range(len(parts)))
        _statements[place] = f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"
    return _statements[place]


def _statement(write: Write, dialect: Dialect, marks: Iterator[str], rows: int = 1) -> str:
    names, table = dialect.identifier_preparer, write.table
    place = names.format_table(table)

    def each(columns: Iterable[str], joint: str) -> str:
        return joint.join(f"{names.format_column(table.c[name])} = {next(marks)}" for name in columns)

    if isinstance(write, Changed):
        return f"UPDATE {place} SET {each(write.values, ', ')} WHERE {each(write.where, ' AND ')}"
    columns, after = ", ".join(map(names.format_column, table.c)), ""
    if isinstance(write, Put):
        key = ", ".join(map(names.format_column, table.primary_key))
        others = [names.format_column(column) for column in table.c if not column.primary_key]
        after = f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others)}"
    if dialect.name == "sqlite":
        row = f"({', '.join(next(marks) for _ in table.c)})"
        return f"INSERT INTO {place} ({columns}) VALUES {', '.join([row] * rows)}{after}"
    arrays = ", ".join(f"{next(marks)}::{column.type.compile(dialect)}[]" for column in table.c)
    return f"INSERT INTO {place} ({columns}) SELECT * FROM unnest({arrays}){after}"


def _shape(write: Write) -> Shape:
    return type(write), write.table, write.columns
