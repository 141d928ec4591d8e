"""What a revision does to a market that goes on running: its SQL judged, and the statements of the code before it."""

import re
from collections.abc import Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, Integer, MetaData, Table, event, inspect, text
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from migrations.schema import HERE
from shared.database import Database

ALTER, COLUMN = r'ALTER TABLE "?(\w+)"? ', r'"?\w+"? '
# Of each statement the first that fits is told; each names its table.
FAULTS = (
    ("drops a table", r'DROP TABLE (?:IF EXISTS )?"?(\w+)"?'),
    ("drops a column", ALTER + "DROP COLUMN"),
    ("renames", ALTER + "RENAME"),
    ("changes a type", ALTER + "ALTER COLUMN " + COLUMN + "(?:SET DATA )?TYPE"),
    ("demands a value", ALTER + "ALTER COLUMN " + COLUMN + "(?:SET NOT NULL|DROP DEFAULT)"),
    ("demands a value", ALTER + "ADD COLUMN (?!.* (?:DEFAULT|GENERATED) ).* NOT NULL"),
    ("writes every row", ALTER + r"ADD COLUMN .* (?:GENERATED ALWAYS|DEFAULT \w+\()"),
    ("writes every row", r'UPDATE "?(\w+)"? '),
    ("reads every row under its lock",
     ALTER + "ADD CONSTRAINT (?!.* (?:NOT VALID|USING INDEX)).* ?(?:CHECK|FOREIGN KEY|EXCLUDE|UNIQUE|PRIMARY KEY)"),
    ("indexes while writers wait", r'CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY|IF NOT EXISTS).* ON "?(\w+)"?'),
)  # fmt: skip
Rows = Mapping[str, Mapping[str, object]]
Tables = Mapping[str, Sequence[ReflectedColumn]]


@dataclass(frozen=True, slots=True)
class Fault:
    what: str
    table: str


def judged(statements: Iterable[str]) -> Iterator[Fault]:
    """What would break old code, or keep it waiting, by a table that is older than these statements."""
    new = {"alembic_version"}
    for statement in (" ".join(each.split()) for each in statements):
        if created := re.match(r'CREATE TABLE "?(\w+)"?', statement):
            new.add(created[1])
        for what, pattern in FAULTS:
            if found := re.match(pattern, statement, re.IGNORECASE):
                if found[1] not in new:
                    yield Fault(what, found[1])
                break


def revisions_of(service: str) -> list[str]:
    """In the order in which they come."""
    script = ScriptDirectory(str(HERE), version_locations=[str(HERE / service / "versions")])
    return [each.revision for each in script.walk_revisions()][::-1]


@contextmanager
def overheard() -> Generator[list[str]]:
    """Every statement that is sent to any database meanwhile."""
    said = list[str]()

    def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def named_in(statements: Iterable[str]) -> set[str]:
    """Every name that stands in them, of tables among others."""
    return {word for statement in statements for word in re.findall(r"\w+", statement)}


async def rows_that_fit(database: Database, among: Container[str]) -> Rows:
    """For each of the tables a row as the code of this revision might write it: every column named, and all in order.

    Rows that refer to others do so without them being there. A table is left out where no such row is found.
    """
    async with database.transaction() as tx:
        return await tx.run_sync(_rows_that_fit, among)


async def statements_refused(database: Database, rows: Rows) -> dict[str, str]:
    """Which of the rows can no longer be added, read by their columns' names and changed, and why."""
    async with database.transaction() as tx:
        return await tx.run_sync(_refused, rows)


def _rows_that_fit(connection: Connection, among: Container[str]) -> Rows:
    tables, found = _tables(connection), dict[str, Mapping[str, object]]()
    words = _words(connection)
    for name, columns in tables.items():
        if name not in among:
            continue
        whole = {column["name"]: words.get((name, column["name"]), _any(column["type"])) for column in columns}
        bare = {column["name"]: None if column["nullable"] else whole[column["name"]] for column in columns}
        for row in (bare, whole):
            if not _refused(connection, {name: row}, tables):
                found[name] = row
                break
    return found


def _refused(connection: Connection, rows: Rows, tables: Tables | None = None) -> dict[str, str]:
    tables, refused = tables or _tables(connection), dict[str, str]()
    connection.execute(text("SET LOCAL session_replication_role = replica"))  # no row needs those it refers to
    for name, row in rows.items():
        types = {column["name"]: column["type"] for column in tables.get(name, ())}
        if missing := row.keys() - types.keys():
            refused[name] = f"there is no {', '.join(sorted(missing))}"
            continue
        table = Table(name, MetaData(), *(Column(column, types[column]) for column in row))
        trial = connection.begin_nested()
        try:
            connection.execute(table.insert(), row)
            connection.execute(table.update(), row)
            connection.execute(table.select()).all()
        except DBAPIError as error:
            refused[name] = str(error.orig)
        trial.rollback()
    return refused


def _tables(connection: Connection) -> Tables:
    """Of every table, the columns that a statement may give a value."""
    found = inspect(connection).get_multi_columns()
    return {name: [each for each in columns if not each.get("computed")] for (_, name), columns in found.items()}


def _words(connection: Connection) -> dict[tuple[str, str], str]:
    """For columns that take one of a few words, the first."""
    checks = "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"
    few = re.compile(r"\(\(?(\w+)\)?(?:::\w+)? = ANY \(+ARRAY\['(\w+)'")
    return {
        (table, column): word for table, said in connection.execute(text(checks)) for column, word in few.findall(said)
    }


def _any(kind: TypeEngine[Any]) -> object:
    match kind:
        case Boolean():
            return False
        case Integer():
            return 1
        case DateTime():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case JSON():
            return []
        case _:
            return b"x" if "BYTEA" in str(kind) else "x"
