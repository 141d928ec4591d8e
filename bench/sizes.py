"""Sizes: what rows a sale and a bid leave behind, and what a row takes on PostgreSQL, for the capacity model.

No figure with a goal: it writes bench/sizes.json, which bench/capacity.py computes with. Real sales by auction, from
the listing to the settlement, then thousands of bids, through the service's own actions; entries of the catalogue made
by its rules; and the log takes every fact of all these as it does in production. A row's bytes are those of its table
with its indexes and what is kept beside (`pg_total_relation_size`), divided by its rows, after a full vacuum.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from bench.measure import SHORT, Figure
from bench.search import entries
from migrations import schema
from services.audit.actions.sequencer import Sequencer
from services.audit.rules.entry import Batch
from services.catalog.store.entries import add_entries
from shared.clock import SystemClock
from shared.database import Database
from shared.facts import GENESIS
from shared.outbox import facts_table
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.support.postgres import NO_POSTGRES, fresh_database, postgres_server
from tests.trading.market import START, STEP, Market, a_market

SALES, BIDDERS, BIDS, ASSETS = (2, 4, 40, 50) if SHORT else (60, 32, 4_000, 4_000)
SETTLED_AFTER_DAYS, BATCH = 40, 500
SIZES = Path(__file__).parent / "sizes.json"
OF_TABLES = text("""
    SELECT relname, pg_table_size(oid) AS own, pg_indexes_size(oid) AS indexes
    FROM pg_class WHERE relnamespace = to_regnamespace(:schema) AND relkind = 'r' AND relname <> 'alembic_version'
""")
Counts = dict[str, int]


def measure(folder: Path) -> Iterator[Figure]:
    with postgres_server() as dsn:
        if dsn is None:
            print(f"sizes: skipped: {NO_POSTGRES}", flush=True)
            return
        told = asyncio.run(_measured(dsn))
    if not SHORT:
        SIZES.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    print(f"sizes: a sale leaves {sum(told['rows_per_sale'].values()):.1f} rows, "
          f"a bid {sum(told['rows_per_bid'].values()):.2f}", flush=True)  # fmt: skip
    yield from ()


async def _measured(server: str) -> dict[str, Any]:
    clock = ToldClock()
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(fresh_database(server))

        async def database(service: str, _: MetaData) -> Database:
            made = Database(dsn, schema=service, clock=clock, told_time=True)
            stack.push_async_callback(made.close)
            await schema.upgrade(made)
            return made

        market = await stack.enter_async_context(a_market(Bench(database, clock=clock)))
        before = await _counts(dsn, "trading")
        await _sell(market)
        sold = await _counts(dsn, "trading")
        await _bid(market)
        bid = await _counts(dsn, "trading")
        catalog = await database("catalog", MetaData())
        await _stock(catalog)
        audit = await database("audit", MetaData())
        events = await _log(market.trading.database, audit)
        tables = {service: await _sizes(dsn, service) for service in ("trading", "catalog", "audit")}
        of_bids = {"bids", "outbox_facts", "idempotency_answers", "idempotency"}
        return {
            "rows_per_sale": _each(before, sold, SALES),
            "rows_per_bid": {name: each for name, each in _each(sold, bid, BIDS).items() if name in of_bids},
            "rows_per_asset": {name: each["rows"] / ASSETS for name, each in tables["catalog"].items()},
            "rows_per_event": {name: each["rows"] / events for name, each in tables["audit"].items()},
            "tables": tables,
            "postgresql": await _version(dsn),
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


async def _sell(market: Market) -> None:
    """From the listing to the settlement, each after a bid, a contract signed by both, a payment and a use."""
    for _ in range(SALES):
        buyer, order = await market.paid()
        await market.use(buyer, await market.order(buyer, order))
    await market.advance(days=SETTLED_AFTER_DAYS)


async def _bid(market: Market) -> None:
    auction_id = await market.auction()
    people = [await market.bidder(auction_id) for _ in range(BIDDERS)]

    async def bids_of(number: int) -> None:
        for turn in range(BIDS // BIDDERS):
            answer = await market.bid(people[number], auction_id, START + STEP * (1 + turn * BIDDERS + number))
            assert answer.status_code < 500, answer.text

    await asyncio.gather(*(bids_of(number) for number in range(BIDDERS)))


async def _stock(catalog: Database) -> None:
    made = entries(ASSETS)
    while batch := list(islice(made, BATCH)):
        async with catalog.transaction() as tx:
            await add_entries(tx, batch)


async def _log(source: Database, audit: Database) -> int:
    """Every fact of the source goes into the log. Returns how many."""
    sequencer, reached, count = Sequencer(audit), GENESIS, 0
    await sequencer.begin()
    query = select(facts_table.c.line, facts_table.c.hash, facts_table.c.seq).order_by(facts_table.c.seq)
    async with source.read() as tx:
        rows = (await tx.execute(query)).all()
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        await sequencer.append(Batch("trading", 0, some[0].seq, reached, tuple(row.line for row in some)))
        reached, count = some[-1].hash, count + len(some)
    return count


async def _counts(dsn: str, service: str) -> Counts:
    return {name: each["rows"] for name, each in (await _sizes(dsn, service)).items()}


async def _sizes(dsn: str, service: str) -> dict[str, dict[str, int]]:
    engine = create_async_engine(dsn, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("VACUUM (FULL, ANALYZE)"))
        found = (await connection.execute(OF_TABLES, {"schema": service})).all()
        told = {
            row.relname: {
                "rows": await connection.scalar(text(f'SELECT count(*) FROM {service}."{row.relname}"')),
                "bytes": row.own + row.indexes, "index_bytes": row.indexes,
            }
            for row in found
        }  # fmt: skip
    await engine.dispose()
    return told


def _each(before: Counts, after: Counts, times: int) -> dict[str, float]:
    """Rows that came for one, by table."""
    return {name: round((after[name] - before[name]) / times, 3) for name in after if after[name] > before[name]}


async def _version(dsn: str) -> str:
    database = Database(dsn, schema="public", clock=SystemClock())
    async with database.read() as tx:
        version = str(await tx.scalar(text("SHOW server_version")))
    await database.close()
    return version
