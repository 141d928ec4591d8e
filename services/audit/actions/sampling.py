"""What happens when a regulator has inspections drawn by lot, and when the log has signed what they are drawn from."""

import logging
import secrets

from services.audit import supervision
from services.audit.actions.audit import Audit
from services.audit.events.log import SamplingCommitted, SamplingDrawn, SamplingLapsed
from services.audit.rules import checkpoint
from services.audit.rules import sampling as rules
from services.audit.rules.sampling import Plan, Sampling
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store.checkpoint import SignedCheckpoint
from shared import canonical
from shared.access import Caller
from shared.facts import plain
from shared.idempotency import Once
from shared.ids import FactId, SamplingId
from shared.web import Page

AT_ONCE = 100
log = logging.getLogger(__name__)


async def commit(audit: Audit, regulator: Caller, wanted: Plan, once: Once) -> Sampling:
    """Nothing is drawn yet: the log first signs the lists and the hash of the seed."""
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Sampling):
            return earlier
        now, seed = await audit.database.now(tx), secrets.token_bytes(rules.SEED_BYTES)
        sampling = rules.commit(SamplingId.new(), FactId.new(), regulator.subject, wanted, seed, now)
        await supervision.add_matter(tx, sampling)
        await once.remember(tx, sampling)
        await audit.outbox.record(tx, regulator.actor, now, SamplingCommitted.of(sampling))
    return sampling


async def seen(audit: Audit, sampling_id: SamplingId) -> Sampling:
    async with audit.database.read() as tx:
        return await supervision.matter(tx, Sampling, sampling_id)


async def listed(audit: Audit, page: Page) -> list[Sampling]:
    """In order of age; one more than the page holds, if there is one."""
    async with audit.database.read() as tx:
        return await supervision.matters_of(tx, Sampling, page.after_id(SamplingId), page.limit + 1)


async def draw_due(audit: Audit) -> None:
    """Draw what the log has signed. By nobody's hand: whoever dislikes a draw cannot leave it out."""
    async with audit.database.read() as tx:
        waiting = await supervision.matters_under_way(tx, Sampling, None, AT_ONCE)
    for sampling in waiting:
        try:
            await _draw(audit, sampling.id)
        except Exception:
            log.exception("%s could not be drawn; it is tried again", sampling.id)


async def _draw(audit: Audit, sampling_id: SamplingId) -> None:
    async with audit.database.transaction() as tx:
        before = await supervision.matter_for_update(tx, Sampling, sampling_id)
        signed = await checkpoint_store.first_checkpoint_with(tx, before.fact_id)
        now = await audit.database.now(tx)
        if before.deadline is None:
            return
        if signed and signed.signed_at <= before.deadline:
            drawn = rules.draw(before, signed.size, _root(signed))
            fact = SamplingDrawn(
                drawn.id, drawn.seed, signed.size, str(drawn.beacon_root),
                tuple(each.subject for each in drawn.drawn), canonical.digest(plain(drawn.drawn)),
            )  # fmt: skip
        elif before.deadline <= now:
            drawn = rules.lapse(before)
            fact = SamplingLapsed(drawn.id, str(drawn.reason_code))
        else:
            return
        await supervision.save_matter(tx, before, drawn)
        await audit.outbox.record(tx, audit.outbox.itself, now, fact)


def _root(signed: SignedCheckpoint) -> bytes:
    return checkpoint.parse_checkpoint(checkpoint.parse_note(signed.note.decode()).text).root
