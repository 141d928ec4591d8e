"""A closer of auctions in a process of its own, and the auctions that it closes.

`python -m bench.serving.closing stock <folder> [<dsn>]` makes the tables and sells many things by auction: two bidders
each, so that every close awards one, drafts its order and frees the other's deposit. `… close <folder> [<dsn>]` says
`ready` and closes, by the real clock, until its input ends; then it says how late, in milliseconds, each of its commits
came. A moment on its input moves the ends of all auctions there: the first to that moment, each next a little later.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import MetaData, bindparam, select, update

from bench.measure import SHORT
from migrations import schema
from services.trading import jobs
from services.trading.events.auction import AuctionClosed
from services.trading.tables.deals import auctions
from shared.clock import SystemClock
from shared.database import Database, Transaction
from shared.facts import Actor, Fact
from shared.ids import FactId
from shared.outbox import Outbox
from shared.turn import Write
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.trading.market import AUCTION_DAYS, DEPOSIT, START, STEP, Market, a_market

AUCTIONS, APART = 20 if SHORT else 200, timedelta(milliseconds=10)


class Watch(Outbox):
    """Notes how late each close is by the time it is committed."""

    def __init__(self, database: Database) -> None:
        super().__init__("trading", database)
        self.late_milliseconds: list[float] = []
        self._closing: AuctionClosed | None = None
        database.on_commit(self._note)

    async def record(
        self, tx: Transaction, actor: Actor, now: datetime, *facts: Fact, beside: Sequence[Write] = ()
    ) -> list[FactId]:  # fmt: skip
        self._closing = next((fact for fact in facts if isinstance(fact, AuctionClosed)), None)
        return await super().record(tx, actor, now, *facts, beside=beside)

    def _note(self) -> None:
        if self._closing:
            late = SystemClock().now() - self._closing.closed_at
            self.late_milliseconds.append(late / timedelta(milliseconds=1))
            self._closing = None


def url_of(folder: Path, dsn: str | None, service: str) -> str:
    return dsn or f"sqlite+aiosqlite:///{folder}/{service}.db"


@asynccontextmanager
async def market_of(folder: Path, dsn: str | None) -> AsyncGenerator[Market]:
    clock = ToldClock()
    clock.set(SystemClock().now() - timedelta(days=AUCTION_DAYS))

    async def database(service: str, _: MetaData) -> Database:
        made = Database(url_of(folder, dsn, service), schema=service, clock=clock, told_time=True)
        await schema.upgrade(made)
        return made

    async with a_market(Bench(database, clock=clock)) as market:
        yield market


async def stock(folder: Path, dsn: str | None) -> None:
    async with market_of(folder, dsn) as market:
        people = [await market.bench.member("buyer") for _ in range(2)]
        await market.give_money(*people, minor=DEPOSIT * AUCTIONS)
        for _ in range(AUCTIONS):
            auction_id = await market.auction()
            for number, person in enumerate(people):
                await market.do(person, f"/auctions/{auction_id}/registrations")
                assert (await market.bid(person, auction_id, START + STEP * number)).is_success


async def close(folder: Path, dsn: str | None) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        market = await stack.enter_async_context(market_of(folder, dsn))
        database = Database(url_of(folder, dsn, "trading"), schema="trading", clock=clock)
        stack.push_async_callback(database.close)
        outbox = Watch(database)
        await outbox.lease()
        closer = asyncio.create_task(
            jobs.run_closer(replace(market.trading, clock=clock, database=database, outbox=outbox))
        )
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            await _move_ends(database, datetime.fromisoformat(line.strip()))
        closer.cancel()
    print(json.dumps(outbox.late_milliseconds), flush=True)


async def _move_ends(database: Database, first: datetime) -> None:
    async with database.transaction() as tx:
        ids = list(await tx.scalars(select(auctions.c.id).order_by(auctions.c.id)))
        moved = update(auctions).where(auctions.c.id == bindparam("moved")).values(closes_at=bindparam("to"))
        await tx.execute(moved, [{"moved": each, "to": first + APART * number} for number, each in enumerate(ids)])


if __name__ == "__main__":
    work = {"stock": stock, "close": close}[sys.argv[1]]
    asyncio.run(work(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
