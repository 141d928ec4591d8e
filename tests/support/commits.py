"""Commits to an SQLite file, and says so after each: `python -m tests.support.commits FILE COUNT [SYNCHRONOUS]`.

Where the database says that it is busy, that is said instead, and the next is tried. The third argument loosens what
the product sets, so that a test can see itself fail.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, insert

from shared.clock import SystemClock
from shared.database import Database, DatabaseBusy
from shared.sqlite import Connection, connection

Connect = Callable[..., Connection]
METADATA = MetaData()
notes = Table("notes", METADATA, Column("id", Integer, primary_key=True))
SAID, BUSY = b"committed\n", b"busy\n"


def loosened(synchronous: str) -> Connect:
    """Opens files less carefully than the product does."""

    def connect(path: str, pragmas: Sequence[str], **options: Any) -> Connection:
        return connection(path, (*pragmas, f"synchronous={synchronous}"), **options)

    return connect


async def commit(file: Path, count: int, connect: Connect) -> None:
    kept = Database(f"sqlite+aiosqlite:///{file}", schema="notes", clock=SystemClock(), connect=connect)
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
    connect = loosened(sys.argv[3]) if len(sys.argv) > 3 else connection
    asyncio.run(commit(Path(sys.argv[1]), int(sys.argv[2]), connect))
