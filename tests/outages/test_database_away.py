"""The database stops, or is held: what is answered meanwhile, and how soon all is well again."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import MetaData, select, text

from migrations import schema
from services.trading.tables.money import accounts
from shared import database as limits
from shared import rest
from shared.database import Database, Transaction, for_update
from shared.errors import Unavailable
from tests.conftest import Server
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.support.migrated import make_log_ins
from tests.support.postgres import NO_POSTGRES, fresh_database, restartable_server
from tests.trading.market import Market, a_market, code, yuan

BACK_SECONDS_MAX = 5
ANSWER_SECONDS_MAX = 10  # the limits are shorter: what is above them is the machine's
PAYERS, SECONDS_MAX = 6, 120
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(300)]


@pytest.fixture
def real_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's own patience, which the other tests are spared."""
    kept = {"CONNECT_SECONDS_MAX": 5, "CONNECTION_SECONDS_MAX": 2, "LOCK_SECONDS_MAX": 1}
    for name, seconds in kept.items():
        monkeypatch.setattr(limits, name, seconds)


@asynccontextmanager
async def market_on(dsn: str, clock: ToldClock, *, told_time: bool = True) -> AsyncGenerator[Market]:
    async def database(service: str, _: MetaData) -> Database:
        return Database(dsn, schema=service, clock=clock, told_time=told_time)

    async with a_market(Bench(database, clock=clock)) as market:
        yield market


class Payer:
    """Pays in again and again, each time under one key until there is an answer, and keeps what it heard."""

    def __init__(self, market: Market, buyer: Any) -> None:
        self._market, self._buyer = market, buyer
        self.acknowledged: list[str] = []
        self.refused: list[Response] = []
        self.slowest_seconds, self.last_at = 0.0, 0.0

    async def pay_until(self, done: asyncio.Event) -> None:
        while not done.is_set():
            key = uuid4().hex
            while (answer := await self._once(key)).status_code != 201:
                self.refused.append(answer)
                await asyncio.sleep(0.05)
            self.acknowledged.append(answer.json()["id"])
            self.last_at = monotonic()

    async def _once(self, key: str) -> Response:
        since = monotonic()
        answer = await self._market.post(self._buyer, "/wallet/pay-ins", {"amount": yuan(1_000)}, key)
        self.slowest_seconds = max(self.slowest_seconds, monotonic() - since)
        return answer


@pytest.mark.skipif("YAOSU_OUTAGES" not in os.environ, reason="`make outages` starts a PostgreSQL to stop")
@pytest.mark.parametrize("away_seconds", [0.2, 1.0, 4.0])
async def test_a_database_that_was_stopped_at_once_is_missed_and_then_nothing_is_missing(
    away_seconds: float, clock: ToldClock, real_limits: None
):
    with restartable_server() as server:
        if server is None:
            pytest.skip(NO_POSTGRES)
        async with migrated(server.dsn) as dsn:
            async with market_on(dsn, clock, told_time=False) as market:
                done, buyer = asyncio.Event(), await market.buyer()
                payers = [Payer(market, buyer) for _ in range(PAYERS)]
                paying = [asyncio.create_task(payer.pay_until(done)) for payer in payers]
                await until(lambda: all_have(payers, 2))
                await asyncio.to_thread(server.stop_at_once)
                ready = await health(market, "ready")
                live = await health(market, "live")
                await asyncio.sleep(away_seconds)
                await asyncio.to_thread(server.start)
                back_at, counts = monotonic(), [len(payer.acknowledged) for payer in payers]
                await until(lambda: more_than(payers, counts))
                back_seconds = monotonic() - back_at
                done.set()
                await asyncio.gather(*paying)
                assert (ready, live) == (503, 200), "it lives, and is not ready"
                refused = [answer for payer in payers for answer in payer.refused]
                assert refused and {code(answer) for answer in refused} == {(503, "database_busy")}
                assert all("Retry-After" in answer.headers for answer in refused)
                assert back_seconds <= BACK_SECONDS_MAX
                acknowledged = [found for payer in payers for found in payer.acknowledged]
                async with market.trading.database.read() as tx:
                    kept = list(await tx.scalars(text("SELECT id FROM instructions")))
                assert sorted(kept) == sorted(acknowledged), "each once, and no other"


@asynccontextmanager
async def migrated(server_dsn: str) -> AsyncGenerator[str]:
    """A database of trading alone, by its administrator."""
    async with fresh_database(server_dsn) as dsn:
        await make_log_ins(dsn)
        kept = Database(dsn, schema="trading", clock=ToldClock())
        await schema.upgrade(kept)
        await kept.close()
        yield dsn


async def all_have(payers: list[Payer], count: int) -> bool:
    return all(len(payer.acknowledged) >= count for payer in payers)


async def more_than(payers: list[Payer], counts: list[int]) -> bool:
    return any(len(payer.acknowledged) > count for payer, count in zip(payers, counts, strict=True))


async def until(good: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(SECONDS_MAX * 50):
        if await good():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("waited in vain")


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_while_every_connection_is_held_it_is_busy_alive_and_not_ready(
    server: Server, clock: ToldClock, real_limits: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "CONNECTION_SECONDS_MAX", 0.3)
    async with fresh_database(server.dsn, server.template) as dsn, market_on(dsn, clock) as market:
        buyer, kept = await market.buyer(), market.trading.database
        async with AsyncExitStack() as held:
            with pytest.raises(Unavailable):
                while True:  # until the pools are empty, and what they may grow by is used up
                    await held.enter_async_context(kept.transaction())
            with pytest.raises(Unavailable):
                while True:
                    await held.enter_async_context(kept.read())
            since = monotonic()
            answer = await market.post(buyer, "/wallet/pay-ins", {"amount": yuan(1_000)})
            assert code(answer) == (503, "database_busy") and "Retry-After" in answer.headers
            assert monotonic() - since <= ANSWER_SECONDS_MAX
            assert await health(market, "live") == 200
            assert await health(market, "ready") == 503
        await market.do(buyer, "/wallet/pay-ins", {"amount": yuan(1_000)})
        assert await health(market, "ready") == 200


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_a_lock_that_is_held_and_a_deadlock_are_busy_and_never_a_failure_inside(
    server: Server, clock: ToldClock, real_limits: None
):
    async with fresh_database(server.dsn, server.template) as dsn, market_on(dsn, clock) as market:
        first, second = await market.buyer(10_000), await market.buyer(10_000)
        wallets = [f"CNY/wallet:{each.participant_id}" for each in (first, second)]
        async with market.trading.database.transaction() as holder:
            await hold(holder, wallets[0])
            since = monotonic()
            answer = await market.post(first, "/wallet/payouts", {"amount": yuan(1_000)})
            assert code(answer) == (503, "database_busy") and "Retry-After" in answer.headers
            assert monotonic() - since <= ANSWER_SECONDS_MAX
        await market.do(first, "/wallet/payouts", {"amount": yuan(1_000)})

        async def crossing(one: str, other: str) -> None:
            async with market.trading.database.transaction() as tx:
                await hold(tx, one)
                await both.wait()
                await hold(tx, other)

        both = asyncio.Barrier(2)
        ends = await asyncio.gather(
            crossing(wallets[0], wallets[1]), crossing(wallets[1], wallets[0]), return_exceptions=True
        )
        lost = [end for end in ends if end is not None]
        assert lost and all(isinstance(end, Unavailable) for end in lost), lost


async def health(market: Market, of: str) -> int:
    async with rest.connect(market.app) as connection:
        return (await connection.get(f"/health/{of}")).status_code


async def hold(tx: Transaction, wallet: str) -> None:
    query = for_update(select(accounts.c.id).where(accounts.c.id == wallet), tx)
    assert (await tx.execute(query)).one()
