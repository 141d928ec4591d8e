"""Several pieces of work at once: none goes on once nobody waits for it."""

import asyncio

import pytest

from shared.together import one_behind, together


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


async def test_what_goes_on_behind_is_one_after_the_other_and_has_ended_at_the_end():
    said = list[str]()

    async def tell(number: int) -> None:
        said.append(f"{number} begins")
        await asyncio.sleep(0)
        said.append(f"{number} ends")

    async with one_behind() as behind:
        for number in (1, 2):
            await behind.follow(tell, number)
            said.append(f"meanwhile {number}")
    assert said == ["1 begins", "meanwhile 1", "1 ends", "2 begins", "meanwhile 2", "2 ends"]


async def stumble() -> None:
    await asyncio.sleep(0)
    raise ValueError("this one failed")


async def test_what_fails_behind_is_told_to_whoever_gives_the_next_or_leaves():
    for following in ([just], []):
        with pytest.raises(ValueError, match="this one failed"):
            async with one_behind() as behind:
                await behind.follow(stumble)
                for work in following:
                    await behind.follow(work, 1)  # pyright: ignore[reportArgumentType]


async def test_whoever_fails_leaves_nothing_behind_them():
    worker = Worker()
    worker.may_end.set()

    async def wait() -> None:
        await worker.work()

    with pytest.raises(KeyError):
        async with one_behind() as behind:
            await behind.follow(wait)
            raise KeyError
    assert worker.ended
