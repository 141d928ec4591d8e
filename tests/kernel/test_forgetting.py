"""Answers to writes are forgotten in their time, and not before."""

from datetime import timedelta

import pytest
from sqlalchemy import MetaData, insert, select

from shared import forgetting, idempotency
from shared.database import Database
from shared.forgetting import Forgetting
from shared.idempotency import answers_table
from tests.conftest import MakeDatabase
from tests.support.clock import ToldClock

METADATA = MetaData()
idempotency.tables(METADATA)
DAYS = 30


async def answered(database: Database, clock: ToldClock, *keys: str, caller: str = "user_1") -> None:
    place = {"caller": caller, "route": "POST /catalog/v1/marks", "request_digest": "d", "answer": "{}"}
    rows = [place | {"key_digest": key, "answered_at": clock.now()} for key in keys]
    async with database.transaction() as tx:
        await tx.execute(insert(answers_table), rows)


async def kept(database: Database) -> list[str]:
    async with database.read() as tx:
        return sorted(await tx.scalars(select(answers_table.c.key_digest)))


async def test_an_answer_is_kept_to_the_last_moment_of_its_time(database: MakeDatabase, clock: ToldClock):
    catalog = await database("catalog", METADATA)
    sweep = Forgetting(catalog, clock, DAYS)
    await answered(catalog, clock, "early")
    clock.advance(seconds=timedelta(microseconds=1).total_seconds())
    await answered(catalog, clock, "later")
    clock.advance(days=DAYS, microseconds=-2)
    assert (await sweep.forget_answers(), await kept(catalog)) == (0, ["early", "later"])
    clock.advance(microseconds=1)
    assert (await sweep.forget_answers(), await kept(catalog)) == (1, ["later"])
    clock.advance(microseconds=1)
    assert (await sweep.forget_answers(), await kept(catalog)) == (1, [])
    assert await sweep.forget_answers() == 0


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 8])
async def test_a_sweep_in_batches_of_any_size_forgets_exactly_what_is_old(
    database: MakeDatabase, clock: ToldClock, monkeypatch: pytest.MonkeyPatch, at_once: int
):
    monkeypatch.setattr(forgetting, "LOOKED_AT_ONCE", at_once)
    monkeypatch.setattr(forgetting, "PAUSE_SECONDS", 0)
    catalog = await database("catalog", METADATA)
    await answered(catalog, clock, "a1", "c1", "d1")
    await answered(catalog, clock, "b1", caller="user_0")
    clock.advance(days=DAYS)
    await answered(catalog, clock, "a2", "c2", "e2")
    await answered(catalog, clock, "d2", caller="user_2")
    assert await Forgetting(catalog, clock, DAYS).forget_answers() == 4
    assert await kept(catalog) == ["a2", "c2", "d2", "e2"]


async def test_two_processes_may_sweep_at_once(database: MakeDatabase, clock: ToldClock):
    catalog = await database("catalog", METADATA)
    await answered(catalog, clock, "old")
    clock.advance(days=DAYS)
    one, other = Forgetting(catalog, clock, DAYS), Forgetting(catalog, clock, DAYS)
    assert [await one.forget_answers(), await other.forget_answers()] == [1, 0]
