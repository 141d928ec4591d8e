"""The relay: carries a service's facts from its outbox to the audit log, stripe by stripe, in order.

Promises: a fact is sent until the log has acknowledged it, and never skipped; sending twice is harmless, because the
log knows its head of every stripe. A log that has forgotten what it acknowledged is sent everything again from there; a
log that holds another fact under the same number is an alarm, and that stripe waits for a person; so is a fact that is
gone from the outbox, or is not as its chain says, before it was sent. What the log refuses
holds up its own stripe only. The lease of the stripe is kept however long the log takes to answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import select, update

from shared import observing
from shared.clock import Clock
from shared.database import Database, insert_into
from shared.errors import Conflict, Failure, Malformed, Unavailable
from shared.facts import GENESIS, link
from shared.faultpoint import faultpoint
from shared.ids import RequestId
from shared.log import set_job_id
from shared.outbox import Outbox, facts_table, receipts_table, unsent
from shared.rest import Peer, RestClient

BATCH_MAX = 500
BATCH_BYTES_MAX = 4 * 1024 * 1024
INTERVAL_SECONDS = 0.2
PAUSE_SECONDS_MAX = 10.0
RENEW_SECONDS = 20.0
REFUSED_FOR = timedelta(seconds=10)
FOR_EVER = datetime.max.replace(tzinfo=UTC)
log = logging.getLogger(__name__)


class SequenceGap(Conflict):
    """The log has not seen the facts before these."""


class SourceEquivocates(Malformed):
    """The log already holds another fact under this number."""


class Batch(BaseModel):
    service: str
    stripe: int
    first_seq: int
    prev: str
    events: list[str]


class Receipt(BaseModel, extra="allow"):
    """The log's promise, kept as it came: it is signed as a whole."""

    first_seq: int
    last_seq: int
    first_index: int
    last_index: int


class LogClient(RestClient):
    errors = (SequenceGap, SourceEquivocates)

    async def append(self, batch: Batch) -> Receipt:
        return await self.post("/audit/v1/batches", batch, Receipt, repeatable=True)


@dataclass(frozen=True, slots=True)
class _Waiting:
    stripe: int
    first_seq: int
    prev: bytes
    lines: list[bytes]

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.lines) - 1


class Relay:
    def __init__(self, outbox: Outbox, database: Database, clock: Clock, log_peer: Peer) -> None:
        self._outbox, self._database, self._clock = outbox, database, clock
        self._client = LogClient(log_peer)
        self._parked: dict[int, datetime] = {}  # until when nothing more is sent of a stripe
        self._may_wait = True  # whether something may have been recorded since the last look
        database.on_news(self._hear)

    @property
    def parked_stripes(self) -> int:
        """Stripes of which nothing is sent now."""
        return sum(self._is_parked(stripe) for stripe in self._parked)

    async def run(self) -> None:
        """Send for ever, and keep the stripe's lease. Failures are logged and tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_sending())
            group.create_task(self._keep_the_lease())

    async def _keep_sending(self) -> None:
        pause = INTERVAL_SECONDS
        while True:
            if self._may_wait or self._parked or self._database.is_shared:
                self._may_wait = False
                succeeded = await self.try_once(self.tick)
                self._may_wait |= not succeeded
                pause = INTERVAL_SECONDS if succeeded else min(pause * 2, PAUSE_SECONDS_MAX)
            await self._clock.sleep(pause)

    def _hear(self) -> None:
        self._may_wait = True

    async def _keep_the_lease(self) -> None:
        since_renewal = 0.0
        while True:
            due = since_renewal >= RENEW_SECONDS or not self._outbox.is_leased
            if due and await self.try_once(self._outbox.lease):
                since_renewal = 0.0
            await self._clock.sleep(INTERVAL_SECONDS)
            since_renewal += INTERVAL_SECONDS

    async def try_once(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Whether it succeeded. What went wrong is in the log, under an id that whoever was asked was told too."""
        before = set_job_id(RequestId.new())
        try:
            await work()
        except Failure as failure:
            log.warning("the relay of %s waits: %s", self._outbox.service, failure.code())
        except Exception:
            log.exception("the relay of %s failed; it runs again", self._outbox.service)
        else:
            return True
        finally:
            set_job_id(before)
        return False

    async def tick(self) -> int:
        """Send what waits, every stripe until it is empty. Returns how many facts the log has newly acknowledged."""
        sent = 0
        async with self._database.read() as tx:
            stripes = await self._outbox.stripes_to_relay(tx, await self._database.now(tx))
        for stripe in stripes:
            while not self._is_parked(stripe) and (waiting := await self._waiting(stripe)):
                sent += await self._send(waiting)
        return sent

    async def _send(self, waiting: _Waiting) -> int:
        batch = Batch(
            service=self._outbox.service, stripe=waiting.stripe, first_seq=waiting.first_seq,
            prev=waiting.prev.hex(), events=[line.decode() for line in waiting.lines],
        )  # fmt: skip
        try:
            faultpoint("relay.before_send")
            receipt = await self._client.append(batch)
            faultpoint("relay.sent")
        except SequenceGap as gap:
            head_seq = int(str(gap.facts.get("head_seq", 0)))
            if head_seq + 1 >= waiting.first_seq:
                self._park(waiting.stripe, FOR_EVER, "contradicts itself")
            elif not await self._rewind(waiting, head_seq):
                self._park(waiting.stripe, FOR_EVER, f"waits for number {head_seq + 1}, which is gone")
            return 0
        except SourceEquivocates:
            self._park(waiting.stripe, FOR_EVER, "holds another fact")
            return 0
        except Unavailable:
            raise
        except Failure as refusal:
            self._park(waiting.stripe, self._clock.now() + REFUSED_FOR, f"refuses what it was sent: {refusal.facts}")
            return 0
        return await self._mark(waiting, receipt)

    def _is_parked(self, stripe: int) -> bool:
        until = self._parked.get(stripe)
        return until is not None and self._clock.now() < until

    def _park(self, stripe: int, until: datetime, why: str) -> None:
        then = "stops" if until == FOR_EVER else f"tries again at {until}"
        log.critical("for stripe %s of %s the log %s: its relay %s", stripe, self._outbox.service, why, then)
        self._parked[stripe] = until

    async def _waiting(self, stripe: int) -> _Waiting | None:
        columns = (facts_table.c.seq, facts_table.c.line, facts_table.c.hash)
        query = select(*columns).where(facts_table.c.stripe == stripe, unsent).order_by(facts_table.c.seq)
        async with self._database.read() as tx:
            rows = (await tx.execute(query.limit(BATCH_MAX))).all()
            if not rows:
                return None
            before = facts_table.c.seq == rows[0].seq - 1
            prev = await tx.scalar(select(facts_table.c.hash).where(facts_table.c.stripe == stripe, before))
        lines, size, reached = list[bytes](), 0, prev or GENESIS
        for row in rows:
            size += len(row.line)
            if lines and (size > BATCH_BYTES_MAX or row.seq != rows[0].seq + len(lines)):
                break
            reached = link(reached, row.seq, row.line)
            if reached != row.hash and (prev or rows[0].seq == 1):
                break
            lines.append(row.line)
        if not lines:
            self._park(stripe, FOR_EVER, f"would be told another fact {rows[0].seq} than was recorded")
            return None
        return _Waiting(stripe, rows[0].seq, prev or GENESIS, lines)

    async def _mark(self, waiting: _Waiting, receipt: Receipt) -> int:
        """Give each fact that the log took its place there. Returns how many it took."""
        if receipt.first_seq != waiting.first_seq or not receipt.first_seq <= receipt.last_seq <= waiting.last_seq:
            raise Unavailable(service="audit", detail="the log's receipt is for other facts than were sent")
        async with self._database.transaction() as tx:
            acknowledged = facts_table.c.seq.between(receipt.first_seq, receipt.last_seq)
            where = (facts_table.c.stripe == waiting.stripe, acknowledged)
            # The log appends a batch in one piece, so places run with the numbers.
            offset = receipt.first_index - receipt.first_seq
            await tx.execute(update(facts_table).where(*where).values(log_index=facts_table.c.seq + offset))
            promised = {"stripe": waiting.stripe, "receipt": receipt.model_dump_json()}
            promised |= {"last_seq": receipt.last_seq, "last_index": receipt.last_index}
            await tx.execute(insert_into(tx, receipts_table).values(promised).on_conflict_do_nothing())
            faultpoint("relay.before_marked")
        faultpoint("relay.marked")
        taken = receipt.last_seq - receipt.first_seq + 1
        if observer := observing.current():
            observer.metrics.relayed.inc(taken)
        return taken

    async def _rewind(self, waiting: _Waiting, head_seq: int) -> bool:
        """Mark as unsent what the log does not have. Returns whether the first of it is still here."""
        log.error("the log stands at %s of stripe %s: sending again from there", head_seq, waiting.stripe)
        async with self._database.transaction() as tx:
            where = (facts_table.c.stripe == waiting.stripe, facts_table.c.seq > head_seq)
            await tx.execute(update(facts_table).where(*where).values(log_index=None))
            next_one = (facts_table.c.stripe == waiting.stripe, facts_table.c.seq == head_seq + 1)
            return await tx.scalar(select(facts_table.c.seq).where(*next_one)) is not None
