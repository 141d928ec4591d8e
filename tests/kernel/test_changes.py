"""The change feed: followers see every fact, in order, and commit the effect of each exactly once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import pytest
from pydantic import TypeAdapter
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from shared import changes, outbox
from shared.changes import (
    PAGE,
    ChainBroken,
    Change,
    Feed,
    FeedClosed,
    Follower,
    MemoryFollower,
    Microseconds,
    Positions,
    PositionsUnreadable,
    format_positions,
    parse_positions,
)
from shared.database import Database, Transaction
from shared.facts import Actor, Category, Fact, microseconds
from shared.outbox import Outbox
from tests.conftest import MakeDatabase
from tests.support.clock import ToldClock

SOURCE = MetaData()
outbox.tables(SOURCE)
FOLLOWING = MetaData()
changes.tables(FOLLOWING)
applied = Table(
    "applied",
    FOLLOWING,
    Column("id", Integer, primary_key=True),
    Column("who", String, nullable=False),
    Column("number", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    number: int


@dataclass
class Publisher:
    database: Database
    outbox: Outbox
    feed: Feed

    async def publish(self, *numbers: int) -> None:
        async with self.database.transaction() as tx:
            now = await self.database.now(tx)
            await self.outbox.record(tx, Actor("service", "catalog"), now, *map(StepTaken, numbers))


async def a_publisher(database: MakeDatabase) -> Publisher:
    catalog = await database("catalog", SOURCE)
    publisher = Publisher(catalog, Outbox("catalog", catalog), Feed(catalog))
    await publisher.outbox.lease()
    return publisher


def a_follower(database: Database, clock: ToldClock, feed: changes.Source, who: str = "one") -> Follower:
    async def apply(tx: Transaction, change: Change) -> None:
        await tx.execute(insert(applied).values(who=who, number=change.data["number"]))
        if change.data["number"] in refused:
            raise ZeroDivisionError

    refused = database.__dict__.setdefault("refused", set[int]())
    return Follower(database, clock, "catalog", feed, apply)


async def numbers_applied(database: Database) -> list[int]:
    async with database.read() as tx:
        return list(await tx.scalars(select(applied.c.number).order_by(applied.c.id)))


async def test_a_feed_gives_what_comes_after_the_positions_a_page_at_a_time(database: MakeDatabase):
    catalog = await a_publisher(database)
    await catalog.publish(*range(PAGE + 2))
    first = await catalog.feed.after({})
    assert [change.seq for change in first] == list(range(1, PAGE + 1))
    rest = await catalog.feed.after({0: PAGE})
    assert [change.data["number"] for change in rest] == [PAGE, PAGE + 1]
    assert await catalog.feed.after({0: PAGE + 2}) == []


async def test_a_wait_for_news_can_be_called_off_at_the_very_moment_of_the_news(
    database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
):
    catalog = await a_publisher(database)

    async def nothing(*_: object) -> list[Change]:
        return []

    monkeypatch.setattr(catalog.feed, "_page", nothing)
    waiting = asyncio.create_task(catalog.feed.after({}, wait_seconds=20))
    await asyncio.sleep(0)
    async with catalog.database.transaction():
        pass
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=5)
    assert waiting.cancelled(), "or a service that follows would not stop"


async def test_a_feed_that_waits_answers_as_soon_as_there_is_news(database: MakeDatabase):
    catalog = await a_publisher(database)
    waiting = asyncio.create_task(catalog.feed.after({}, wait_seconds=20))
    await asyncio.sleep(0)
    await catalog.publish(1)
    async with asyncio.timeout(5):
        assert [change.data["number"] for change in await waiting] == [1]


async def test_the_news_wakes_everyone_who_waits(database: MakeDatabase, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(changes, "POLL_SECONDS", 60)  # so that it is the notice that wakes them
    catalog = await a_publisher(database)
    read, latecomers = catalog.feed._page, list[asyncio.Task[list[Change]]]()  # pyright: ignore[reportPrivateUsage]

    async def then_news_and_a_latecomer(positions: Positions) -> list[Change]:
        found = await read(positions)
        if not latecomers:
            await catalog.publish(1)
            latecomers.append(asyncio.create_task(catalog.feed.after({0: 1}, wait_seconds=20)))
            await asyncio.sleep(0)
        return found

    monkeypatch.setattr(catalog.feed, "_page", then_news_and_a_latecomer)
    async with asyncio.timeout(5):
        assert len(await catalog.feed.after({}, wait_seconds=20)) == 1
    latecomers[0].cancel()


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_a_feed_gives_the_facts_of_every_stripe(database: MakeDatabase, clock: ToldClock):
    catalog = await a_publisher(database)
    other = Publisher(catalog.database, Outbox("catalog", catalog.database), catalog.feed)
    await other.outbox.lease()
    await catalog.publish(1)
    await other.publish(2)
    await catalog.publish(3)
    found = await catalog.feed.after({0: 1})
    assert [(change.stripe, change.seq, change.data["number"]) for change in found] == [(0, 2, 3), (1, 1, 2)]


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_what_commits_late_is_not_passed_over_though_later_news_was_read_before(
    database: MakeDatabase, clock: ToldClock
):
    catalog, trading = await a_publisher(database), await database("trading", FOLLOWING)
    other = Publisher(catalog.database, Outbox("catalog", catalog.database), catalog.feed)
    await other.outbox.lease()
    follower = a_follower(trading, clock, catalog.feed)
    async with catalog.database.transaction() as slow:
        await catalog.outbox.record(slow, Actor("service", "catalog"), clock.now(), StepTaken(1))
        await other.publish(2)
        assert await follower.tick() == 1
    await follower.tick()
    assert await numbers_applied(trading) == [2, 1]


async def test_a_follower_applies_every_fact_once_and_in_order(database: MakeDatabase, clock: ToldClock):
    catalog, trading = await a_publisher(database), await database("trading", FOLLOWING)
    follower = a_follower(trading, clock, catalog.feed)
    await catalog.publish(1, 2)
    assert await follower.tick() == 2
    await catalog.publish(3)
    assert await follower.tick() == 1
    assert await follower.tick() == 0
    assert await a_follower(trading, clock, catalog.feed).tick() == 0  # after a start, too
    assert await numbers_applied(trading) == [1, 2, 3]


async def test_an_effect_that_fails_is_taken_back_with_its_position_and_tried_again(
    database: MakeDatabase, clock: ToldClock
):
    catalog, trading = await a_publisher(database), await database("trading", FOLLOWING)
    follower = a_follower(trading, clock, catalog.feed)
    refused: set[int] = trading.__dict__["refused"]
    await catalog.publish(1, 2, 3)
    refused.add(2)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await follower.tick()
    assert await numbers_applied(trading) == [1]
    refused.clear()
    assert await follower.tick() == 2
    assert await numbers_applied(trading) == [1, 2, 3]


async def test_of_two_followers_in_two_processes_one_applies_each_fact(database: MakeDatabase, clock: ToldClock):
    catalog, trading = await a_publisher(database), await database("trading", FOLLOWING)
    pair = [a_follower(trading, clock, catalog.feed, who) for who in ("one", "two")]
    for round_number in range(4):
        await catalog.publish(*range(round_number * 5, round_number * 5 + 5))
        await asyncio.gather(*(follower.tick() for follower in pair), return_exceptions=round_number == 0)
    await pair[0].tick()
    assert await numbers_applied(trading) == list(range(20))


def dropped(found: list[Change]) -> list[Change]:
    return found[1:]


def moved(found: list[Change]) -> list[Change]:
    return [found[1], found[0], *found[2:]]


def repeated(found: list[Change]) -> list[Change]:
    return [found[0], found[0].model_copy(update={"seq": 2, "hash": found[1].hash}), *found[2:]]


def altered(found: list[Change]) -> list[Change]:
    return [found[0].model_copy(update={"line": found[0].line.replace('"number":1', '"number":7')}), *found[1:]]


def with_another_hash(found: list[Change]) -> list[Change]:
    return [found[0].model_copy(update={"hash": found[1].hash}), *found[1:]]


@pytest.mark.parametrize("spoil", [dropped, moved, repeated, altered, with_another_hash])
async def test_a_feed_that_does_not_follow_on_is_noticed(
    database: MakeDatabase, clock: ToldClock, spoil: Callable[[list[Change]], list[Change]]
):
    catalog, trading = await a_publisher(database), await database("trading", FOLLOWING)
    await catalog.publish(1, 2, 3)

    class Spoiled:
        async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]:
            return spoil(await catalog.feed.after({}))

    with pytest.raises(ChainBroken):
        await a_follower(trading, clock, Spoiled()).tick()
    with pytest.raises(ChainBroken):
        await MemoryFollower(clock, "catalog", Spoiled(), lambda change: None, lambda moment: None).tick()
    assert set(await numbers_applied(trading)) <= {1}


async def test_a_mirror_in_memory_takes_in_everything_and_says_until_when(database: MakeDatabase, clock: ToldClock):
    catalog, seen, moments = await a_publisher(database), list[int](), list[datetime]()
    mirror = MemoryFollower(
        clock, "catalog", catalog.feed, lambda change: seen.append(change.data["number"]), moments.append
    )
    await catalog.publish(*range(PAGE + 5))
    await mirror.tick()
    assert (seen, moments) == (list(range(PAGE + 5)), [clock.now()])
    clock.advance(seconds=1)
    await mirror.tick()
    assert (len(seen), moments[-1]) == (PAGE + 5, clock.now())


async def test_a_mirror_that_cannot_take_a_fact_in_stays_before_it_and_says_so(
    database: MakeDatabase, clock: ToldClock
):
    catalog, seen, moments, refused = await a_publisher(database), list[int](), list[datetime](), {2}

    def apply(change: Change) -> None:
        if change.data["number"] in refused:
            raise ZeroDivisionError
        seen.append(change.data["number"])

    mirror = MemoryFollower(clock, "catalog", catalog.feed, apply, moments.append)
    await catalog.publish(1, 2, 3)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await mirror.tick()
    assert (seen, moments) == ([1], [])
    refused.clear()
    await mirror.tick()
    assert (seen, moments) == ([1, 2, 3], [clock.now()])


@pytest.mark.parametrize("text, positions", [("", {}), ("0:5", {0: 5}), ("0:5,12:1", {0: 5, 12: 1})])
def test_positions_are_written_and_read(text: str, positions: dict[int, int]):
    assert parse_positions(text) == positions
    assert format_positions(positions) == text


@pytest.mark.parametrize("text", ["0", "a:b", "0:1:2", "0:1;1:2", "0:-1", "-1:0", f"0:{2**63}", f"{2**31}:1", "0:١",
                                  "0:1,0:2", "00:1", "0:01", "1:1,0:1", "0:1,", " 0:1", "0:1\n"])  # fmt: skip
def test_positions_that_were_not_given_out_are_refused(text: str):
    with pytest.raises(PositionsUnreadable):
        parse_positions(text)


def test_moments_in_facts_are_read_as_moments(clock: ToldClock):
    assert TypeAdapter(Microseconds).validate_python(microseconds(clock.now())) == clock.now()


async def test_a_feed_that_is_closed_wakes_whoever_waits_and_lets_nobody_read_again(database: MakeDatabase):
    feed = Feed(await database("source", SOURCE))
    waiting = asyncio.create_task(feed.after({}, wait_seconds=20))
    await asyncio.sleep(0)
    await feed.close()
    for asked in (waiting, feed.after({})):
        with pytest.raises(FeedClosed):
            await asked
    feed.open()
    assert await feed.after({}) == []
