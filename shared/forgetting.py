"""Forgetting the answers to writes once nobody can reasonably send them again: they are as large as what was written.

Promises: nothing is forgotten before its time; a sweep holds no lock for longer than one batch takes; it may stop
anywhere, be repeated, and be done by several processes at once. It walks along the table's key, so that no write pays
for an index by time.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_

from shared.clock import Clock
from shared.database import Database
from shared.idempotency import answers_table
from shared.jobs import attempt

SWEEP_SECONDS = 3600.0
LOOKED_AT_ONCE = 500
PAUSE_SECONDS = 0.02  # between two batches, so that others come in between
_place = tuple_(answers_table.c.caller, answers_table.c.route, answers_table.c.key_digest)
Place = Sequence[str]
START: Place = ("", "", "")


class Forgetting:
    """Of one process, what its service answered."""

    def __init__(self, database: Database, clock: Clock, kept_days: int) -> None:
        self._database, self._clock, self._kept = database, clock, timedelta(days=kept_days)

    async def run(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            await attempt(self.forget_answers)

    async def forget_answers(self) -> int:
        """Sweep the whole table once. Returns how many answers are gone."""
        forgotten, reached = 0, START
        while True:
            count, after = await self._forget_after(reached)
            forgotten += count
            if after is None:
                return forgotten
            reached = after
            await asyncio.sleep(PAUSE_SECONDS)

    async def _forget_after(self, reached: Place) -> tuple[int, Place | None]:
        """One batch: how many of it are gone, and where it ended; None at the table's end."""
        async with self._database.read() as tx:
            before = await self._database.now(tx) - self._kept
            following = select(*_place.clauses, answers_table.c.answered_at).where(_place > reached)
            rows = (await tx.execute(following.order_by(*_place.clauses).limit(LOOKED_AT_ONCE))).all()
        over = [row for row in rows if row.answered_at <= before]
        if over:
            await self._forget(reached, tuple(over[-1][:3]), before)
        return len(over), tuple(rows[-1][:3]) if len(rows) == LOOKED_AT_ONCE else None

    async def _forget(self, reached: Place, last: Place, before: datetime) -> None:
        here = (_place > reached, _place <= last, answers_table.c.answered_at <= before)
        async with self._database.transaction() as tx:
            await tx.execute(delete(answers_table).where(*here))
