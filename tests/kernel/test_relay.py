"""The relay: every fact reaches the log, in order, however often it has to be sent."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from sqlalchemy import MetaData, delete, select, update

from shared import outbox, problems, recovery, rest
from shared.database import Database
from shared.errors import Failure, Malformed, Unavailable
from shared.facts import Actor, Category, Fact, read_event
from shared.outbox import LEASE, Outbox, facts_table, stripes_table
from shared.recovery import receipts
from shared.relay import (
    BATCH_MAX,
    INTERVAL_SECONDS,
    REFUSED_FOR,
    Batch,
    Receipt,
    Relay,
    SequenceGap,
    SourceEquivocates,
)
from shared.rest import Directory, Peer
from tests.conftest import MakeDatabase
from tests.support.bench import BenchTokens
from tests.support.clock import ToldClock

METADATA = MetaData()
outbox.tables(METADATA)


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    number: int


@dataclass
class Log:
    """The log's side of the agreement in its shortest form: places for events, and the head of every stripe."""

    events: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    heads: dict[int, int] = field(default_factory=dict[int, int])
    places: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    failures: list[str] = field(default_factory=list[str])  # what goes wrong with the next batches, first one first
    batches: int = 0
    hangs: bool = False

    def numbers(self, stripe: int = 0) -> list[int]:
        return [read_event(line.encode()).data["number"] for origin, line in self.events if origin == stripe]

    def append(self, batch: Batch) -> Receipt | Response:
        self.batches += 1
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "away":
            return Response(status_code=503)
        head = self.heads.get(batch.stripe, 0)
        if failure == "contradicts":
            return _problem(SourceEquivocates())
        if failure == "refuses":
            return _problem(Malformed())
        if batch.first_seq > head + 1:
            return _problem(SequenceGap(head_seq=head))
        for seq, line in enumerate(batch.events, start=batch.first_seq):
            if seq > head:
                self.places[batch.stripe, seq] = len(self.events)
                self.events.append((batch.stripe, line))
                self.heads[batch.stripe] = seq
        if failure == "answer lost":
            return Response(status_code=502)
        last = batch.first_seq + (0 if failure == "places one" else len(batch.events) - 1)
        first_place, last_place = (self.places[batch.stripe, seq] for seq in (batch.first_seq, last))
        first = batch.first_seq + (failure == "places others")
        told = {"first_seq": first, "last_seq": last, "first_index": first_place, "last_index": last_place}
        return Receipt.model_validate(told | {"signature": f"={last}"})


def _problem(failure: Failure) -> Response:
    return JSONResponse(problems.document(failure), problems.status_of(failure), media_type=problems.MEDIA_TYPE)


@dataclass
class Line:
    """A service's outbox, its relay, and the log at the other end."""

    database: Database
    outbox: Outbox
    directory: Directory
    log: Log
    relay: Relay = field(init=False)

    def relay_of(self, outbox: Outbox, clock: ToldClock) -> Relay:
        return Relay(outbox, self.database, clock, Peer(self.directory, "audit", BenchTokens("trading", clock)))

    async def record(self, *numbers: int) -> None:
        async with self.database.transaction() as tx:
            now = await self.database.now(tx)
            await self.outbox.record(tx, Actor("service", "trading"), now, *map(StepTaken, numbers))

    async def acknowledged(self) -> list[int | None]:
        async with self.database.read() as tx:
            query = select(facts_table.c.log_index).order_by(facts_table.c.stripe, facts_table.c.seq)
            return list(await tx.scalars(query))


@pytest.fixture
async def line(database: MakeDatabase, clock: ToldClock) -> AsyncGenerator[Line]:
    trading, log, directory = await database("trading", METADATA), Log(), Directory()
    audit = FastAPI()

    @audit.post("/audit/v1/batches", response_model=None)
    async def append(batch: Batch) -> Receipt | Response:
        if log.hangs:
            await asyncio.Event().wait()
        return log.append(batch)

    directory.register("audit", audit)
    writer = Outbox("trading", trading)
    await writer.lease()
    line = Line(trading, writer, directory, log)
    line.relay = line.relay_of(writer, clock)
    yield line
    await directory.close()


async def test_facts_reach_the_log_in_order_and_are_told_their_places(line: Line):
    await line.record(1, 2)
    await line.record(3)
    assert await line.relay.tick() == 3
    assert line.log.numbers() == [1, 2, 3]
    assert await line.acknowledged() == [0, 1, 2]
    assert (await line.relay.tick(), line.log.batches) == (0, 1)


async def test_what_the_log_promised_is_kept_as_it_came(line: Line):
    await line.record(1, 2)
    line.log.failures = ["answer lost"]
    await line.relay.try_once(line.relay.tick)
    await line.relay.tick()
    await line.record(3)
    await line.relay.tick()
    kept = [json.loads(each) async for each in receipts(line.database)]
    assert [(each["last_seq"], each["last_index"], each["signature"]) for each in kept] == [(2, 1, "=2"), (3, 2, "=3")]


async def test_a_second_promise_of_another_place_is_kept_beside_the_first(line: Line):
    await line.record(1)
    await line.relay.tick()
    line.log.events.append((9, "another's"))
    line.log.heads.clear()  # the log has forgotten what it took
    await line.record(2)
    for _ in range(2):
        await line.relay.tick()
    kept = [json.loads(each) async for each in receipts(line.database)]
    assert [(each["last_seq"], each["last_index"]) for each in kept] == [(1, 0), (2, 3)]


async def test_promises_are_told_in_pages_in_the_order_of_stripes(line: Line, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recovery, "PAGE", 2)
    for number in range(5):
        await line.record(number)
        await line.relay.tick()
    assert [json.loads(each)["last_seq"] async for each in receipts(line.database)] == [1, 2, 3, 4, 5]


async def test_places_go_on_after_what_others_have_put_into_the_log(line: Line):
    line.log.events += [(9, "another's")] * 5
    await line.record(1, 2)
    await line.relay.tick()
    assert await line.acknowledged() == [5, 6]


async def test_more_than_a_batch_goes_in_several_in_order(line: Line):
    await line.record(*range(BATCH_MAX + 1))
    assert await line.relay.tick() == BATCH_MAX + 1
    assert line.log.numbers() == list(range(BATCH_MAX + 1))
    assert line.log.batches == 2


async def test_a_batch_that_did_not_arrive_is_sent_again(line: Line):
    line.log.failures = ["away"] * 3
    await line.record(1, 2)
    with pytest.raises(Unavailable):
        await line.relay.tick()
    assert await line.acknowledged() == [None, None]
    assert await line.relay.tick() == 2
    assert line.log.numbers() == [1, 2]


async def test_a_batch_whose_answer_was_lost_is_in_the_log_once(line: Line):
    line.log.failures = ["answer lost"]
    await line.record(1, 2)
    await line.relay.tick()
    assert line.log.numbers() == [1, 2]
    assert await line.acknowledged() == [0, 1]


async def test_a_log_that_was_set_back_is_sent_everything_again_from_there(line: Line):
    await line.record(1, 2, 3)
    await line.relay.tick()
    del line.log.events[1:]
    line.log.heads[0] = 1
    await line.record(4)
    await line.relay.tick()
    assert line.log.numbers() == [1, 2, 3, 4]
    assert await line.acknowledged() == [0, 1, 2, 3]


async def test_a_log_that_holds_another_fact_stops_the_stripe_and_raises_an_alarm(
    line: Line, caplog: pytest.LogCaptureFixture
):
    line.log.failures = ["contradicts"]
    await line.record(1)
    assert await line.relay.tick() == 0
    assert "CRITICAL" in {entry.levelname for entry in caplog.records}
    assert (await line.relay.tick(), line.log.batches) == (0, 1)
    assert await line.acknowledged() == [None]


async def vanish(line: Line, seq: int) -> None:
    async with line.database.transaction() as tx:
        await tx.execute(delete(facts_table).where(facts_table.c.seq == seq))


@pytest.mark.parametrize("gone, sent", [(1, []), (2, [1])], ids=["the first", "one in the middle"])
async def test_a_fact_that_vanished_before_it_was_sent_stops_the_stripe_and_raises_an_alarm(
    line: Line, caplog: pytest.LogCaptureFixture, gone: int, sent: list[int]
):
    await line.record(1, 2, 3)
    await vanish(line, gone)
    await line.relay.tick()
    assert line.log.numbers() == sent
    assert f"waits for number {gone}, which is gone" in caplog.text
    batches = line.log.batches
    await line.relay.tick()
    assert line.log.batches == batches, "a person has to come"


async def test_a_fact_that_was_altered_before_it_was_sent_is_not_sent(line: Line, caplog: pytest.LogCaptureFixture):
    await line.record(1, 2)
    async with line.database.transaction() as tx:
        second = facts_table.c.seq == 2
        altered: bytes | None = await tx.scalar(select(facts_table.c.line).where(second))
        assert altered
        altered = altered.replace(b'"number":2', b'"number":7')
        await tx.execute(update(facts_table).where(second).values(line=altered))
    assert await line.relay.tick() == 1
    assert "would be told another fact 2 than was recorded" in caplog.text
    assert line.log.numbers() == [1]


async def test_of_a_batch_that_is_placed_in_part_the_rest_is_sent_next(line: Line):
    line.log.failures = ["places one"]
    await line.record(1, 2, 3)
    assert await line.relay.tick() == 3
    assert (line.log.numbers(), line.log.batches) == ([1, 2, 3], 2)
    assert await line.acknowledged() == [0, 1, 2]


async def test_a_receipt_for_other_facts_than_were_sent_counts_for_none(line: Line):
    line.log.failures = ["places others"]
    await line.record(1, 2)
    with pytest.raises(Unavailable):
        await line.relay.tick()
    assert await line.acknowledged() == [None, None]


async def test_what_the_log_refuses_raises_an_alarm_and_is_tried_again_after_a_while(
    line: Line, clock: ToldClock, caplog: pytest.LogCaptureFixture
):
    line.log.failures = ["refuses"]
    await line.record(1)
    assert (await line.relay.tick(), await line.relay.tick(), line.log.batches) == (0, 0, 1)
    assert "CRITICAL" in {entry.levelname for entry in caplog.records}
    clock.advance(seconds=REFUSED_FOR.total_seconds())
    assert await line.relay.tick() == 1
    assert line.log.numbers() == [1]


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_what_the_log_refuses_of_one_stripe_holds_up_no_other(line: Line, clock: ToldClock):
    await line.record(1)
    await line.outbox.release()
    line.outbox = Outbox("trading", line.database)
    async with line.database.transaction() as tx:  # so that the next process takes another stripe
        until = clock.now() + LEASE
        await tx.execute(update(stripes_table).where(stripes_table.c.number == 0).values(leased_until=until))
    assert (await line.outbox.lease()).stripe == 1
    await line.record(2)
    clock.advance(seconds=LEASE.total_seconds() - 1)
    await line.outbox.lease()
    clock.advance(seconds=2)
    line.log.failures = ["refuses"]
    assert await line.relay_of(line.outbox, clock).tick() == 1
    assert (line.log.numbers(0), line.log.numbers(1)) == ([], [2])


class RunningClock(ToldClock):
    """A clock by which sleepers wake at once, until `steps` have been taken; then everyone sleeps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps, self.stands_still = steps, asyncio.Event()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) >= self._steps:
            self.stands_still.set()
            await super().sleep(seconds)
        self.advance(seconds=seconds)
        await asyncio.sleep(0)

    async def run(self, relay: Relay) -> None:
        task = asyncio.create_task(relay.run())
        async with asyncio.timeout(20):
            await self.stands_still.wait()
        task.cancel()
        await asyncio.wait([task])


async def test_a_log_that_takes_its_time_costs_nobody_their_stripe(line: Line, clock: ToldClock):
    await line.record(1)
    line.log.hangs = True
    told = RunningClock(steps=1 + int(2 * LEASE.total_seconds() / INTERVAL_SECONDS))
    line.database._clock = told  # pyright: ignore[reportPrivateUsage]
    await told.run(line.relay_of(line.outbox, told))
    assert told.now() >= clock.now() + 2 * LEASE
    async with line.database.read() as tx:
        leased_until = await tx.scalar(select(stripes_table.c.leased_until).where(stripes_table.c.number == 0))
    assert leased_until and leased_until > told.now()


async def test_a_log_that_is_away_is_asked_less_and_less_often(line: Line, monkeypatch: pytest.MonkeyPatch):
    line.log.failures = ["away"] * 100
    await line.record(1)
    told = RunningClock(steps=8)
    relay = line.relay_of(line.outbox, told)
    monkeypatch.setattr(relay, "_keep_the_lease", lambda: asyncio.sleep(0))
    monkeypatch.setattr(rest, "ATTEMPTS_MAX", 1)
    await told.run(relay)
    assert told.slept == [0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_the_facts_of_a_process_that_died_are_sent_by_another(line: Line, clock: ToldClock):
    await line.record(1, 2)
    heir = Outbox("trading", line.database)
    line.outbox = heir
    lease = await heir.lease()
    await line.record(3)
    clock.advance(minutes=2)
    await heir.lease()
    assert await line.relay_of(heir, clock).tick() == 3
    assert (line.log.numbers(0), line.log.numbers(lease.stripe)) == ([1, 2], [3])
