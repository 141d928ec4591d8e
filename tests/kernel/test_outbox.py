"""The outbox: one chain without gaps for each stripe, whoever writes, whatever fails."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, cast

import pytest
from sqlalchemy import Column, Dialect, Integer, MetaData, Row, Table, delete, func, insert, select, update

from shared import log, outbox
from shared.database import Database, Transaction
from shared.facts import GENESIS, Actor, Category, Fact, link, read_event
from shared.ids import FactId, RequestId
from shared.outbox import LEASE, STRIPES_POSTGRESQL, NoStripe, Outbox, StripeLost, facts_table, stripes_table
from tests.conftest import MakeDatabase
from tests.support.clock import ToldClock

METADATA = MetaData()
counters = Table("counters", METADATA, Column("id", Integer, primary_key=True))
outbox.tables(METADATA)
# One process holds an SQLite file, so there is nobody beside it.
on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
ANA = Actor("user", "user_1", "participant_1")


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    number: int


async def record(database: Database, writer: Outbox, *numbers: int) -> None:
    async with database.transaction() as tx:
        await writer.record(tx, ANA, await database.now(tx), *map(StepTaken, numbers))


async def recorded(database: Database) -> Sequence[Row[Any]]:
    async with database.read() as tx:
        return (await tx.execute(select(facts_table).order_by(facts_table.c.stripe, facts_table.c.seq))).all()


def numbers_of(rows: Sequence[Row[Any]]) -> list[int]:
    return [read_event(row.line).data["number"] for row in rows]


def assert_chains_without_gaps(rows: Sequence[Row[Any]]) -> None:
    """Checked by the definition: sequence numbers 1, 2, 3… and each hash over the one before."""
    for _, chain in groupby(rows, key=lambda row: row.stripe):
        previous = GENESIS
        for expected, row in enumerate(chain, start=1):
            previous = link(previous, expected, row.line)
            assert (row.seq, row.hash) == (expected, previous)


@pytest.mark.parametrize("sizes", [[1], [3], [2, 0, 3], [1] * 12])
async def test_the_facts_of_all_transactions_make_one_chain(database: MakeDatabase, sizes: list[int]):
    trading = await database("trading", METADATA)
    writer = Outbox("trading", trading)
    await writer.lease()
    for size in sizes:
        await record(trading, writer, *range(size))
    rows = await recorded(trading)
    assert numbers_of(rows) == [number for size in sizes for number in range(size)]
    assert_chains_without_gaps(rows)


@dataclass(frozen=True, slots=True)
class StepNamed(Fact):
    category: ClassVar = Category.SYSTEM
    number: int
    fact_id: FactId


async def test_a_fact_keeps_the_id_that_was_drawn_beforehand_and_does_not_tell_it_twice(database: MakeDatabase):
    trading, fact_id = await database("trading", METADATA), FactId.new()
    writer = Outbox("trading", trading)
    await writer.lease()
    async with trading.transaction() as tx:
        assert await writer.record(tx, ANA, await trading.now(tx), StepNamed(7, fact_id)) == [fact_id]
    [row] = await recorded(trading)
    event = read_event(row.line)
    assert (row.id, event.id, event.data, event.obj) == (fact_id, fact_id, {"number": 7}, [])


async def test_a_fact_says_who_when_and_in_which_request(database: MakeDatabase, clock: ToldClock):
    trading = await database("trading", METADATA)
    writer, request_id = Outbox("trading", trading), RequestId.new()
    await writer.lease()
    log.set_request_id(request_id)
    await record(trading, writer, 7)
    log.set_request_id(None)
    [row] = await recorded(trading)
    event = read_event(row.line)
    assert (event.act, row.act) == ("trading.step_taken", "trading.step_taken")
    assert (event.id, event.req, event.actor.org) == (row.id, request_id, "participant_1")
    assert event.ts == int(clock.now().timestamp()) * 1_000_000


async def test_writers_at_the_same_time_leave_no_gap(database: MakeDatabase):
    trading = await database("trading", METADATA)
    writer = Outbox("trading", trading)
    await writer.lease()
    await asyncio.gather(*(record(trading, writer, number, number) for number in range(20)))
    rows = await recorded(trading)
    assert Counter(numbers_of(rows)) == Counter([*range(20), *range(20)])
    assert_chains_without_gaps(rows)


@pytest.mark.parametrize("commits_between", [False, True])
async def test_what_is_taken_back_leaves_no_gap(database: MakeDatabase, commits_between: bool):
    trading = await database("trading", METADATA)
    writer = Outbox("trading", trading)
    await writer.lease()
    await record(trading, writer, 1)
    with pytest.raises(ZeroDivisionError):
        async with trading.transaction() as tx:
            await writer.record(tx, ANA, await trading.now(tx), StepTaken(2))
            raise ZeroDivisionError
    if commits_between:  # what was taken back must not be gone on from by it
        async with trading.transaction() as tx:
            await tx.execute(insert(counters).values(id=1))
    await record(trading, writer, 3)
    rows = await recorded(trading)
    assert numbers_of(rows) == [1, 3]
    assert_chains_without_gaps(rows)


async def test_a_stripe_that_was_moved_behind_its_writers_back_is_not_written_over(database: MakeDatabase):
    trading = await database("trading", METADATA)
    writer = Outbox("trading", trading)
    await writer.lease()
    await record(trading, writer, 1, 2)
    rows = await recorded(trading)
    async with trading.transaction() as tx:
        await tx.execute(delete(facts_table).where(facts_table.c.seq == 2))
        await tx.execute(update(stripes_table).where(stripes_table.c.seq == 2).values(seq=1, hash=rows[0].hash))
    if trading.is_sqlite:  # where what it committed itself is not read again for every fact
        with pytest.raises(StripeLost):
            await record(trading, writer, 3)
    await record(trading, writer, 4)
    rows = await recorded(trading)
    assert numbers_of(rows) == [1, 4]
    assert_chains_without_gaps(rows)


async def test_nothing_is_recorded_without_a_lease(database: MakeDatabase):
    trading = await database("trading", METADATA)
    with pytest.raises(StripeLost):
        await record(trading, Outbox("trading", trading), 1)


async def test_a_process_that_lost_its_stripe_can_change_nothing_more(database: MakeDatabase, clock: ToldClock):
    trading = await database("trading", METADATA)
    sleeper, heir = Outbox("trading", trading), Outbox("trading", trading)
    lost = await sleeper.lease()
    await record(trading, sleeper, 1)
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert (await heir.lease()).stripe == lost.stripe
    await record(trading, heir, 2)

    with pytest.raises(StripeLost):
        async with trading.transaction() as tx:
            await tx.execute(insert(counters).values(id=1))
            await sleeper.record(tx, ANA, await trading.now(tx), StepTaken(3))
    async with trading.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(counters)) == 0
    assert not sleeper.is_leased

    rows = await recorded(trading)
    assert numbers_of(rows) == [1, 2]
    assert_chains_without_gaps(rows)


@dataclass
class Slow:
    """A transaction in which something else comes first."""

    tx: Transaction
    first: Callable[[], Awaitable[object]]

    @property
    def dialect(self) -> Dialect:
        return self.tx.dialect

    async def run_sync(self, *parts: Any) -> Any:
        await self.first()
        return await self.tx.run_sync(*parts)


@on_postgresql
async def test_who_finds_a_stripe_lost_keeps_the_one_that_was_taken_meanwhile(database: MakeDatabase, clock: ToldClock):
    trading = await database("trading", METADATA)
    sleeper, heir = Outbox("trading", trading), Outbox("trading", trading)
    await sleeper.lease()
    clock.advance(seconds=LEASE.total_seconds() + 1)
    await heir.lease()
    with pytest.raises(StripeLost):
        async with trading.transaction() as tx:
            slow = cast(Transaction, Slow(tx, sleeper.lease))
            await sleeper.record(slow, ANA, await trading.now(tx), StepTaken(1))
    assert sleeper.is_leased
    await record(trading, sleeper, 2)
    assert numbers_of(await recorded(trading)) == [2]


async def test_a_lease_that_is_renewed_in_time_is_kept(database: MakeDatabase, clock: ToldClock):
    trading = await database("trading", METADATA)
    writer = Outbox("trading", trading)
    held = await writer.lease()
    for _ in range(3):
        clock.advance(seconds=LEASE.total_seconds() - 1)
        assert await writer.lease() == held


async def test_a_stripe_that_was_given_back_is_free_at_once_and_its_chain_goes_on(database: MakeDatabase):
    trading = await database("trading", METADATA)
    for number in range(3):
        writer = Outbox("trading", trading)
        await writer.lease()
        await record(trading, writer, number)
        await writer.release()
    rows = await recorded(trading)
    assert {row.stripe for row in rows} == {0}
    assert_chains_without_gaps(rows)


@on_postgresql
async def test_facts_left_behind_are_relayed_by_whoever_is_there(database: MakeDatabase, clock: ToldClock):
    trading = await database("trading", METADATA)
    here, stops, dies = (Outbox("trading", trading) for _ in range(3))
    leases = [await writer.lease() for writer in (here, stops, dies)]
    await stops.release()
    clock.advance(seconds=LEASE.total_seconds() - 1)
    await here.lease()
    clock.advance(seconds=2)
    async with trading.read() as tx:
        relayed = await here.stripes_to_relay(tx, clock.now())
    assert {lease.stripe for lease in leases} <= set(relayed)


@on_postgresql
async def test_each_process_has_a_stripe_of_its_own_until_there_is_none_left(database: MakeDatabase):
    trading = await database("trading", METADATA)
    processes = [Outbox("trading", trading) for _ in range(STRIPES_POSTGRESQL)]
    leases = [await process.lease() for process in processes]
    assert sorted(lease.stripe for lease in leases) == list(range(STRIPES_POSTGRESQL))
    with pytest.raises(NoStripe):
        await Outbox("trading", trading).lease()


@on_postgresql
async def test_several_processes_write_at_once_each_to_a_chain_without_gaps(database: MakeDatabase, clock: ToldClock):
    trading = await database("trading", METADATA)

    async def process(number: int) -> None:
        own = Database(trading.url, schema="trading", clock=clock, told_time=True)
        writer = Outbox("trading", own)
        await writer.lease()
        await asyncio.gather(*(record(own, writer, number, step) for step in range(8)))
        await own.close()

    await asyncio.gather(*(process(number) for number in range(4)))
    rows = await recorded(trading)
    assert len(rows) == 4 * 8 * 2
    assert len({row.stripe for row in rows}) == 4
    assert_chains_without_gaps(rows)
