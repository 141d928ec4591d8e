"""An event loop in which nothing takes time but what says so: the same coroutines, the same order, every time.

Promises: callbacks run in the order asyncio promises; when nothing is ready, time jumps to the next timer; nothing
happens in a thread. What races, races by the pauses that a seed draws for statements and messages.
Does not: read the machine's clock, wait for files or sockets, or run anything beside itself.
"""

import asyncio
import heapq
from asyncio import TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

Result = TypeVar("Result")
EPOCH = datetime(2030, 1, 1, tzinfo=UTC)


class NothingLeftToHappen(Exception):
    """Something is waited for that nothing will bring about."""


class VirtualLoop(asyncio.BaseEventLoop):
    _ready: "deque[asyncio.Handle]"
    _scheduled: list[TimerHandle]

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self._seconds = seconds

    def time(self) -> float:
        return self._seconds

    def run_in_executor(self, executor: Any, func: Callable[..., Result], *args: Any) -> "asyncio.Future[Result]":  # pyright: ignore[reportIncompatibleMethodOverride]
        """At once, in place: what a thread would do beside us is done before anything else happens."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0].cancelled():
            self._forget(heapq.heappop(self._scheduled))
        if not self._ready:
            if not self._scheduled:
                raise NothingLeftToHappen
            self._seconds = max(self._seconds, self._scheduled[0].when())
        while self._scheduled and self._scheduled[0].when() <= self._seconds:
            timer = heapq.heappop(self._scheduled)
            self._forget(timer)
            self._ready.append(timer)
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()

    def _forget(self, timer: TimerHandle) -> None:
        timer._scheduled = False  # pyright: ignore[reportAttributeAccessIssue]

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """It is passed over when its time comes."""

    def _process_events(self, event_list: object) -> None:
        """There are no files and no sockets."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


class SimulatedClock:
    """The loop's time, as one of the machines has it: `skew` is how far it goes wrong."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = EPOCH) -> None:
        self._loop, self._start, self.skew = loop, start, timedelta()

    def now(self) -> datetime:
        return self._start + timedelta(microseconds=round(self._loop.time() * 1_000_000)) + self.skew

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def spawned(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result], context: Context
) -> asyncio.Task[Result]:
    """The work as a task of its own, knowing nothing of whoever began it."""
    return loop.create_task(work, context=context)
