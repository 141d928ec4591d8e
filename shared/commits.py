"""Waiting for what a service commits: whoever looks, and finds nothing new, is woken by the next commit.

Promises: no commit falls between a look and the wait after it; of another process's commits there is no notice, so
where several write, a wait ends by itself soon enough to look again.
"""

import asyncio
from contextlib import suppress

from shared.changes import POLL_SECONDS
from shared.database import Database


class Commits:
    def __init__(self, database: Database) -> None:
        self._database, self._next = database, asyncio.Event()
        database.on_commit(self._tell)

    @property
    def next(self) -> asyncio.Event:
        """What the next commit sets. To be taken before the look."""
        return self._next

    async def wait(self, commit: asyncio.Event, seconds: float) -> None:
        """Until this commit, or so long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, POLL_SECONDS) if self._database.is_shared else seconds):
                await commit.wait()

    def _tell(self) -> None:
        told, self._next = self._next, asyncio.Event()
        told.set()
