"""Waiting for a commit: none is missed, and no wait is longer than it was asked to be."""

import asyncio

import pytest
from sqlalchemy import MetaData, text

from shared.commits import Commits
from shared.database import Database
from tests.conftest import MakeDatabase

WITHIN = 20  # seconds, for a loaded machine


async def write(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("SELECT 1"))


async def test_a_commit_between_the_look_and_the_wait_is_not_missed(database: MakeDatabase):
    own = await database("trading", MetaData())
    commits = Commits(own)
    before = commits.next
    await write(own)
    async with asyncio.timeout(WITHIN):
        await commits.wait(before, 10 * WITHIN)
    assert before.is_set() and not commits.next.is_set()


async def test_every_waiter_is_woken_by_one_commit_and_by_no_other_than_the_next(database: MakeDatabase):
    own = await database("trading", MetaData())
    commits = Commits(own)
    waiters = [asyncio.create_task(commits.next.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    await write(own)
    async with asyncio.timeout(WITHIN):
        assert await asyncio.gather(*waiters) == [True] * 3


async def test_without_a_commit_a_wait_ends_by_itself(database: MakeDatabase):
    commits = Commits(await database("trading", MetaData()))
    async with asyncio.timeout(WITHIN):
        await commits.wait(commits.next, 0.0)
    assert not commits.next.is_set()


async def test_where_others_write_too_nobody_waits_for_long(database: MakeDatabase, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shared.commits.POLL_SECONDS", 0.0)
    own = await database("trading", MetaData())
    commits = Commits(own)
    waiter = asyncio.create_task(commits.wait(commits.next, 10 * WITHIN))
    for _ in range(10):
        await asyncio.sleep(0)
    assert waiter.done() is own.is_shared
    waiter.cancel()
