"""Group commit: together what waits together, in order, and each to its own outcome."""

import asyncio
from collections.abc import Sequence

import pytest

from shared import batching
from shared.batching import WHOLE_MAX, Batcher, Overloaded, size_of_next
from shared.errors import Unavailable


class Works:
    """Doubles numbers, refuses odd ones, and breaks the whole batch on a 13."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.running = 0
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        self.running += 1
        assert self.running == 1, "one worker at a time"
        try:
            await self.may_go.wait()
            if 13 in items:
                raise ZeroDivisionError
            return [ValueError(item) if item % 2 else item * 2 for item in items]
        finally:
            self.running -= 1


async def test_a_lone_caller_waits_for_nobody():
    works = Works()
    assert await Batcher(works).submit(2) == 4
    assert works.batches == [[2]]


async def test_what_arrives_while_the_last_batch_ran_is_worked_off_together_in_order_of_arrival():
    works = Works()
    batcher = Batcher(works)
    works.may_go.clear()
    first = asyncio.create_task(batcher.submit(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batcher.submit(number)) for number in (2, 4, 6)]
    await asyncio.sleep(0)
    works.may_go.set()
    assert await asyncio.gather(first, *others) == [0, 4, 8, 12]
    assert works.batches == [[0], [2, 4, 6]]


async def test_each_caller_gets_the_outcome_or_the_error_of_its_own_item():
    outcomes = await asyncio.gather(*map(Batcher(Works()).submit, [2, 3, 4, 5]), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["4", "3", "8", "5"]
    assert [type(outcome) for outcome in outcomes] == [int, ValueError, int, ValueError]


async def test_one_bad_item_does_not_fail_its_neighbours():
    works = Works()
    outcomes = await asyncio.gather(*map(Batcher(works).submit, [2, 13, 4]), return_exceptions=True)
    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (4, ZeroDivisionError, 8)
    assert works.batches == [[2, 13, 4], [2], [13], [4]]


async def test_where_a_part_that_all_need_is_away_nothing_is_tried_again_and_each_is_told():
    tried = list[Sequence[int]]()

    async def work(items: Sequence[int]) -> Sequence[int]:
        tried.append(items)
        raise Unavailable(retry_after_seconds=1)

    outcomes = await asyncio.gather(*map(Batcher(work).submit, [1, 2, 3]), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert tried == [[1, 2, 3]]


async def test_a_batch_has_a_largest_size():
    works = Works()
    await asyncio.gather(*map(Batcher(works, batch_max=3).submit, range(0, 16, 2)))
    assert works.batches == [[0, 2, 4], [6, 8, 10], [12, 14]]


@pytest.mark.parametrize("last, waiting, size", [
    (0, 1, 1), (63, 1, 1), (0, WHOLE_MAX, WHOLE_MAX), (0, WHOLE_MAX + 1, WHOLE_MAX),
    (0, 64, 32), (1, 63, 32), (32, 32, 32), (31, 33, 32), (64, 20, 20), (256, 1000, 628),
])  # fmt: skip
def test_of_many_half_of_those_under_way_are_taken_and_of_few_all(last: int, waiting: int, size: int):
    assert size_of_next(last, waiting) == size


async def test_callers_who_ask_again_at_once_are_soon_worked_off_in_two_halves():
    works = Works()
    batcher = Batcher(works)

    async def asks_again_and_again() -> None:
        for _ in range(12):
            await batcher.submit(2)

    await asyncio.gather(*(asks_again_and_again() for _ in range(64)))
    assert sum(map(len, works.batches)) == 64 * 12
    assert {len(batch) for batch in works.batches[2:-2]} == {32}


async def test_a_caller_that_went_away_keeps_nobody_waiting():
    works = Works()
    batcher = Batcher(works)
    works.may_go.clear()
    leaves, stays = (asyncio.create_task(batcher.submit(number)) for number in (2, 4))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaves.cancel()
    works.may_go.set()
    assert await stays == 8
    assert await batcher.submit(6) == 12


async def test_when_too_many_wait_the_next_is_told_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batching, "QUEUE_MAX", 2)
    works = Works()
    batcher = Batcher(works)
    works.may_go.clear()
    tasks = [asyncio.create_task(batcher.submit(0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(batcher.submit(number)) for number in (2, 4)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as told:
        await batcher.submit(6)
    assert told.value.facts == {"retry_after_seconds": 1}
    works.may_go.set()
    assert await asyncio.gather(*tasks) == [0, 4, 8]
