"""SQLite's driver with one turn of its thread for each statement.

aiosqlite runs SQLite in a thread, and goes there anew for a cursor, for the execution, for the rows and for the close:
four times waits the one thread for the other, which on a busy machine takes far longer than the statement. Here a
statement goes there once and comes back with all of its rows, which SQLAlchemy asks for in any case.

A transaction begins with its first statement, in the same turn, and one that asked for nothing ends without any.

Promises: what is undone was not committed, and everything else is undone before the connection is used again, also
where whoever waited for a statement has gone, or their event loop is closed.
Does not: stream. Rows that do not fit in memory are read in pages.
"""

import asyncio
import sqlite3
from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import Any, Self

import aiosqlite

CHUNK_ROWS = 64  # of aiosqlite's own cursors, which nobody uses
ENDED = object()  # what a thread's last turn gives
REACHED = (("rows", None, None, None, None, None, None),)  # the one column of what a script finds


@dataclass(frozen=True, slots=True)
class Step:
    """A statement, and by which method of a cursor it goes."""

    method: str
    statement: str
    parameters: Any


class Script(str):
    """Several statements that go in one turn. Executed, it has a row for each, with the number of rows it reached."""

    __slots__ = ("steps",)
    steps: tuple[Step, ...]

    def __new__(cls, steps: tuple[Step, ...]) -> Self:
        script = super().__new__(cls, "; ".join(step.statement for step in steps))
        script.steps = steps
        return script


def connection(path: str, pragmas: Sequence[str] = (), **options: Any) -> "Connection":
    """A connection that opens when it is awaited; its thread ends with the process."""
    return Connection(lambda: opened(path, pragmas, **options))


def opened(path: str, pragmas: Sequence[str], **options: Any) -> sqlite3.Connection:
    """The file, opened and made ready in one turn."""
    made = sqlite3.connect(path, **options)
    try:
        for pragma in pragmas:
            made.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        made.close()
        raise
    return made


class Connection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, CHUNK_ROWS)
        self._tx = self._turns = SimpleQueue[tuple[Future[Any] | None, Callable[[], Any]]]()
        self._thread = Thread(target=_serve, args=(self._turns,), daemon=True)
        self._is_settled = False  # nothing was asked for since the last commit or rollback that went well
        self._is_ending = False  # its thread takes no turn that comes from now on
        self._begin: str | None = None  # how the transaction begins that has asked for nothing yet

    def __del__(self) -> None:
        """Whoever opened it was cancelled before they had it: its thread ends, and with it the file is closed."""
        if self._connection is not None:
            self.stop()

    async def close(self) -> None:
        """Return once the file is closed. Whoever closes what is closed already, or being closed, waits for nothing."""
        if ended := self.stop():
            await ended

    def stop(self) -> Future[Any] | None:
        """Close the file, once what was asked before is done, and end the thread. A loop that runs can wait for it, the
        first time."""
        self._running = False
        if self._is_ending:
            return None
        self._is_ending, opened, self._connection = True, self._connection, None

        def end() -> object:
            if opened is not None:
                opened.close()
            return ENDED

        try:
            future = asyncio.get_running_loop().create_future()
        except RuntimeError:
            future = None
        self._turns.put_nowait((future, end))
        return future

    def cursor(self) -> "Cursor":  # pyright: ignore[reportIncompatibleMethodOverride]
        return Cursor(self)

    def begin_by(self, statement: str) -> None:
        """Begin a transaction once something is asked for in it. Requires that none is open."""
        self._begin = statement

    async def run(self, *steps: Step) -> "Found":
        """In one turn: what the last of the steps finds, and how many rows each of them reached."""
        self._is_settled = False
        begin, self._begin = self._begin, None
        return await self._execute(_found, self._conn, begin, steps)  # pyright: ignore[reportUnknownMemberType]

    async def commit(self) -> None:
        if self._begin:
            self._begin = None
            return
        self._is_settled = False
        await super().commit()
        self._is_settled = True

    async def rollback(self) -> None:
        """Undo what was not committed: no turn where that is nothing, as after each commit."""
        self._begin = None
        if not self._is_settled:
            await super().rollback()
            self._is_settled = True


@dataclass(frozen=True, slots=True)
class Found:
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: list[Any] = field(default_factory=list[Any])
    reached: list[int] = field(default_factory=list[int])


class Cursor:
    """What SQLAlchemy takes for a cursor: its rows are here as soon as it was executed."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection, self._found = connection, Found()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        return self._found.description

    @property
    def rowcount(self) -> int:
        return self._found.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._found.lastrowid

    async def execute(self, statement: str, parameters: Iterable[Any] = ()) -> None:
        if isinstance(statement, Script):
            reached = (await self._connection.run(*statement.steps)).reached
            self._found = Found(description=REACHED, rows=[(rows,) for rows in reached])
        else:
            self._found = await self._connection.run(Step("execute", statement, parameters))

    async def executemany(self, statement: str, parameters: Iterable[Iterable[Any]]) -> None:
        self._found = await self._connection.run(Step("executemany", statement, parameters))

    async def fetchall(self) -> list[Any]:
        return self._found.rows

    async def close(self) -> None:
        """Nothing is open any more."""


def _found(connection: sqlite3.Connection, begin: str | None, steps: tuple[Step, ...]) -> Found:
    cursor, reached = connection.cursor(), list[int]()
    try:
        if begin:
            cursor.execute(begin)
        for step in steps:
            getattr(cursor, step.method)(step.statement, step.parameters)
            reached.append(cursor.rowcount)
        rows = cursor.fetchall() if cursor.description else []
        return Found(cursor.description, cursor.rowcount, cursor.lastrowid, rows, reached)
    finally:
        cursor.close()


def _serve(turns: SimpleQueue[tuple[Future[Any] | None, Callable[[], Any]]]) -> None:
    while _take(*turns.get()) is not ENDED:
        pass


def _take(future: Future[Any] | None, function: Callable[[], Any]) -> object:
    try:
        result = function()
    except BaseException as error:
        _answer(future, Future[Any].set_exception, error)
        return None
    _answer(future, Future[Any].set_result, result)
    return result


def _answer(future: Future[Any] | None, settle: Callable[[Future[Any], Any], None], answer: object) -> None:
    def settle_once() -> None:
        if future and not future.done():
            settle(future, answer)

    if future:
        with suppress(RuntimeError):  # its loop is closed: nobody waits any more
            future.get_loop().call_soon_threadsafe(settle_once)
