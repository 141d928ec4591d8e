"""A clock that stands still until it is told."""

import asyncio
from datetime import UTC, datetime, timedelta


class ToldClock:
    """Whoever sleeps by it never wakes: jobs are ticked by the test."""

    def __init__(self) -> None:
        self._now = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()

    def advance(self, **time: float) -> None:
        self._now += timedelta(**time)

    def set(self, moment: datetime) -> None:
        self._now = moment
