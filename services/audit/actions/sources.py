"""What happens when a source tells of itself: a sign of life is held against its chain, a count against the log's own.

Promises: the outcome of each count is an entry of the log; a contradiction is an alert. Nothing is refused for it: what
contradicts is itself the evidence, and stands in the log.
"""

from services.audit.actions import alarm
from services.audit.actions.audit import Audit
from services.audit.events.log import AlertKind, AlertRaised, SourceReconciled
from services.audit.rules import heartbeat
from services.audit.rules.entry import Batch
from services.audit.rules.heartbeat import SignOfLife
from services.audit.rules.receipt import Placed
from services.audit.store import entry as entry_store
from shared.database import Transaction
from shared.facts import Fact


async def hear(audit: Audit, batch: Batch, placed: Placed) -> None:
    """Requires that the batch was placed. Heard again, e.g. since an answer was lost, it says the same again."""
    signs = list(heartbeat.signs_of_life(batch, placed.last.seq))
    if not signs:
        return
    async with audit.database.read() as tx:
        facts = [fact for sign in signs for fact in await _judged(tx, batch, sign)]
    if facts:
        async with audit.database.transaction() as tx:
            await alarm.record(audit.database, audit.outbox, tx, await audit.database.now(tx), *facts)


async def _judged(tx: Transaction, batch: Batch, sign: SignOfLife) -> list[Fact]:
    if sign.name == heartbeat.HEARTBEAT:
        return [] if heartbeat.agrees(batch, sign) else [_alert("source_contradicts_itself", batch, sign)]
    told = heartbeat.count_of(batch, sign)
    if told is None:
        return [_alert("source_contradicts_itself", batch, sign)]
    ids = await entry_store.ids_between(tx, batch.service, batch.stripe, told.first_seq, told.last_seq)
    ours = heartbeat.counted(told.first_seq, told.last_seq, ids)
    verdict = "ok" if ours == told else "mismatch"
    reconciled = SourceReconciled(
        verdict, batch.service, batch.stripe, told.first_seq, told.last_seq, told.count, ours.count, ours.ids_hash
    )  # fmt: skip
    return [reconciled] if verdict == "ok" else [reconciled, _alert("counts_differ", batch, sign)]


def _alert(kind: AlertKind, batch: Batch, sign: SignOfLife) -> AlertRaised:
    known = sign.previous.hex()
    return AlertRaised(kind, service=batch.service, stripe=batch.stripe, seq=sign.seq, known_hash=known)
