"""A write that is sent twice happens once."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from shared.forgetting import Forgetting
from shared.idempotency import KeyReused, Once, StillRunning
from shared.outbox import facts_table
from tests.support import smallest
from tests.support.bench import Bench, Person
from tests.support.smallest import Mark, Marks, marks_table

KEY = "one-and-the-same-key"
PATH = "/catalog/v1/marks"


@dataclass
class Shop:
    bench: Bench
    marks: Marks
    ana: Person
    ben: Person

    async def post(self, person: Person, name: str, key: str | None = KEY, path: str = PATH) -> Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.bench.ask("POST", person, path, json={"name": name}, headers=headers)

    async def effects(self) -> tuple[int, int]:
        """How many marks there are, and how many facts that tell of them."""
        async with self.marks.core.database.read() as tx:
            made = await tx.scalar(select(func.count()).select_from(marks_table))
            told = await tx.scalar(select(func.count()).select_from(facts_table))
        return made or 0, told or 0


@pytest.fixture
async def shop(bench: Bench) -> AsyncGenerator[Shop]:
    app, marks = await smallest.build(bench)
    async with bench.serve(catalog=app):
        yield Shop(bench, marks, await bench.member("buyer"), await bench.member("buyer"))


async def test_the_same_request_gets_the_same_answer_even_after_things_changed(shop: Shop):
    first = await shop.post(shop.ana, "first")
    await shop.post(shop.ana, "second", uuid4().hex)
    again = await shop.post(shop.ana, "first")
    assert (again.status_code, again.content, again.headers["Location"]) == (
        first.status_code, first.content, first.headers["Location"],
    )  # fmt: skip
    assert await shop.effects() == (2, 2)


async def test_whoever_sends_a_write_again_after_its_answer_was_forgotten_does_it_anew(shop: Shop):
    core, days = shop.marks.core, shop.marks.core.settings.answers_kept_days
    first = await shop.post(shop.ana, "first")
    shop.bench.clock.advance(days=days, seconds=-1)
    await shop.bench.refresh()
    assert await Forgetting(core.database, core.clock, days).forget_answers() == 0
    assert (await shop.post(shop.ana, "first")).content == first.content
    shop.bench.clock.advance(seconds=1)
    assert await Forgetting(core.database, core.clock, days).forget_answers() == 1
    again = await shop.post(shop.ana, "first")
    assert again.status_code == 201 and again.content != first.content and await shop.effects() == (2, 2)


async def test_the_same_key_with_another_body_is_refused(shop: Shop):
    await shop.post(shop.ana, "first")
    other = await shop.post(shop.ana, "second")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert await shop.effects() == (1, 1)


async def test_a_twin_in_flight_is_told_to_come_back(shop: Shop):
    twins = await asyncio.gather(*(shop.post(shop.ana, "first") for _ in range(2)))
    done, told = sorted(twins, key=lambda answer: answer.status_code)
    assert (done.status_code, told.status_code, told.json()["code"]) == (201, 409, "still_running")
    assert told.headers["Retry-After"] == "1"
    assert await shop.effects() == (1, 1)


async def test_the_same_key_of_another_caller_is_another_key(shop: Shop):
    for person in (shop.ana, shop.ben):
        assert (await shop.post(person, "first")).status_code == 201
    assert await shop.effects() == (2, 2)


async def test_the_same_key_on_another_route_is_another_key(shop: Shop):
    for path in (PATH, "/catalog/v1/other-marks"):
        assert (await shop.post(shop.ana, "first", path=path)).status_code == 201
    assert await shop.effects() == (2, 2)


async def test_a_crash_before_the_commit_leaves_nothing_and_the_next_try_takes_effect(shop: Shop):
    shop.marks.crash.append("first")
    assert (await shop.post(shop.ana, "first")).status_code == 500
    assert await shop.effects() == (0, 0)
    again = await shop.post(shop.ana, "first")
    assert (again.status_code, again.json()) == (201, {"number": 1, "name": "first"})
    assert await shop.effects() == (1, 1)


async def test_a_key_outlives_the_token_that_it_was_first_sent_with(shop: Shop):
    first = await shop.post(shop.ana, "first")
    shop.bench.clock.advance(minutes=30)
    await shop.bench.refresh()
    assert (await shop.post(shop.ana, "first")).content == first.content


@pytest.mark.parametrize("key", [None, "", "short", "x" * 65, "with space here", "ключ-ключ".encode(), "tab\there-is"])
async def test_a_write_without_a_proper_key_is_refused(shop: Shop, key: str | None):
    answer = await shop.post(shop.ana, "first", key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key")
    assert await shop.effects() == (0, 0)


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_a_twin_in_another_process_is_told_to_come_back_until_the_first_has_ended(shop: Shop):
    database = shop.marks.core.database
    once = Once("user_1", "POST /marks", KEY, "digest", database)
    async with database.transaction() as first, database.transaction() as twin:
        assert await once.recall(first, Mark) is None
        with pytest.raises(StillRunning):
            await once.recall(twin, Mark)
        await once.remember(first, Mark(1, "first"))
    async with database.transaction() as later:
        assert await once.recall(later, Mark) == Mark(1, "first")
        with pytest.raises(KeyReused):
            await Once("user_1", "POST /marks", KEY, "another digest", database).recall(later, Mark)
