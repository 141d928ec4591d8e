"""One service as a process of its own: it is started, it works on several things at once, and it may die at any await.

Promises: whoever dies loses its memory, its connections and what it had not committed, and from then on reaches neither
files nor neighbours; whoever starts again finds nothing but its files.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from fastapi import FastAPI

from shared.core import Core
from shared.errors import Unavailable
from tests.simulator.storage import PlacedDatabase

DROPPED = "sqlalchemy.pool.impl.AsyncAdaptedQueuePool"  # says that whoever died held a connection
Result = TypeVar("Result")


@dataclass(eq=False)
class Life:
    """A process from its start to its end. What it does is its tasks', and theirs, and all end with it."""

    name: str
    is_over: bool = False
    tasks: dict[asyncio.Task[Any], None] = field(default_factory=dict[asyncio.Task[Any], None])


@dataclass(frozen=True, eq=False)
class Activity:
    """One thing that somebody does: a request that is answered, a job that runs once, an act of somebody outside."""

    number: int
    life: Life
    failed: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])


_activity: ContextVar[Activity | None] = ContextVar("activity", default=None)
_numbers = count(1)


def activity() -> Activity | None:
    """What the code that runs now belongs to."""
    return _activity.get()


def remember_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop know whose each task is, those too that services begin by themselves."""

    def begin(loop: asyncio.AbstractEventLoop, coro: Any, context: Context | None = None) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=loop, context=context)
        doing = context.get(_activity) if context else _activity.get()
        if doing:
            doing.life.tasks[task] = None
            task.add_done_callback(lambda done: doing.life.tasks.pop(done, None))
        return task

    loop.set_task_factory(begin)


def begin(life: Life, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """The work as an activity of this life, which knows nothing of whoever asked for it."""
    context = Context()
    context.run(_activity.set, Activity(next(_numbers), life))
    return asyncio.get_running_loop().create_task(work, context=context)


@dataclass
class Process:
    """`make` builds the app on a database that nobody has open."""

    name: str
    database: PlacedDatabase
    make: Callable[["Process"], tuple[Core, FastAPI]]
    life: Life = field(default_factory=lambda: Life("nobody", is_over=True))
    core: Core = field(init=False)
    app: FastAPI = field(init=False)

    async def start(self) -> None:
        """Requires that it does not run."""
        self.life = Life(self.name)
        self.core, self.app = self.make(self)
        self.database.disk.statements_left, self.database.disk.kill = None, self.fall
        await begin(self.life, self._come_up())

    async def _come_up(self) -> None:
        await self.core.outbox.lease()
        with suppress(Unavailable):  # whoever is not reached is asked again by the job
            await self.core.standing.tick()

    def fall(self) -> None:
        """Die at once. What its code still does on its way out reaches nobody."""
        self.life.is_over = True
        self.database.disk.cut()
        for task in list(self.life.tasks):
            task.cancel()

    async def die(self) -> None:
        """… and be gone. Not from within."""
        self.fall()
        while self.life.tasks:
            await asyncio.gather(*self.life.tasks, return_exceptions=True)

    @property
    def lives(self) -> bool:
        return not self.life.is_over


class Unexpected(logging.Handler):
    """Keeps what a living process says of errors that nobody foresaw, `expected` being the kinds that somebody did."""

    def __init__(self, expected: tuple[type[BaseException], ...]) -> None:
        super().__init__(logging.ERROR)
        self._expected, self.heard = expected, list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        doing, error = activity(), record.exc_info[1] if record.exc_info else None
        is_cursed = error is not None and "cannot be written" in str(error)
        if (doing and doing.life.is_over) or isinstance(error, self._expected) or record.name == DROPPED or is_cursed:
            return
        whose = doing.life.name if doing else "nobody"
        self.heard.append(f"{whose}: {record.getMessage()}" + (f": {error!r}" if error else ""))


Processes = Mapping[str, Process]
