"""Signs of life: told in the chain, counted as recorded, and heard when the log falls too far behind."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import MetaData, select, update

from shared import heartbeats, outbox
from shared.database import Database, DatabaseBusy
from shared.facts import GENESIS, Actor, Category, Fact, read_event
from shared.heartbeats import LOOK_SECONDS, Pulse
from shared.outbox import LogTooFarBehind, Outbox, StripeLost, facts_table
from tests.conftest import MakeDatabase
from tests.kernel.test_relay import RunningClock
from tests.support.clock import ToldClock

METADATA = MetaData()
outbox.tables(METADATA)
ANA = Actor("user", "ana")


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    number: int


@dataclass(frozen=True, slots=True)
class GoodsGiven(Fact):
    category: ClassVar = Category.DELIVERY
    is_high_risk: ClassVar = True
    number: int


@dataclass
class Writer:
    database: Database
    outbox: Outbox
    pulse: Pulse

    async def record(self, *facts: Fact) -> None:
        async with self.database.transaction() as tx:
            await self.outbox.record(tx, ANA, await self.database.now(tx), *facts)

    async def rows(self) -> list[Any]:
        async with self.database.read() as tx:
            return list(await tx.execute(select(facts_table).order_by(facts_table.c.seq)))

    async def told(self, name: str) -> list[dict[str, Any]]:
        events = [read_event(row.line) for row in await self.rows()]
        return [event.data for event in events if event.act == f"trading.{name}"]


@pytest.fixture
async def writer(database: MakeDatabase, clock: ToldClock) -> AsyncGenerator[Writer]:
    trading = await database("trading", METADATA)
    made = Outbox("trading", trading)
    await made.lease()
    yield Writer(trading, made, Pulse(made, trading, clock))


async def test_a_beat_tells_what_the_stripe_had_reached_before_it(writer: Writer):
    await writer.pulse.beat()
    await writer.record(StepTaken(1), StepTaken(2))
    await writer.pulse.beat()
    rows = await writer.rows()
    assert await writer.told("source_heartbeat") == [
        {"stripe": 0, "seq": 0, "hash": GENESIS.hex()}, {"stripe": 0, "seq": 3, "hash": rows[2].hash.hex()}
    ]  # fmt: skip


async def test_a_count_covers_what_was_recorded_since_the_last_one_in_order(writer: Writer):
    await writer.pulse.beat()
    await writer.record(StepTaken(1), StepTaken(2))
    await writer.pulse.count()
    await writer.record(StepTaken(3))
    await writer.pulse.count()
    ids = [row.id for row in await writer.rows()]

    def hashed(first: int, last: int) -> str:
        return hashlib.sha256("\n".join([*ids[first - 1 : last], ""]).encode()).hexdigest()

    assert await writer.told("source_counted") == [
        {"stripe": 0, "first_seq": 1, "last_seq": 3, "count": 3, "ids_hash": hashed(1, 3)},
        {"stripe": 0, "first_seq": 4, "last_seq": 5, "count": 2, "ids_hash": hashed(4, 5)},
    ]


async def test_where_nothing_was_recorded_nothing_is_counted(writer: Writer):
    await writer.record(StepTaken(1))
    await writer.pulse.count()
    assert await writer.told("source_counted") == [], "what was there before this process began is not its own"


async def test_without_a_stripe_there_is_no_sign_of_life(writer: Writer):
    await writer.outbox.release()
    for work in (writer.pulse.beat, writer.pulse.count):
        with pytest.raises(StripeLost):
            await work()


@pytest.mark.parametrize("behind, warned, stopped", [
    (timedelta(seconds=60), False, False), (timedelta(seconds=60, microseconds=1), True, False),
    (timedelta(minutes=15), True, False), (timedelta(minutes=15, microseconds=1), True, True),
], ids=str)  # fmt: skip
async def test_a_log_behind_is_said_after_a_minute_and_stops_what_gives_out_after_a_quarter_of_an_hour(
    writer: Writer, clock: ToldClock, caplog: pytest.LogCaptureFixture, behind: timedelta, warned: bool, stopped: bool
):
    await writer.record(StepTaken(1))
    clock.advance(seconds=1)
    await writer.record(StepTaken(2))
    clock.set(clock.now() - timedelta(seconds=1) + behind)
    await writer.pulse.look()
    assert ("and 2 facts behind trading" in caplog.text, writer.outbox.is_behind) == (warned, stopped)


async def test_too_many_facts_that_wait_stop_what_gives_out(
    writer: Writer, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
):
    assert heartbeats.STOP_WAITING == 1_000_000
    monkeypatch.setattr(heartbeats, "STOP_WAITING", 2)
    for number, stopped in [(1, False), (2, False), (3, True)]:
        await writer.record(StepTaken(number))
        clock.advance(seconds=61)
        await writer.pulse.look()
        assert writer.outbox.is_behind is stopped


async def test_what_gives_out_is_refused_whole_until_the_log_has_caught_up(writer: Writer, clock: ToldClock):
    await writer.record(StepTaken(1))
    clock.advance(minutes=16)
    await writer.pulse.look()
    with pytest.raises(LogTooFarBehind):
        await writer.record(StepTaken(2), GoodsGiven(3))
    await writer.record(StepTaken(4))
    async with writer.database.transaction() as tx:
        await tx.execute(update(facts_table).values(log_index=facts_table.c.seq))
    await writer.pulse.look()
    await writer.record(GoodsGiven(5))
    assert [read_event(row.line).data["number"] for row in await writer.rows()] == [1, 4, 5]


async def test_it_looks_every_ten_seconds_beats_every_minute_and_counts_every_five(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
):
    told = RunningClock(steps=1 + 600 // LOOK_SECONDS)
    pulse, done = Pulse(writer.outbox, writer.database, told), list[tuple[str, int]]()

    def note(name: str, failure: Exception | None = None):
        async def work() -> None:
            done.append((name, (told.now() - started).seconds))
            if failure:
                raise failure

        return work

    started = told.now()
    monkeypatch.setattr(pulse, "look", note("look", RuntimeError("a defect")))
    monkeypatch.setattr(pulse, "beat", note("beat", DatabaseBusy()))
    monkeypatch.setattr(pulse, "count", note("count"))
    await told.run(pulse)  # pyright: ignore[reportArgumentType]
    assert [at for name, at in done if name == "look"] == list(range(10, 601, 10))
    assert [at for name, at in done if name == "beat"] == list(range(60, 601, 60))
    assert [at for name, at in done if name == "count"] == [300, 600]
