"""Writes the next revision of a service: `make migration SERVICE=trading MESSAGE="Remember who cancelled"`.

The difference between the service's code and its newest revision becomes a file to read, mend and commit.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from migrations import schema
from shared.clock import SystemClock
from shared.database import Database


async def write(service: str, message: str) -> None:
    with TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / service}.db"
        database = Database(url, schema=service, clock=SystemClock())
        await schema.upgrade(database)
        await schema.write_revision(database, message)
        await database.close()


if __name__ == "__main__":
    asyncio.run(write(*sys.argv[1:]))
