"""The SQL of docs/scaling.md that splits bids and the log by time: it runs, and the market goes on as before."""

import re
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import select, text

from migrations import schema
from services.audit.actions.sequencer import Sequencer
from services.audit.rules.entry import Batch
from services.audit.tables import entries
from services.audit.tables import metadata as audit_metadata
from shared.database import Database
from shared.facts import GENESIS, link
from tests.conftest import MakeDatabase
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.support.migrated import administrators_url, make_log_ins
from tests.trading.market import START, STEP, a_market
from tests.verifier.made_logs import an_event

DOCUMENT = Path(__file__).parents[2] / "docs/scaling.md"
AFTER_2026 = "auction_01a2ce8bd4"
pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


async def run_as_written(database: Database, name: str) -> None:
    await make_log_ins(administrators_url(database))  # a copied database has lost who may do what in it
    [said] = re.findall(rf"```sql {name}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    bare = administrators_url(database).replace("postgresql+asyncpg", "postgresql")
    connection = cast(Any, await asyncpg.connect(bare))  # pyright: ignore[reportUnknownMemberType]
    try:
        await connection.execute(said)
    finally:
        await connection.close()


async def migrated_again(database: Database) -> list[str]:
    """What differs from the code's tables, after `yaosu migrate`."""
    owner = Database(administrators_url(database), schema=database.schema, clock=ToldClock())
    try:
        await schema.upgrade(owner)
        return await schema.drift(owner)
    finally:
        await owner.close()


async def test_bids_go_on_over_partitions_by_time_and_are_never_changed(bench: Bench):
    async with a_market(bench) as market:
        auction_id = await market.auction()
        who = await market.bidder(auction_id)
        assert (await market.bid(who, auction_id, START)).is_success

        await run_as_written(market.trading.database, "partition-bids")
        assert await migrated_again(market.trading.database) == []

        assert (await market.bid(who, auction_id, START + STEP)).is_success
        later = await market.auction()
        assert (await market.read(None, f"/auctions/{auction_id}"))["bids"] == 2
        assert (await market.bid(await market.bidder(later), later, START)).is_success
        place = "SELECT tableoid::regclass::text AS place, count(*) FROM bids GROUP BY 1"
        async with market.trading.database.read() as tx:
            rows = {row.place: row.count for row in await tx.execute(text(place))}
        assert rows == {"bids_until_2027" if auction_id < AFTER_2026 else "bids_2027": 3}
        owner = Database(administrators_url(market.trading.database), schema="trading", clock=bench.clock)
        with pytest.raises(Exception, match="bids is append-only"):
            async with owner.transaction() as tx:
                await tx.execute(text("DELETE FROM bids"))
        await owner.close()


async def test_the_log_goes_on_over_partitions_by_index(database: MakeDatabase):
    audit = await database("audit", audit_metadata)
    sequencer, reached = Sequencer(audit), GENESIS
    await sequencer.begin()

    async def append(first: int) -> None:
        nonlocal reached
        lines = tuple(an_event(number, "trading") for number in range(first, first + 3))
        await sequencer.append(Batch("trading", 0, first, reached, lines))
        for number, line in enumerate(lines, first):
            reached = link(reached, number, line)

    await append(1)
    await run_as_written(audit, "partition-entries")
    assert await migrated_again(audit) == []
    await append(4)
    async with audit.read() as tx:
        assert list(await tx.scalars(select(entries.c.seq).order_by(entries.c.log_index))) == [1, 2, 3, 4, 5, 6]
