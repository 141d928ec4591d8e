"""SQLite's driver: what comes back is what aiosqlite brings, and what was not committed is undone."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from shared import sqlite


class Counted(sqlite.Connection):
    """Counts the turns of its thread."""

    turns = 0

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        self.turns += 1
        return await super()._execute(fn, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncGenerator[Counted]:
    opened = Counted(lambda: sqlite3.connect(tmp_path / "one.db", isolation_level=None))
    async with opened:
        await run(opened, "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        yield opened


async def run(connection: aiosqlite.Connection, statement: str, *parameters: object) -> tuple[object, ...]:
    """As SQLAlchemy does it."""
    cursor = await connection.cursor().__aenter__()
    await cursor.execute(statement, parameters)
    rows = list[Any](await cursor.fetchall()) if cursor.description else []
    await cursor.close()
    return cursor.description, cursor.rowcount, cursor.lastrowid, rows


async def names(connection: sqlite.Connection) -> list[str]:
    return [
        name
        for (name,) in (await connection.run(sqlite.Step("execute", "SELECT name FROM things ORDER BY id", ()))).rows
    ]


async def test_a_statement_finds_what_it_finds_with_the_driver_beneath(tmp_path: Path):
    statements = [
        ("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)",),
        ("INSERT INTO things (name) VALUES (?), (?)", "a", "b"),
        ("INSERT INTO things (name) VALUES (?) RETURNING id, name", "c"),
        ("UPDATE things SET name = upper(name) WHERE id > ?", 1),
        ("SELECT id, name AS called FROM things",),
        ("SELECT id FROM things WHERE false",),
        ("DELETE FROM things",),
    ]
    async with (
        aiosqlite.connect(tmp_path / "theirs.db") as theirs,
        sqlite.connection(str(tmp_path / "ours.db")) as ours,
    ):
        for statement, *parameters in statements:
            assert await run(ours, statement, *parameters) == await run(theirs, statement, *parameters), statement


async def test_a_statement_takes_one_turn(connection: Counted):
    before = connection.turns
    await run(connection, "BEGIN")
    await run(connection, "INSERT INTO things (name) VALUES ('a') RETURNING id")
    await connection.commit()
    await connection.rollback()
    assert connection.turns - before == 3


async def test_several_statements_take_one_turn_and_tell_how_many_rows_each_reached(connection: Counted):
    many = sqlite.Step("executemany", "INSERT INTO things (name) VALUES (?)", [("a",), ("b",)])
    change = sqlite.Step("execute", "UPDATE things SET name = ? WHERE name = ?", ("c", "b"))
    none = sqlite.Step("execute", "UPDATE things SET name = ? WHERE name = ?", ("c", "nobody"))
    before = connection.turns
    description, _, _, rows = await run(connection, sqlite.Script((many, change, none)))
    assert connection.turns - before == 1
    assert description and rows == [(2,), (1,), (0,)]
    assert await names(connection) == ["a", "c"]


async def test_many_rows_are_written_at_once(connection: sqlite.Connection):
    await connection.cursor().executemany("INSERT INTO things (name) VALUES (?)", [("a",), ("b",)])
    assert await names(connection) == ["a", "b"]


async def test_what_failed_is_undone(connection: sqlite.Connection):
    await run(connection, "BEGIN")
    await run(connection, "INSERT INTO things (name) VALUES ('a')")
    with pytest.raises(sqlite3.IntegrityError):
        await run(connection, "INSERT INTO things (name) VALUES ('a')")
    await connection.rollback()
    assert await names(connection) == [] and not connection.in_transaction


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "INSERT INTO things (name) VALUES ('b')"])
async def test_what_nobody_waits_for_any_more_is_undone(connection: sqlite.Connection, statement: str):
    """The thread may still be about to run it when its asker has gone."""
    await run(connection, "BEGIN")
    await run(connection, "INSERT INTO things (name) VALUES ('a')")
    await connection.commit()
    if statement != "BEGIN IMMEDIATE":
        await run(connection, "BEGIN")
    asking = asyncio.create_task(run(connection, statement))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await connection.rollback()
    assert not connection.in_transaction and await names(connection) == ["a"]


def test_a_loop_that_closes_while_a_statement_runs_leaves_its_thread_whole(tmp_path: Path):
    """Whoever waited was cancelled and their loop is gone: the thread has nobody to answer, and still ends in order."""
    begun, may_end = threading.Event(), threading.Event()
    held: list[sqlite.Connection] = []

    def slowly() -> int:
        begun.set()
        return int(may_end.wait(60))

    async def ask() -> None:
        opened = sqlite.connection(str(tmp_path / "one.db"))
        await opened
        held.append(opened)
        await opened.create_function("slowly", 0, slowly)  # pyright: ignore[reportUnknownMemberType]
        asking = asyncio.create_task(run(opened, "SELECT slowly()"))
        await asyncio.to_thread(begun.wait, 60)
        asking.cancel()

    asyncio.run(ask())
    thread = held[0]._thread  # pyright: ignore[reportPrivateUsage]
    held[0].stop()
    may_end.set()
    thread.join(60)
    assert not thread.is_alive()


async def test_whoever_stops_a_connection_can_wait_until_its_file_is_closed(tmp_path: Path):
    opened = sqlite.connection(str(tmp_path / "one.db"))
    await opened
    await run(opened, "CREATE TABLE things (id INTEGER PRIMARY KEY)")
    driver = opened._conn  # pyright: ignore[reportPrivateUsage]
    ended = opened.stop()
    assert ended
    await ended
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.total_changes  # noqa: B018


async def test_whoever_closes_what_another_stops_waits_for_nobody(tmp_path: Path):
    """SQLAlchemy does: whoever is cancelled while it closes what was broken stops it at once, and closing goes on."""
    opened = sqlite.connection(str(tmp_path / "one.db"))
    await opened
    closing = asyncio.create_task(opened.close())
    opened.stop()
    async with asyncio.timeout(60):
        await closing
        await opened.close()
    assert opened.stop() is None


async def test_whoever_is_cancelled_while_it_closes_leaves_no_other_waiting(tmp_path: Path):
    opened = sqlite.connection(str(tmp_path / "one.db"))
    await opened
    closing = asyncio.create_task(opened.close())
    await asyncio.sleep(0)
    closing.cancel()
    opened.stop()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await closing
    thread = opened._thread  # pyright: ignore[reportPrivateUsage]
    await asyncio.to_thread(thread.join, 60)
    assert not thread.is_alive()


async def test_a_transaction_begins_in_the_turn_of_its_first_statement(connection: Counted):
    before = connection.turns
    connection.begin_by("BEGIN IMMEDIATE")
    assert not connection.in_transaction
    change = sqlite.Step("execute", "INSERT INTO things (name) VALUES ('a')", ())
    assert (await connection.run(change)).reached == [1] and connection.in_transaction
    await run(connection, "SELECT 1")
    await connection.commit()
    assert connection.turns - before == 3 and not connection.in_transaction


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_transaction_that_asks_for_nothing_takes_no_turn(connection: Counted, end: str):
    await connection.rollback()
    before = connection.turns
    connection.begin_by("BEGIN IMMEDIATE")
    await getattr(connection, end)()
    assert connection.turns == before
    assert await names(connection) == [] and not connection.in_transaction  # nor does the next statement begin one


async def test_a_transaction_that_could_not_begin_leaves_none_open(connection: Counted, tmp_path: Path):
    await run(connection, "PRAGMA busy_timeout = 0")
    with sqlite3.connect(tmp_path / "one.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        connection.begin_by("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await run(connection, "INSERT INTO things (name) VALUES ('a')")
        await connection.rollback()
        other.execute("COMMIT")
    other.close()
    assert await names(connection) == [] and not connection.in_transaction
