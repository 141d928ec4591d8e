"""Several pieces of work at once, none of which outlives whoever waits for it.

Promises: all have ended when it returns or raises, also where one fails or whoever waits is cancelled. `asyncio.gather`
does not promise it: cancelled, it ends with the first of them, and the others go on in a process that is leaving.
"""

import asyncio
from collections.abc import Coroutine
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
