"""What happens when a service reports its facts."""

from base64 import b64encode
from datetime import datetime

from services.audit.actions import alarm, sources
from services.audit.actions.audit import Audit
from services.audit.events.log import AlertRaised
from services.audit.rules import receipt
from services.audit.rules.entry import Batch, SourceEquivocates, SourceHead
from services.audit.rules.receipt import Placed
from services.audit.schemas.log import Receipt
from services.audit.store import source as source_store
from services.audit.store.source import Evidence
from shared.access import ServiceCaller
from shared.errors import Forbidden
from shared.ids import EvidenceId


class NotItsOwn(Forbidden):
    """A service may only report its own facts."""


async def take(audit: Audit, caller: ServiceCaller, batch: Batch) -> Receipt:
    """Put the events into the log, and sign for them. What was sent before gets its old places again.

    Raises SequenceGap with the log's head, from which to go on. A contradiction is kept as evidence and raised as
    SourceEquivocates.
    """
    if batch.service != caller.name:
        raise NotItsOwn(service=batch.service)
    try:
        placed = await audit.sequencer.append(batch)
    except SourceEquivocates as contradiction:
        await _keep_evidence(audit, batch, contradiction)
        raise
    await sources.hear(audit, batch, placed)
    return _signed(audit, placed, audit.clock.now())


async def source(audit: Audit, service: str, stripe: int) -> SourceHead:
    """How far the log has a stripe; number 0 if it has nothing of it."""
    async with audit.database.read() as tx:
        return await source_store.source_head(tx, service, stripe)


def _signed(audit: Audit, placed: Placed, issued_at: datetime) -> Receipt:
    signature = audit.keys.sign(receipt.signed_bytes(placed, issued_at))
    return Receipt(
        service=placed.last.service, stripe=placed.last.stripe, first_seq=placed.first_seq, last_seq=placed.last.seq,
        first_index=placed.first_index, last_index=placed.last_index, last_hash=placed.last.hash.hex(),
        log_size=placed.log_size, issued_at=issued_at, signature=b64encode(signature).decode(),
    )  # fmt: skip


async def _keep_evidence(audit: Audit, batch: Batch, contradiction: SourceEquivocates) -> None:
    told = contradiction.facts
    seq, known, sent = int(str(told["seq"])), str(told["known_hash"]), str(told["sent_hash"])
    async with audit.database.transaction() as tx:
        now = await audit.database.now(tx)
        found = Evidence(
            EvidenceId.new(), batch.service, batch.stripe, seq, bytes.fromhex(known), bytes.fromhex(sent),
            batch.first_seq, batch.previous, b"\n".join(batch.lines), now,
        )  # fmt: skip
        if await source_store.add_evidence(tx, found):
            alert = AlertRaised("source_equivocates", found.id, batch.service, batch.stripe, seq, known, sent)
            await alarm.record(audit.database, audit.outbox, tx, now, alert)
