"""Work that may outlast the request that began it: it goes on, and who sends the request again waits on for it.

Promises: no request waits longer than WAIT_SECONDS; the same key and body never begin twice in this process while the
work is done or its outcome has not been fetched, a refusal like an answer; another body under the key is refused.
Requires: work that commits its own answer under the key, for a process may die, and another replica may be asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from shared.errors import Conflict
from shared.idempotency import KeyReused, Once

Outcome = TypeVar("Outcome")
WAIT_SECONDS = 30.0  # half of what a client commonly waits
UNFETCHED_MAX = 100


class Step(StrEnum):
    WAITING = "waiting"
    READING = "reading"
    COUNTING = "counting"
    PLANNING = "planning"


class StillInTheMaking(Conflict):
    """This takes longer than a request may: send the same request with the same key again to wait on for it."""


@dataclass(slots=True)
class Lasting(Generic[Outcome]):
    """Some work, and how far it has come."""

    request_digest: str
    step: Step = Step.WAITING
    task: "asyncio.Task[Outcome] | None" = None


Works = dict[str, Lasting[Outcome]]


async def outcome(
    works: Works[Outcome], once: Once, work: Callable[[Callable[[Step], None]], Awaitable[Outcome]]
) -> Outcome:  # fmt: skip
    """What the work comes to, or what it raises. Raises StillInTheMaking where that takes too long, and KeyReused.

    The work is told by what to say how far it has come.
    """
    known = works.get(once.name)
    if known is None:
        known = works[once.name] = Lasting[Outcome](once.request_digest)
        known.task = asyncio.create_task(_begun(known, work))
        known.task.add_done_callback(_looked_at)
        _forget(works)
    if known.request_digest != once.request_digest:
        raise KeyReused()
    assert known.task
    await asyncio.wait({known.task}, timeout=WAIT_SECONDS)  # which leaves it at work, also when the request is gone
    if not known.task.done():
        raise StillInTheMaking(step=known.step, retry_after_seconds=1)
    works.pop(once.name, None)
    return known.task.result()


async def _begun(known: Lasting[Outcome], work: Callable[[Callable[[Step], None]], Awaitable[Outcome]]) -> Outcome:
    def tell(step: Step) -> None:
        known.step = step

    return await work(tell)


def _forget(works: Works[Outcome]) -> None:
    """The oldest outcomes that nobody has fetched, where they are too many."""
    done = [name for name, known in works.items() if known.task and known.task.done()]
    for name in done[: max(len(works) - UNFETCHED_MAX, 0)]:
        del works[name]


def _looked_at(task: "asyncio.Task[Outcome]") -> None:
    """So that nothing complains of a refusal that nobody fetches."""
    if not task.cancelled():
        task.exception()
