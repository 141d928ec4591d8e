"""What happens when what is kept behind commitments is to be closed to all, or destroyed."""

import logging
from collections.abc import Sequence
from datetime import datetime

from services.audit import supervision, vault
from services.audit.actions import oversight
from services.audit.actions.audit import Audit
from services.audit.events.log import RedactionDone, RedactionLapsed, RedactionProposed, RedactionRefused
from services.audit.rules import redaction as rules
from services.audit.rules import retention
from services.audit.rules.case import Case
from services.audit.rules.entry import parse
from services.audit.rules.redaction import Field, KeyState, NothingKept, Redaction
from services.audit.store import entry as entry_store
from services.audit.store.entry import StoredEntry
from shared.access import Caller
from shared.database import Transaction
from shared.facts import moment, read_event
from shared.idempotency import Once
from shared.ids import RedactionId
from shared.web import Page

DUE_AT_ONCE = 100
CASES_MAX = 10_000
FIELDS_PER_FACT = 200  # of 16 KiB
log = logging.getLogger(__name__)


async def propose(
    audit: Audit, operator: Caller, subject: str, purpose: str, to: KeyState, basis: str, reason: str, once: Once
) -> Redaction:
    """Raises NothingKept if there is nothing, or nothing any more, to redact."""
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Redaction):
            return earlier
        now = await audit.database.now(tx)
        key = await vault.living_key_for_update(tx, subject, purpose)
        if key is None:
            raise NothingKept()
        who = (operator.subject, operator.participant_id)
        proposed = rules.propose(RedactionId.new(), key, to, basis, reason, *who, now)
        await supervision.add_matter(tx, proposed, [operator.subject])
        await once.remember(tx, proposed)
        await audit.outbox.record(tx, operator.actor, now, RedactionProposed.of(proposed))
    return proposed


async def approve(audit: Audit, operator: Caller, redaction_id: RedactionId, once: Once) -> Redaction:
    """The second person's yes: restricted or erased in this transaction, and told with every field that it was."""
    await oversight.label_entries(audit)
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Redaction):
            return earlier
        before = await supervision.matter_for_update(tx, Redaction, redaction_id)
        key = await vault.key_for_update(tx, before.data_key_id)
        now = await audit.database.now(tx)
        fields = [each.field for each in await vault.under(tx, key.id)]
        entries = await entry_store.entries_at(tx, [each.index for each in fields])
        done, emptied = rules.approve(
            before, key, operator.subject, operator.participant_id, now, fields=len(fields),
            kept_until=_kept_until(audit, entries), is_looked_at=await _is_looked_at(tx, entries),
        )  # fmt: skip
        await vault.save_key(tx, emptied)
        await supervision.save_matter(tx, before, done)
        await supervision.add_readers(tx, done, [operator.subject])
        await once.remember(tx, done)
        await audit.outbox.record(tx, operator.actor, now, *_told(done, fields))
    return done


async def refuse(
    audit: Audit, operator: Caller, redaction_id: RedactionId, reason_code: str, reason: str, once: Once
) -> Redaction:
    async with audit.database.transaction() as tx:
        if earlier := await once.recall(tx, Redaction):
            return earlier
        before = await supervision.matter_for_update(tx, Redaction, redaction_id)
        now = await audit.database.now(tx)
        refused = rules.refuse(before, operator.subject, operator.participant_id, reason_code, now)
        await supervision.save_matter(tx, before, refused)
        await once.remember(tx, refused)
        await audit.outbox.record(tx, operator.actor, now, RedactionRefused(refused.id, reason_code, reason))
    return refused


async def seen(audit: Audit, redaction_id: RedactionId) -> Redaction:
    async with audit.database.read() as tx:
        return await supervision.matter(tx, Redaction, redaction_id)


async def listed(audit: Audit, page: Page) -> list[Redaction]:
    """In order of age; one more than the page holds, if there is one."""
    async with audit.database.read() as tx:
        return await supervision.matters_of(tx, Redaction, page.after_id(RedactionId), page.limit + 1)


async def counts(audit: Audit) -> dict[str, int]:
    """For each operator, at how many redactions that were done they had a hand."""
    async with audit.database.read() as tx:
        return await supervision.matters_counted(tx, Redaction, rules.State.DONE)


async def pass_deadlines(audit: Audit) -> None:
    async with audit.database.read() as tx:
        due = await supervision.matters_under_way(tx, Redaction, await audit.database.now(tx), DUE_AT_ONCE)
    for each in due:
        try:
            await _pass_deadline(audit, each.id)
        except Exception:
            log.exception("%s could not be ended; it is tried again", each.id)


async def _pass_deadline(audit: Audit, redaction_id: RedactionId) -> None:
    async with audit.database.transaction() as tx:
        before = await supervision.matter_for_update(tx, Redaction, redaction_id)
        now = await audit.database.now(tx)
        if before.deadline is None or now < before.deadline:
            return
        after = rules.pass_deadline(before)
        await supervision.save_matter(tx, before, after)
        lapsed = RedactionLapsed(after.id, str(after.reason_code))
        await audit.outbox.record(tx, audit.outbox.itself, now, lapsed)


def _kept_until(audit: Audit, entries: Sequence[StoredEntry]) -> datetime | None:
    """Until when the law keeps the last of them; the furthest moment where it is without end."""
    ends = [
        retention.kept_until(audit.retention, read_event(each.leaf.split(b"\n")[1]).ret, _ingested_at(each))
        or retention.FOR_EVER
        for each in entries
    ]
    return max(ends, default=None)


async def _is_looked_at(tx: Transaction, entries: Sequence[StoredEntry]) -> bool:
    for case in await supervision.matters_under_way(tx, Case, None, CASES_MAX):
        if await oversight.reached_by(tx, case.form.scope, entries):
            return True
    return False


def _ingested_at(entry: StoredEntry) -> datetime:
    return moment(parse(entry.leaf).ingested_at_us)


def _told(done: Redaction, fields: Sequence[Field]) -> list[RedactionDone]:
    """As many facts as hold every field that was redacted; at least one."""
    some = [fields[at : at + FIELDS_PER_FACT] for at in range(0, len(fields), FIELDS_PER_FACT)] or [fields]
    return [RedactionDone.of(done, part) for part in some]
