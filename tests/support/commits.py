"""Commits to an SQLite file, and says so after each: `python -m tests.support.commits FILE COUNT [SYNCHRONOUS]`.

Where the database says that it is busy, that is said instead, and the next is tried. The third argument loosens what
the product sets, so that a test can see itself fail.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, event, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import database
from shared.clock import SystemClock
from shared.database import Database, DatabaseBusy

METADATA = MetaData()
notes = Table("notes", METADATA, Column("id", Integer, primary_key=True))
SAID, BUSY = b"committed\n", b"busy\n"


def loosen(synchronous: str) -> None:
    """Let every connection made from now on be less careful than the product's are."""
    configured = database._configure_sqlite  # pyright: ignore[reportPrivateUsage]

    def loosened(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA synchronous={synchronous}")

    def configure(engine: AsyncEngine, **how: Any) -> None:
        configured(engine, **how)
        event.listen(engine.sync_engine, "connect", loosened)

    database._configure_sqlite = configure  # pyright: ignore[reportPrivateUsage]


async def commit(file: Path, count: int) -> None:
    kept = Database(f"sqlite+aiosqlite:///{file}", schema="notes", clock=SystemClock())
    await kept.create(METADATA)
    os.write(1, SAID)
    for number in range(count):
        try:
            async with kept.transaction() as tx:
                await tx.execute(insert(notes).values(id=number))
        except DatabaseBusy:
            os.write(1, BUSY)
        else:
            os.write(1, SAID)
    await kept.close()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        loosen(sys.argv[3])
    asyncio.run(commit(Path(sys.argv[1]), int(sys.argv[2])))
