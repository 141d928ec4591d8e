"""What a service says of its own outbox, unasked: signs of life, counts, and how far the log is behind.

Promises: once a minute a process tells the number and the hash that its stripe has reached, in the chain itself, so
that silence shows and a fact that vanished on the way to the log contradicts the next sign of life; every five minutes
it counts what it recorded, and the log counts the same. Where the log is too far behind, what would give something out
of the market is refused until it has caught up; everything else goes on.
Source: audit-log 3.4, 8 to 10.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import func, select

from shared import observing
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import Failure
from shared.facts import Category, Fact, Retention, moment, read_event
from shared.ids import FactId
from shared.outbox import Outbox, facts_table, stripes_table, unsent

LOOK_SECONDS = 10
LOOKS_PER_BEAT = 6
BEATS_PER_COUNT = 5
WARN_BEHIND = timedelta(seconds=60)
STOP_BEHIND = timedelta(minutes=15)
STOP_WAITING = 1_000_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceHeartbeat(Fact):
    """A process lives; up to this number, and with this hash, its stripe has been written before this fact."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    stripe: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class SourceCounted(Fact):
    """So many facts stand in a stripe under these numbers, and `ids_hash` is over their ids in order, a line each."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    stripe: int
    first_seq: int
    last_seq: int
    count: int
    ids_hash: str


def ids_hash(ids: Sequence[FactId]) -> str:
    return hashlib.sha256("".join(f"{each}\n" for each in ids).encode()).hexdigest()


class Pulse:
    """The signs of life of one process. Requires that its outbox holds a stripe."""

    def __init__(self, outbox: Outbox, database: Database, clock: Clock) -> None:
        self._outbox, self._database, self._clock = outbox, database, clock
        self._counted: dict[int, int] = {}  # of each stripe that this process held, up to which number

    async def run(self) -> None:
        """Look, beat and count for ever. Failures are logged; the next time comes by itself."""
        looks = 0
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            looks += 1
            await self._try(self.look)
            if looks % LOOKS_PER_BEAT == 0:
                await self._try(self.beat)
            if looks % (LOOKS_PER_BEAT * BEATS_PER_COUNT) == 0:
                await self._try(self.count)

    async def beat(self) -> None:
        async with self._database.transaction() as tx:
            now, head = await self._database.now(tx), await self._outbox.head(tx)
            self._counted.setdefault(head.stripe, head.seq)
            beat = SourceHeartbeat(head.stripe, head.seq, head.hash.hex())
            await self._outbox.record(tx, self._outbox.itself, now, beat)

    async def count(self) -> None:
        """Tell what stands in the stripe since the last count, or since this process first looked at it."""
        async with self._database.transaction() as tx:
            now, head = await self._database.now(tx), await self._outbox.head(tx)
            first = self._counted.setdefault(head.stripe, head.seq) + 1
            if first > head.seq:
                return
            ids = await self._ids(tx, head.stripe, first, head.seq)
            counted = SourceCounted(head.stripe, first, head.seq, len(ids), ids_hash(ids))
            await self._outbox.record(tx, self._outbox.itself, now, counted)
        self._counted[head.stripe] = head.seq

    async def look(self) -> None:
        """How far the log is behind: said from a minute on, and refused from a quarter of an hour on."""
        async with self._database.read() as tx:
            now = await self._database.now(tx)
            oldest = {stripe: now - moment(read_event(line).ts) for stripe, line in (await self._oldest(tx)).items()}
            behind = max(oldest.values(), default=timedelta())
            waiting = await self._waiting(tx) if behind > WARN_BEHIND else 0
            unsent_of = await self._unsent_of_each(tx)
        self._tell(oldest, unsent_of)
        if behind > WARN_BEHIND:
            log.warning("the log is %s and %s facts behind %s", behind, waiting, self._outbox.service)
        self._outbox.is_behind = behind > STOP_BEHIND or waiting > STOP_WAITING

    async def _ids(self, tx: Transaction, stripe: int, first: int, last: int) -> list[FactId]:
        here = (facts_table.c.stripe == stripe, facts_table.c.seq.between(first, last))
        return list(await tx.scalars(select(facts_table.c.id).where(*here).order_by(facts_table.c.seq)))

    def _tell(self, oldest: Mapping[int, timedelta], unsent_of: Mapping[int, int]) -> None:
        if observer := observing.current():
            for stripe, count in unsent_of.items():
                age = oldest.get(stripe, timedelta()) if count else timedelta()
                observer.metrics.unsent.labels(stripe).set(count)
                observer.metrics.unsent_age.labels(stripe).set(age.total_seconds())

    async def _unsent_of_each(self, tx: Transaction) -> dict[int, int]:
        """Of each stripe that was ever written, how many wait. Numbers have no gaps, so the ends say how many."""
        firsts = select(facts_table.c.stripe, func.min(facts_table.c.seq).label("first")).where(unsent)
        first = firsts.group_by(facts_table.c.stripe).subquery()
        written = select(stripes_table.c.number, stripes_table.c.seq, first.c.first)
        query = written.outerjoin(first, first.c.stripe == stripes_table.c.number).where(stripes_table.c.seq > 0)
        rows = await tx.execute(query)
        return {row.number: 0 if row.first is None else row.seq - row.first + 1 for row in rows}

    async def _oldest(self, tx: Transaction) -> dict[int, bytes]:
        """Of each stripe, the line of the first fact that waits."""
        firsts = select(facts_table.c.stripe, func.min(facts_table.c.seq)).where(unsent).group_by(facts_table.c.stripe)
        found = {
            stripe: await tx.scalar(
                select(facts_table.c.line).where(facts_table.c.stripe == stripe, facts_table.c.seq == seq)
            )
            for stripe, seq in (await tx.execute(firsts)).all()
        }
        return {stripe: line for stripe, line in found.items() if line}

    async def _waiting(self, tx: Transaction) -> int:
        """How many facts wait, counted no further than it matters."""
        some = select(facts_table.c.seq).where(unsent).limit(STOP_WAITING + 1).subquery()
        return await tx.scalar(select(func.count()).select_from(some)) or 0

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Failure as failure:
            log.warning("the pulse of %s misses a beat: %s", self._outbox.service, failure.code())
        except Exception:
            log.exception("the pulse of %s failed; it goes on", self._outbox.service)
