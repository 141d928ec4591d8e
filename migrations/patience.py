"""How a migration waits for its locks: briefly, and again, so that nobody who serves has to wait long.

Whoever waits for a table's lock on PostgreSQL holds up all who come after, readers too. So a migration gives up soon,
takes everything back, and comes again a little later; after the last time it says who was in its way.
Promises: of several that migrate one service at once, one does and the others find it done; no statement runs without
end; a migration that gave up changed nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select, text

from shared.database import Database, DatabaseBusy, Transaction

NAME = "migrations"
LOOK_SECONDS = 0.1
LOCK_NOT_AVAILABLE, CANCELED = "55P03", "57014"
PID = select(func.pg_backend_pid())
IN_THE_WAY = text("""
SELECT pid, usename, application_name, state, xact_start, left(query, 80) AS query FROM pg_stat_activity
WHERE pid = ANY (pg_blocking_pids(:waiting)) ORDER BY xact_start
""")


class Blocked(RuntimeError):
    """A migration did not come by its locks; nothing of it was kept."""


class TooSlow(RuntimeError):
    """A statement of a migration took too long; nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one lock and one statement may take, how often to come, and how to wait in between."""

    lock_seconds: float = 2.0
    statement_seconds: float = 60.0
    attempts: int = 10
    pause_seconds_max: float = 15.0
    others_seconds: float = 600.0  # for another migration of the same service, which may write much
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    def pause_after(self, attempt: int) -> float:
        """Seconds until the next attempt: twice as long each time, so that what is in the way can end."""
        return min(self.lock_seconds * 2**attempt, self.pause_seconds_max)


@dataclass(slots=True)
class Blockers:
    """Who was seen in the way of one connection."""

    seen: dict[int, str] = field(default_factory=dict[int, str])

    async def watch(self, database: Database, waiting: int) -> None:
        """Look until cancelled. It must happen while the other waits: afterwards nobody is in its way any more."""
        while True:
            async with database.read() as tx:
                for row in await tx.execute(IN_THE_WAY, {"waiting": waiting}):
                    what = f"{row.application_name or 'a client'} as {row.usename}, {row.state} since {row.xact_start}"
                    self.seen[row.pid] = f"process {row.pid} ({what}: {row.query})"
            await asyncio.sleep(LOOK_SECONDS)

    def told(self) -> str:
        return "; ".join(self.seen.values()) or "nobody who could still be seen"


async def patiently(
    database: Database, patience: Patience, work: Callable[[Transaction], Awaitable[None]]
) -> None:  # fmt: skip
    """Do the work in one transaction, alone of all migrations of the service. Raises Blocked or TooSlow; requires
    PostgreSQL, and that the work may be done again after it was taken back."""
    blockers = Blockers()
    for attempt in range(patience.attempts):
        if attempt:
            await patience.pause(patience.pause_after(attempt - 1))
        try:
            async with database.rewriting() as tx:
                await database.wait_at_most(tx, patience.others_seconds)
                await tx.execute(select(func.pg_advisory_xact_lock(database.number_of(NAME))))
                await database.wait_at_most(tx, patience.lock_seconds)
                most = f"{patience.statement_seconds * 1000:.0f}ms"
                await tx.execute(select(func.set_config("statement_timeout", most, True)))
                async with _watched(database, tx, blockers):
                    await work(tx)
            return
        except DatabaseBusy as busy:
            state = getattr(getattr(busy.__cause__, "orig", None), "sqlstate", None)
            if state == CANCELED:
                raise TooSlow(
                    f"{database.schema}: a statement took longer than {patience.statement_seconds:g} s, and everything"
                    " was taken back. In a quiet hour, give it longer: `yaosu migrate --statement-seconds 3600`."
                ) from busy
            if state != LOCK_NOT_AVAILABLE:
                raise
    raise Blocked(
        f"{database.schema}: {patience.attempts} times a lock was not to be had within {patience.lock_seconds:g} s, and"
        f" everything was taken back. In the way: {blockers.told()}. Wait for its end or end it (`SELECT"
        " pg_terminate_backend(<process>)`), then run `yaosu migrate` again."
    )


@asynccontextmanager
async def _watched(database: Database, tx: Transaction, blockers: Blockers) -> AsyncGenerator[None]:
    pid = await tx.scalar(PID)
    assert pid is not None
    watch = asyncio.create_task(blockers.watch(database, pid))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
