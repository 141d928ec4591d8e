"""Several writes in one turn to the database, for what many ask at once.

A statement that goes by itself is waited for: in SQLite's thread or on the way to PostgreSQL, and then in line behind
all that the process does meanwhile. Promises: what is written together takes effect as if one after the other, inside
the caller's transaction; values pass through the types of their columns.
Does not: let one write see another. On PostgreSQL they are a single statement.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import Dialect, Table

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
_converts = dict[tuple[str, Shape], tuple[Convert | None, ...]]()
_statements = dict[tuple[str, tuple[Shape, ...]], str]()


async def write_all(tx: Transaction, *writes: Write) -> list[int]:
    """How many rows each of the writes reached. Requires at least one write."""
    if tx.dialect.name == "sqlite":
        steps = tuple(_step(write, tx.dialect) for write in writes)
        return list((await tx.exec_driver_sql(Script(steps))).scalars())
    arguments = tuple(argument for write in writes for argument in _arguments(write, tx.dialect))
    return list((await tx.exec_driver_sql(_together(writes, tx.dialect), arguments)).one())


def _step(write: Write, dialect: Dialect) -> Step:
    statement, converts = _alone(write, dialect), _converts_of(write, dialect)
    if isinstance(write, Added):
        as_they_are = not any(converts)
        rows = write.rows if as_they_are else [_converted(converts, row) for row in write.rows]
        return Step("executemany", statement, rows)
    return Step("execute", statement, _converted(converts, write.row))


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


def _alone(write: Write, dialect: Dialect) -> str:
    place = (dialect.name, (_shape(write),))
    if place not in _statements:
        _statements[place] = _statement(write, dialect, ("?" for _ in count()))
    return _statements[place]


def _together(writes: Sequence[Write], dialect: Dialect) -> str:
    place = (dialect.name, tuple(map(_shape, writes)))
    if place not in _statements:
        numbers = (f"${number}" for number in count(1))
        parts = [
            f"w{index} AS ({_statement(write, dialect, numbers)} RETURNING 1)" for index, write in enumerate(writes)
        ]
        counts = (f"(SELECT count(*) FROM w{index})" for index in range(len(parts)))
        _statements[place] = f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"
    return _statements[place]


def _statement(write: Write, dialect: Dialect, marks: Iterator[str]) -> str:
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
        return f"INSERT INTO {place} ({columns}) VALUES ({', '.join(next(marks) for _ in table.c)}){after}"
    arrays = ", ".join(f"{next(marks)}::{column.type.compile(dialect)}[]" for column in table.c)
    return f"INSERT INTO {place} ({columns}) SELECT * FROM unnest({arrays}){after}"


def _shape(write: Write) -> Shape:
    return type(write), write.table, write.columns
