"""A migration beside the running market: it waits for nobody long, says who is in its way, and two are as one."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import MetaData, text

from migrations import newest, schema
from migrations.patience import Blocked, Patience, TooSlow, patiently
from shared.database import Database, DatabaseBusy, Transaction
from tests.conftest import MakeDatabase
from tests.support.clock import ToldClock

NOTHING = MetaData()
on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


@asynccontextmanager
async def another(database: Database) -> AsyncGenerator[Database]:
    """Another process on the same database."""
    other = Database(database.url, schema=database.schema, clock=ToldClock())
    try:
        yield other
    finally:
        await other.close()


@asynccontextmanager
async def reading(database: Database, table: str) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Old code in the middle of a long read; gives what ends it."""
    ends = asyncio.Event()
    reads = asyncio.Event()

    async def read() -> None:
        async with database.read() as tx:
            await tx.execute(text(f"SELECT * FROM {table}"))
            reads.set()
            await ends.wait()

    reader = asyncio.create_task(read())
    await reads.wait()

    async def end() -> None:
        ends.set()
        await reader

    yield end
    await end()


async def revision_of(database: Database) -> str | None:
    async with database.read() as tx:
        return await tx.scalar(text("SELECT version_num FROM alembic_version"))


@on_postgresql
async def test_a_migration_gives_up_soon_says_who_is_in_its_way_and_leaves_all_as_it_was(database: MakeDatabase):
    pricing = await database("pricing", NOTHING)
    await schema.upgrade(pricing, to="0002")
    waited = list[float]()

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        async with another(pricing) as serving, serving.transaction() as tx:
            await serving.wait_at_most(tx, 1)
            await tx.execute(text("SELECT * FROM plans"))  # while the migration pauses, nobody stands behind it

    async with another(pricing) as serving, reading(serving, "plans"):
        with pytest.raises(
            Blocked, match=r"3 times .* within 0\.3 s.*process \d+ \(yaosu-pricing as .*SELECT \* FROM plans"
        ):
            await schema.upgrade(pricing, patience=Patience(lock_seconds=0.3, attempts=3, pause=pause))
    assert waited == [0.3, 0.6] and await revision_of(pricing) == "0002"


@on_postgresql
async def test_a_migration_comes_again_until_what_was_in_its_way_has_ended(database: MakeDatabase):
    pricing = await database("pricing", NOTHING)
    await schema.upgrade(pricing, to="0002")
    async with another(pricing) as serving, reading(serving, "plans") as end:
        await schema.upgrade(
            pricing, patience=Patience(lock_seconds=0.2, attempts=2, pause=lambda _: end())
        )  # fmt: skip
    await newest.require(pricing)


@on_postgresql
async def test_three_that_migrate_at_once_leave_what_one_would(database: MakeDatabase):
    pricing = await database("pricing", NOTHING)
    async with another(pricing) as second, another(pricing) as third:
        await asyncio.gather(*(schema.upgrade(each) for each in (pricing, second, third)))
    await newest.require(pricing)
    assert await schema.drift(pricing) == []


@on_postgresql
async def test_a_statement_without_end_is_broken_off_and_told_how_to_give_it_longer(database: MakeDatabase):
    pricing = await database("pricing", NOTHING)

    async def work(tx: Transaction) -> None:
        await tx.execute(text("SELECT pg_sleep(60)"))

    with pytest.raises(TooSlow, match=r"longer than 0\.1 s.*--statement-seconds"):
        await patiently(pricing, Patience(statement_seconds=0.1), work)


@on_postgresql
async def test_what_is_no_lock_is_not_tried_again(database: MakeDatabase):
    pricing, attempts = await database("pricing", NOTHING), list[int]()

    async def work(tx: Transaction) -> None:
        attempts.append(1)
        raise DatabaseBusy

    with pytest.raises(DatabaseBusy):
        await patiently(pricing, Patience(), work)
    assert len(attempts) == 1


def test_a_pause_is_twice_as_long_as_the_one_before_and_never_longer_than_the_longest():
    patience = Patience(lock_seconds=2, pause_seconds_max=15)
    assert [patience.pause_after(attempt) for attempt in range(5)] == [2, 4, 8, 15, 15]
