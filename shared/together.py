"""Several pieces of work at once, none of which outlives whoever waits for it.

Promises: all have ended when it returns or raises, also where one fails or whoever waits is cancelled. `asyncio.gather`
does not promise it: cancelled, it ends with the first of them, and the others go on in a process that is leaving.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

Given = TypeVar("Given")


async def together(*work: Coroutine[Any, Any, Given]) -> list[Given]:
    """What each gives, in their order. None is ended because another failed: the first failure is raised at the end."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        if tasks:
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]


@dataclass(slots=True)
class Behind:
    """One piece of work at a time, which goes on while whoever gave it does something else."""

    _task: asyncio.Task[None] | None = None

    async def follow(self, work: Callable[..., Coroutine[Any, Any, None]], *given: Any) -> None:
        """Begin with this once what came before has ended, and go on as soon as it waits. Raises what that one did."""
        await self.ended()
        self._task = asyncio.create_task(work(*given))
        await asyncio.sleep(0)

    async def ended(self) -> None:
        if self._task:
            await asyncio.wait([self._task])
            self._task.result()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def one_behind() -> AsyncGenerator[Behind]:
    """What was begun last has ended when this is left; where something fails meanwhile, it is cancelled."""
    behind = Behind()
    try:
        yield behind
        await behind.ended()
    finally:
        await behind.stop()
