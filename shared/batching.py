"""Group commit: what arrives while the last commit ran is worked off together in the next.

Callers who ask again as soon as they are answered would all come to wait for one batch, and then nothing is done but
wait, for the database or for them. So of many only half are taken (decision 53): while the database is at work on the
one half, the other is answered and asks again.
Promises: one worker at a time, in the order of arrival; no timer, so that a lone caller never waits for company; each
caller gets the outcome of its own item; a batch that fails as a whole is tried again one by one, so that one bad item
cannot fail its neighbours. Not so where a part that all of them need is away: then whether the batch took effect is
unknown, and each caller is told so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared import log, observing, tenancy
from shared.errors import Unavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

BATCH_MAX = 256
QUEUE_MAX = 10_000
WHOLE_MAX = 8  # so few are always taken together


class Overloaded(Unavailable):
    """More is waiting than can be worked off in time; try again."""


class Batcher(Generic[Item, Outcome]):
    """`work` takes a batch and returns an outcome, or the error to raise, for each item in the same order."""

    def __init__(
        self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]], *, batch_max: int = BATCH_MAX,
        name: str = "batch",
    ) -> None:  # fmt: skip
        self._work, self._batch_max, self._name = work, batch_max, name
        self._waiting: list[tuple[Item, asyncio.Future[Outcome], observing.Span]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Outcome:
        """Returns once the item's batch has been worked off. Raises Overloaded if too many wait."""
        if len(self._waiting) >= QUEUE_MAX:
            raise Overloaded(retry_after_seconds=1)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future, observing.span()))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        tenancy.work_for_everyone()  # a batch has the items of many, whoever came first
        log.set_request_id(None)
        size = 0
        while self._waiting:
            size = min(size_of_next(size, len(self._waiting)), self._batch_max)
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
            with observing.batch(self._name, len(self._waiting), [span for _, _, span in batch]):
                outcomes = await self._outcomes([item for item, _, _ in batch])
            for (_, future, _), outcome in zip(batch, outcomes, strict=True):
                if future.cancelled():
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    async def _outcomes(self, items: list[Item]) -> Sequence[Outcome | Exception]:
        try:
            return await self._work(items)
        except Exception as error:
            if isinstance(error, Unavailable):
                return [error] * len(items)
            if len(items) == 1:
                return [error]
        return [outcome for item in items for outcome in await self._outcomes([item])]


def size_of_next(last: int, waiting: int) -> int:
    """How many to take after a batch of `last`, where so many wait: half of both, or all if they are few."""
    return min(waiting, max((last + waiting + 1) // 2, WHOLE_MAX))
