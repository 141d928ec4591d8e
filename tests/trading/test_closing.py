"""The closing job: when it wakes, what it does where a close fails, and how two of them share what is due."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from services.trading import jobs
from services.trading.actions import closing, due
from services.trading.actions.trading import Trading
from shared.database import Database
from shared.ids import AuctionId
from shared.outbox import Outbox
from tests.support.clock import ToldClock
from tests.trading.market import AUCTION_DAYS, Market


class Over(Exception):
    """The time of the test is up."""


@dataclass
class PassingClock:
    """Time passes while someone sleeps, and only then. `woken` are the moments at which they woke."""

    told: ToldClock
    until: datetime
    woken: list[datetime] = field(default_factory=list[datetime])

    def now(self) -> datetime:
        return self.told.now()

    async def sleep(self, seconds: float) -> None:
        self.told.advance(seconds=seconds)
        if self.now() >= self.until:
            raise Over()
        self.woken.append(self.now())


async def test_it_wakes_at_the_moment_that_an_auction_ends_and_else_at_its_interval(market: Market):
    first_end = market.bench.clock.now() + timedelta(days=AUCTION_DAYS)
    ends = [first_end + timedelta(milliseconds=after) for after in (0, 10, 10, 700)]
    auctions = [await market.auction(closes_at=end.isoformat()) for end in ends]
    market.bench.clock.set(first_end - timedelta(milliseconds=800))
    clock = PassingClock(market.bench.clock, first_end + timedelta(seconds=1))
    with pytest.raises(Over):
        await jobs.run_closer(replace(market.trading, clock=clock))
    woken = [(moment - first_end) / timedelta(milliseconds=1) for moment in clock.woken]
    assert woken == [-300, 0, 10, 510, 700]
    assert [await state(market, each) for each in auctions] == ["unsold"] * 4


async def test_one_that_cannot_be_closed_is_said_and_keeps_no_other_waiting(
    market: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    broken, *others = [await market.auction() for _ in range(3)]
    market.bench.clock.advance(days=AUCTION_DAYS)
    tried: list[AuctionId] = []
    close_really = closing.close

    async def close(trading: Trading, auction_id: AuctionId) -> None:
        tried.append(auction_id)
        if auction_id == broken:
            raise RuntimeError("broken")
        await close_really(trading, auction_id)

    with monkeypatch.context() as patched:
        patched.setattr(closing, "close", close)
        assert await jobs.close_in_time(market.trading) == jobs.SOON
    assert sorted(tried) == sorted([broken, *others]), "once each"
    assert f"{broken} could not be moved on" in caplog.text
    assert [await state(market, each) for each in (broken, *others)] == ["open", "unsold", "unsold"]
    await jobs.close_in_time(market.trading)
    assert await state(market, broken) == "unsold"


async def test_more_than_fit_in_one_look_are_closed_in_one_go(market: Market, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.trading.store.auction.DUE_MAX", 2)
    auctions = [await market.auction() for _ in range(5)]
    market.bench.clock.advance(days=AUCTION_DAYS)
    await jobs.close_in_time(market.trading)
    assert [await state(market, each) for each in auctions] == ["unsold"] * 5


async def test_a_database_that_is_away_is_said_and_asked_again(market: Market, monkeypatch: pytest.MonkeyPatch):
    async def away(_: Trading) -> float | None:
        raise ConnectionError("away")

    monkeypatch.setattr(due, "close_auctions", away)
    assert await jobs.close_in_time(market.trading) == jobs.SOON


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_two_closers_share_what_is_due_and_close_none_twice(market: Market, other: Trading):
    auctions = [await market.auction() for _ in range(12)]
    for auction_id in auctions[:2]:
        await market.bid(await market.bidder(auction_id), auction_id, 20_000)
    market.bench.clock.advance(days=AUCTION_DAYS)
    await asyncio.gather(jobs.close_in_time(market.trading), jobs.close_in_time(other))
    await asyncio.gather(jobs.close_in_time(market.trading), jobs.close_in_time(other))
    closed = [fact["auction_id"] for fact in await market.facts("auction_closed")]
    assert sorted(closed) == sorted(auctions)
    assert len(await market.facts("order_placed")) == 2


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_what_another_closes_just_now_is_left_to_it_without_waiting(market: Market, other: Trading):
    theirs, ours = await market.auction(), await market.auction()
    market.bench.clock.advance(days=AUCTION_DAYS)
    async with other.database.transaction() as tx:
        assert await other.database.claim(tx, f"close {theirs}")
        await jobs.close_in_time(market.trading)
        assert [await state(market, each) for each in (theirs, ours)] == ["open", "unsold"]
    await jobs.close_in_time(market.trading)
    assert await state(market, theirs) == "unsold"


@pytest.fixture
async def other(market: Market) -> AsyncGenerator[Trading]:
    """The same service in another process, as far as the database can tell."""
    database = Database(market.trading.database.url, schema="trading", clock=market.bench.clock, told_time=True)
    outbox = Outbox("trading", database)
    await outbox.lease()
    yield replace(market.trading, database=database, outbox=outbox)
    await outbox.release()
    await database.close()


async def state(market: Market, auction_id: str) -> str:
    return (await market.read(None, f"/auctions/{auction_id}"))["state"]
