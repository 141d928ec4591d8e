"""Several pieces of work at once: none goes on once nobody waits for it."""

import asyncio

import pytest

from shared.together import together


class Worker:
    def __init__(self) -> None:
        self.begun, self.may_end, self.ended = asyncio.Event(), asyncio.Event(), False

    async def work(self) -> "Worker":
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_end.wait()
            self.ended = True
        return self


async def just(value: int) -> int:
    return value


async def fail() -> int:
    raise ValueError("this one failed")


async def test_what_each_gives_comes_in_their_order():
    assert await together(just(1), just(2), just(3)) == [1, 2, 3]
    assert await together() == []


async def test_one_that_fails_ends_no_other_and_is_told_at_the_end():
    done = list[int]()

    async def slowly() -> int:
        for _ in range(10):
            await asyncio.sleep(0)
        done.append(1)
        return 1

    with pytest.raises(ValueError, match="this one failed"):
        await together(fail(), slowly())
    assert done == [1]


async def test_whoever_is_cancelled_goes_when_the_last_of_them_has_ended():
    first, last = Worker(), Worker()
    waiting = asyncio.create_task(together(first.work(), last.work()))
    await first.begun.wait()
    await last.begun.wait()
    waiting.cancel()
    first.may_end.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert first.ended and not waiting.done()
    last.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert last.ended
