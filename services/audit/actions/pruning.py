"""What happens to entries whose term is over: they are dropped, oldest first, and their hashes stay.

Promises: no one does this by hand, and nothing is dropped that the policy in force, an open case or an entry held
without end still keeps; what was proved of a dropped entry stays provable; that it was dropped is itself an entry.
"""

from datetime import datetime

from services.audit import supervision, vault
from services.audit.actions import oversight, reading
from services.audit.actions.audit import Audit
from services.audit.events.log import LogPruned
from services.audit.rules import retention as rules
from services.audit.rules.case import Case
from services.audit.rules.entry import parse
from services.audit.rules.retention import Policy, Term
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store.entry import StoredEntry
from shared.database import Transaction
from shared.facts import moment, read_event

AT_ONCE = 8 * rules.WHOLE
CASES_MAX = 10_000


async def terms(audit: Audit) -> tuple[Policy, int]:
    """The policy in force, and from which index on entries are kept."""
    async with audit.database.read() as tx:
        return audit.retention, await log_store.minimum_index(tx)


async def prune_if_wanted(audit: Audit) -> None:
    if audit.is_pruned:
        await prune(audit)


async def prune(audit: Audit) -> int:
    """Drop what need not be kept of the signed log. Returns from which index on entries are kept now."""
    await oversight.label_entries(audit)  # which an entry that is gone can no longer give
    async with audit.database.read() as tx:
        minimum = await _minimum_index(audit, tx, await log_store.minimum_index(tx), await audit.database.now(tx))
    async with audit.database.transaction() as tx:
        await log_store.head_for_update(tx)  # no entry arrives meanwhile, and no other process prunes
        before, now = await log_store.minimum_index(tx), await audit.database.now(tx)
        if minimum <= before or await _minimum_index(audit, tx, before, now) < minimum:
            return before  # a case was opened since
        await log_store.prune(tx, minimum, audit.retention.id, now)
        await vault.forget(tx, minimum)
        fact = LogPruned(audit.retention.id, before, minimum)
        await audit.outbox.record(tx, audit.outbox.itself, now, fact)
    return minimum


async def _minimum_index(audit: Audit, tx: Transaction, before: int, now: datetime) -> int:
    size = await reading.signed_size(tx)
    looked_at = await supervision.matters_under_way(tx, Case, None, CASES_MAX)
    held_from = min((case.form.scope.since for case in looked_at), default=None)
    minimum = before
    while minimum < size:
        some = await entry_store.entries_between(tx, minimum, min(minimum + AT_ONCE, size))
        reached = rules.minimum_index(audit.retention, minimum, map(_term, some), now, held_from)
        if reached < minimum + AT_ONCE:
            return reached
        minimum = reached
    return minimum


def _term(stored: StoredEntry) -> Term:
    entry = parse(stored.leaf)
    return Term(stored.index, moment(entry.ingested_at_us), read_event(entry.event_line).ret)
