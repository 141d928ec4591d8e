"""One run of a job, and what is due: the same for every service.

Promises: a job that fails is said, counted and kept from ending the loop that runs it; what it does is found under one
id, in its lines of the log and in those of whom it asked; how late it is shows even while it is late.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from shared import log, observing
from shared.clock import Stopwatch
from shared.database import Database, Transaction
from shared.errors import Unavailable
from shared.ids import RequestId

Found = TypeVar("Found")
LATE_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 86_400)  # how exactly a lateness is told
Find = Callable[[Transaction, datetime], Awaitable[list[Found]]]
logger = logging.getLogger(__name__)


async def attempt(job: Callable[..., Awaitable[object]], *given: Any) -> bool:
    """Run a job once. Returns whether it ran to its end; what went wrong is in the log."""
    name, observer = _name_of(job), observing.current()
    before = log.set_job_id(RequestId.new())
    watch = Stopwatch()
    try:
        if observer is None:
            await job(*given)
        else:
            with observing.job(observer, name):
                await job(*given)
    except Exception as error:
        if isinstance(error, Unavailable):
            logger.warning("%s waits: %s", name, error.told_code)
        else:
            logger.exception("%s failed; it runs again", name)
        _tell(observer, name, "failed", watch)
        return False
    else:
        _tell(observer, name, "succeeded", watch)
        return True
    finally:
        log.set_job_id(before)


async def due(database: Database, find: Find[Found]) -> list[Found]:
    """What is due by now, and how late it is."""
    async with database.read() as tx:
        now = await database.now(tx)
        found = await find(tx, now)
        await tell_lateness(tx, find, now, found)
    return found


async def tell_lateness(tx: Transaction, find: Find[Found], now: datetime, found: Sequence[Found]) -> None:
    """Tell how long the longest overdue of what was found has waited at least. Asks nothing where nothing is due."""
    if observer := observing.current():
        late_by = await lateness(partial(find, tx), now) if found else 0
        observer.metrics.job_lateness.labels(_name_of(find)).set(late_by)


async def lateness(find: Callable[[datetime], Awaitable[Sequence[object]]], now: datetime) -> int:
    """The most of LATE_SECONDS for which something was due so long ago: by halves, as that asks least."""
    low, high = 0, len(LATE_SECONDS)
    while low < high:
        middle = (low + high) // 2
        if await find(now - timedelta(seconds=LATE_SECONDS[middle])):
            low = middle + 1
        else:
            high = middle
    return LATE_SECONDS[low - 1] if low else 0


def _name_of(job: Callable[..., object]) -> str:
    """With the noun that it is about, for many are called the same."""
    home = job.__module__.rpartition(".")[2]
    return job.__name__ if home == "jobs" else f"{home}.{job.__name__}"


def _tell(observer: observing.Observer | None, name: str, outcome: str, watch: Stopwatch) -> None:
    if observer is None:
        return
    metrics = observer.metrics
    metrics.job_runs.labels(name, outcome).inc()
    metrics.job_seconds.labels(name).observe(watch.seconds())
    if outcome == "succeeded":
        metrics.job_succeeded.labels(name).set_to_current_time()
