"""The relay: carries a service's facts from its outbox to the audit log, stripe by stripe, in order.

Promises: a fact is sent until the log has acknowledged it, and never skipped; sending twice is harmless, because the
log knows its head of every stripe. A log that has forgotten what it acknowledged is sent everything again from there; a
log that holds another fact under the same number is an alarm, and that stripe waits for a person.
"""

import logging
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import select, update

from shared.clock import Clock
from shared.database import Database
from shared.errors import Conflict, Failure, Malformed
from shared.facts import GENESIS
from shared.outbox import Outbox, facts_table, unsent
from shared.rest import Peer, RestClient

BATCH_MAX = 500
BATCH_BYTES_MAX = 4 * 1024 * 1024
INTERVAL_SECONDS = 0.2
RENEW_SECONDS = 20.0
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


class Receipt(BaseModel):
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


class Relay:
    def __init__(self, outbox: Outbox, database: Database, clock: Clock, log_peer: Peer) -> None:
        self._outbox, self._database, self._clock = outbox, database, clock
        self._client = LogClient(log_peer)
        self._parked: set[int] = set()

    async def run(self) -> None:
        """Send for ever, and keep the stripe's lease. Failures are logged and tried again."""
        since_renewal = 0.0
        while True:
            try:
                if since_renewal >= RENEW_SECONDS or not self._outbox.is_leased:
                    await self._outbox.lease()
                    since_renewal = 0.0
                await self.tick()
            except Failure as failure:
                log.warning("the relay of %s waits: %s", self._outbox.service, failure.code())
            except Exception:
                log.exception("the relay of %s failed; it runs again", self._outbox.service)
            await self._clock.sleep(INTERVAL_SECONDS)
            since_renewal += INTERVAL_SECONDS

    async def tick(self) -> int:
        """Send what waits, every stripe until it is empty. Returns how many facts the log has newly acknowledged."""
        sent = 0
        async with self._database.read() as tx:
            stripes = await self._outbox.stripes_to_relay(tx, await self._database.now(tx))
        for stripe in stripes:
            while stripe not in self._parked and (waiting := await self._waiting(stripe)):
                sent += await self._send(waiting)
        return sent

    async def _send(self, waiting: _Waiting) -> int:
        batch = Batch(
            service=self._outbox.service, stripe=waiting.stripe, first_seq=waiting.first_seq,
            prev=waiting.prev.hex(), events=[line.decode() for line in waiting.lines],
        )  # fmt: skip
        try:
            receipt = await self._client.append(batch)
        except SequenceGap as gap:
            head_seq = int(str(gap.facts.get("head_seq", 0)))
            if head_seq + 1 >= waiting.first_seq:
                self._park(waiting.stripe)
            else:
                await self._rewind(waiting, head_seq)
            return 0
        except SourceEquivocates:
            self._park(waiting.stripe)
            return 0
        await self._mark(waiting, receipt)
        return len(waiting.lines)

    def _park(self, stripe: int) -> None:
        log.critical("the log contradicts stripe %s of %s; its relay stops", stripe, self._outbox.service)
        self._parked.add(stripe)

    async def _waiting(self, stripe: int) -> _Waiting | None:
        columns = (facts_table.c.seq, facts_table.c.line)
        query = select(*columns).where(facts_table.c.stripe == stripe, unsent).order_by(facts_table.c.seq)
        async with self._database.read() as tx:
            rows = (await tx.execute(query.limit(BATCH_MAX))).all()
            if not rows:
                return None
            before = facts_table.c.seq == rows[0].seq - 1
            prev = await tx.scalar(select(facts_table.c.hash).where(facts_table.c.stripe == stripe, before))
        lines, size = list[bytes](), 0
        for row in rows:
            size += len(row.line)
            if lines and size > BATCH_BYTES_MAX:
                break
            lines.append(row.line)
        return _Waiting(stripe, rows[0].seq, prev or GENESIS, lines)

    async def _mark(self, waiting: _Waiting, receipt: Receipt) -> None:
        """Give each fact its place in the log, which may have put others between them."""
        seqs = range(receipt.first_seq, receipt.last_seq + 1)
        async with self._database.transaction() as tx:
            where = (facts_table.c.stripe == waiting.stripe, facts_table.c.seq.between(seqs[0], seqs[-1]))
            # The log appends a batch in one piece, so places run with the numbers.
            offset = receipt.first_index - receipt.first_seq
            await tx.execute(update(facts_table).where(*where).values(log_index=facts_table.c.seq + offset))

    async def _rewind(self, waiting: _Waiting, head_seq: int) -> None:
        log.error("the log stands at %s of stripe %s: sending again from there", head_seq, waiting.stripe)
        async with self._database.transaction() as tx:
            where = (facts_table.c.stripe == waiting.stripe, facts_table.c.seq > head_seq)
            await tx.execute(update(facts_table).where(*where).values(log_index=None))
