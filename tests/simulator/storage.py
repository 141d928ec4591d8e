"""Real SQL on real files, in place of a thread: each statement takes a moment that the seed draws, and then happens.

Promises: a connection that is cut leaves what it had not committed undone, and reaches the file no more, whatever the
code that held it still does; between a commit and whoever waits for it there is a moment in which anything may happen.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from shared.clock import Clock
from shared.database import Database
from shared.sqlite import Connection, Found, Step, opened


class Disk:
    """How long a statement takes, which connections of one service are open, and after which statement it dies."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.slowest_seconds = chance, 0.002
        self.open: dict[PlacedConnection, None] = {}
        self.statements_left: int | None = None
        self.kill: Callable[[], None] = lambda: None
        self.killed_after = ""  # which statement
        self.unwritable: str | None = None  # whose rows cannot be written for now

    async def pause(self) -> None:
        await asyncio.sleep(self.chance.random() * self.slowest_seconds)

    def count(self, statement: str) -> None:
        """One statement is done, and perhaps it was the last."""
        if self.statements_left is not None:
            self.statements_left -= 1
            if self.statements_left <= 0:
                self.statements_left, self.killed_after = None, statement
                self.kill()

    def cut(self) -> None:
        """As when the process dies: whatever is open is closed, and nothing of it can be used again."""
        for each in list(self.open):
            each.cut()


class _InPlace:
    """What the driver puts its turns into: they are done at once."""

    def put_nowait(self, turn: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, function = turn
        result = function()
        if future and not future.done():
            future.set_result(result)


class PlacedConnection(Connection):
    def __init__(self, disk: Disk, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector)
        self._disk, self._is_cut = disk, False
        self._tx = self._turns = _InPlace()  # pyright: ignore[reportAttributeAccessIssue, reportIncompatibleUnannotatedOverride]

    def __await__(self) -> Any:
        return self._opened().__await__()

    async def _opened(self) -> "PlacedConnection":
        self._connection = self._connector()
        self._disk.open[self] = None
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        await self._disk.pause()
        if self._is_cut or self._connection is None:
            raise sqlite3.OperationalError("connection closed")
        is_commit = fn == self._connection.commit
        result = fn(*args, **kwargs)
        self._disk.count("commit" if is_commit else "statement")
        if is_commit:
            await self._disk.pause()
        return result

    async def run(self, *steps: Step) -> Found:
        whose = self._disk.unwritable
        if whose and any(step.statement.startswith("UPDATE") and whose in step.parameters for step in steps):
            raise sqlite3.OperationalError(f"the rows of {whose} cannot be written")
        return await super().run(*steps)

    def stop(self) -> asyncio.Future[Any] | None:
        self.cut()
        return None

    def cut(self) -> None:
        self._is_cut, self._running = True, False
        self._disk.open.pop(self, None)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        """Cut by its disk, if by nobody else."""


class PlacedDatabase(Database):
    """Kept from run to run, with what SQLAlchemy has learned of its statements. Requires `renew` before each use."""

    def __init__(self, path: Path, service: str, clock: Clock, disk: Disk) -> None:
        def connect(target: str, pragmas: Sequence[str], **options: Any) -> PlacedConnection:
            return PlacedConnection(self.disk, lambda: opened(target, pragmas, **options))

        self.disk = disk
        super().__init__(f"sqlite+aiosqlite:///{path}", schema=service, clock=clock, connect=connect)

    def renew(self, clock: Clock) -> None:
        """For a process that starts: nobody listens to its commits yet, and no connection is open."""
        self.disk.cut()
        self._clock = clock
        self._after_commit.clear()
        self._after_news.clear()
        for engine in (self._writer, self._readers):
            engine.sync_engine.dispose(close=False)
