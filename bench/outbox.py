"""The outbox: what it costs that a business write announces itself.

`with fact` changes a row and records a fact of it in one transaction; `none` only changes the row. Both on the same
database, one transaction after the other, as durable as production's; the sides take turns.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqlalchemy import BigInteger, Column, MetaData, String, Table, insert, update
from sqlalchemy.schema import CreateSchema

from bench.measure import ROUNDS, SHORT, Figure, in_turns
from shared import outbox
from shared.clock import SystemClock
from shared.database import Database
from shared.facts import Category, Fact
from shared.outbox import Outbox
from tests.support.postgres import NO_POSTGRES, fresh_database, postgres_server

WRITES = 20 if SHORT else 300
GOAL = 0.60
metadata = MetaData()
outbox.tables(metadata)
things = Table("things", metadata, Column("id", String, primary_key=True), Column("revision", BigInteger))


@dataclass(frozen=True, slots=True)
class ThingChanged(Fact):
    """About as large as most facts are."""

    category: ClassVar[Category] = Category.TRADE
    thing: str
    revision: int
    reason: str = "what is said of a change is rarely longer than this, and never longer than 16 KiB in all"


def measure(folder: Path) -> Iterator[Figure]:
    yield _cost(f"sqlite+aiosqlite:///{folder / 'outbox.db'}", "sqlite")
    with postgres_server(durable=True) as server:
        if server is None:
            print(f"outbox: PostgreSQL skipped: {NO_POSTGRES}", flush=True)
            return
        with asyncio.Runner() as runner:
            fresh = fresh_database(server)
            yield _cost(runner.run(fresh.__aenter__()), "postgresql")
            runner.run(fresh.__aexit__(None, None, None))


def _cost(url: str, kind: str) -> Figure:
    with asyncio.Runner() as runner:
        opened = _opened(url)
        database, announcing = runner.run(opened.__aenter__())
        sides = {
            "none": lambda: runner.run(_write(database, None)),
            "with fact": lambda: runner.run(_write(database, announcing)),
        }
        turns = in_turns(sides)
        runner.run(opened.__aexit__(None, None, None))
    note = f"{WRITES} durable writes one after the other, {ROUNDS} rounds"
    return Figure(
        f"outbox_per_none_{kind}", turns.ratio("none", "with fact"), GOAL, "at_least", turns.seconds, note=note
    )


@asynccontextmanager
async def _opened(url: str) -> AsyncGenerator[tuple[Database, Outbox]]:
    database = Database(url, schema="trading", clock=SystemClock())
    if not database.is_sqlite:
        async with database.transaction() as tx:
            await tx.execute(CreateSchema("trading"))
    await database.create(metadata)
    async with database.transaction() as tx:
        await tx.execute(insert(things), [{"id": "thing", "revision": 0}])
    announcing = Outbox("trading", database)
    await announcing.lease()
    yield database, announcing
    await database.close()


async def _write(database: Database, announcing: Outbox | None) -> None:
    for number in range(WRITES):
        async with database.transaction() as tx:
            now = await database.now(tx)
            await tx.execute(update(things).where(things.c.id == "thing").values(revision=number))
            if announcing:
                await announcing.record(tx, announcing.itself, now, ThingChanged("thing", number))
