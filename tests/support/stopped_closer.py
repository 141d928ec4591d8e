"""A closer of auctions that stops dead in the middle of its first close: `python -m tests.support.stopped_closer`.

Told a DSN, a moment and an auction. The change is written and not committed, its locks are held; nothing more happens
until the process is let go on. Ends with 0 if the close was committed, with 3 if the database had taken it back.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import MetaData

from services.trading.actions import auction as actions
from shared.database import Database, Transaction
from shared.errors import Unavailable
from shared.facts import Actor, Fact
from shared.ids import AuctionId, FactId
from shared.outbox import Outbox
from shared.turn import Write
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.trading.market import a_market

TAKEN_BACK = 3


class StoppedOutbox(Outbox):
    async def record(
        self, tx: Transaction, actor: Actor, now: datetime, *facts: Fact, beside: Sequence[Write] = ()
    ) -> list[FactId]:  # fmt: skip
        recorded = await super().record(tx, actor, now, *facts, beside=beside)
        os.kill(os.getpid(), signal.SIGSTOP)
        return recorded


async def close(dsn: str, now: datetime, auction_id: AuctionId) -> int:
    clock = ToldClock()
    clock.set(now)

    async def database(service: str, _: MetaData) -> Database:
        return Database(dsn, schema=service, clock=clock, told_time=True)

    async with a_market(Bench(database, clock=clock, outbox=StoppedOutbox)) as market:
        try:
            await actions.close(market.trading, auction_id)
        except Unavailable:
            return TAKEN_BACK
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(close(sys.argv[1], datetime.fromisoformat(sys.argv[2]), AuctionId(sys.argv[3]))))
