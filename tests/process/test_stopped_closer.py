"""A closer that is stopped dead in the middle of a close: another closes the rest at once, and that one later."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from services.trading import jobs
from tests.support.bench import Bench
from tests.support.stopped_closer import TAKEN_BACK
from tests.trading.market import AUCTION_DAYS, Market, a_market

SECONDS_MAX = 60
pytestmark = [
    pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(180),
    pytest.mark.parametrize("server", ["postgresql"], indirect=True),
]  # fmt: skip


@pytest.mark.parametrize("is_given_up", [True, False], ids=["the database gives it up", "it goes on"])
async def test_an_auction_is_awarded_once_though_its_closer_stops(bench: Bench, is_given_up: bool):
    async with a_market(bench) as market:
        auctions = [await market.auction() for _ in range(2)]
        for auction_id in auctions:
            await market.bid(await market.bidder(auction_id), auction_id, 20_000)
        bench.clock.advance(days=AUCTION_DAYS)
        await bench.refresh()
        await market.trading.outbox.lease()  # as is done all the time, but not while the clock is told
        stopped = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.stopped_closer", market.trading.database.url,
            bench.clock.now().isoformat(), auctions[0],
        )  # fmt: skip
        await _until_stopped(stopped)

        assert await jobs.close_in_time(market.trading) == jobs.SOON
        assert await _states(market, auctions) == ["open", "sold"], "the other is not held up"

        if is_given_up:
            await _give_up(market)
            await jobs.close_in_time(market.trading)
        stopped.send_signal(signal.SIGCONT)
        assert await asyncio.wait_for(stopped.wait(), SECONDS_MAX) == (TAKEN_BACK if is_given_up else 0)
        await jobs.close_in_time(market.trading)

        assert await _states(market, auctions) == ["sold", "sold"]
        closed = [fact["auction_id"] for fact in await market.facts("auction_closed")]
        assert sorted(closed) == sorted(auctions)
        orders = [fact["auction_id"] for fact in await market.facts("order_placed")]
        assert sorted(orders) == sorted(auctions)


async def _until_stopped(process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert process.returncode is None
            await asyncio.sleep(0.05)


async def _states(market: Market, auctions: list[str]) -> list[str]:
    return [(await market.read(None, f"/auctions/{auction_id}"))["state"] for auction_id in auctions]


async def _give_up(market: Market) -> None:
    """What the database does by itself with a transaction that says nothing for half a minute."""
    claims = "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    here = f"pid IN ({claims}) AND datname = current_database()"
    async with market.trading.database.transaction() as tx:
        ended = await tx.execute(text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {here}"))
        assert ended.all() == [(True,)]
