"""What a regulator reads under a case: the entries that it reaches, and nothing else.

Promises: each reading is itself an entry that names the case, recorded before the answer leaves.
"""

from collections.abc import Sequence

from services.audit import supervision
from services.audit.actions import oversight, reading
from services.audit.actions.audit import Audit
from services.audit.actions.reading import NoSuchEntry
from services.audit.events.log import EntriesRead
from services.audit.rules import case as rules
from services.audit.rules import entry
from services.audit.rules.case import Case, Scope
from services.audit.schemas.log import EntriesView, EntryView
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store.entry import StoredEntry
from shared.access import Caller
from shared.ids import CaseId

READ_AT_ONCE = 500
LOOKS_MAX = 20
ROLES = ("org", "onb", "obj", "ctr")  # under which an entry is filed with whom and what it names


async def case_to_read(audit: Audit, caller: Caller, case_id: CaseId) -> Case:
    """Raises NoSuchCase unless the regulator is its officer, and CaseNotOpen if nothing is read under it now."""
    async with audit.database.read() as tx:
        case = await supervision.matter(tx, Case, case_id)
        rules.require_reading(case, caller.subject, await audit.database.now(tx))
    return case


async def entries(audit: Audit, caller: Caller, case_id: CaseId, after_index: int, limit: int) -> EntriesView:
    """The next entries that the case reaches. Recorded, with the case, before the answer leaves."""
    case = await case_to_read(audit, caller, case_id)
    await oversight.label_entries(audit)
    shown, at, looks = list[StoredEntry](), after_index + 1, 0
    async with audit.database.read() as tx:
        reached, end = await reading.reached_of(tx), await supervision.labelled_size(tx)
        filed_under = _filed_under((await log_store.head(tx)).link_secret, case.form.scope)
        while at is not None and len(shown) < limit and looks < LOOKS_MAX:
            some = await entry_store.find_entries(tx, filed_under, None, range(at, end), READ_AT_ONCE)
            in_scope = await oversight.reached_by(tx, case.form.scope, some)
            taken = [each for each in some if each.index in in_scope][: limit - len(shown)]
            shown, looks = shown + taken, looks + 1
            at = _go_on_at(some, taken, is_full=len(shown) == limit)
    await record_reading(audit, caller, case.id, [each.index for each in shown])
    items = [reading.view(each, reached) for each in shown]
    return EntriesView(items=items, next_after_index=None if at is None else at - 1)


async def one_entry(audit: Audit, caller: Caller, case_id: CaseId, index: int) -> EntryView:
    """Raises NoSuchEntry for an entry that is not there, and for one that the case does not reach."""
    case = await case_to_read(audit, caller, case_id)
    await oversight.label_entries(audit)
    async with audit.database.read() as tx:
        found = await entry_store.entries_between(tx, index, index + 1)
        reached = await reading.reached_of(tx)
        if not await oversight.reached_by(tx, case.form.scope, found):
            raise NoSuchEntry(index=index)
    await record_reading(audit, caller, case.id, [index])
    return reading.view(found[0], reached)


async def record_reading(audit: Audit, caller: Caller, case_id: CaseId, shown: Sequence[int]) -> None:
    first, last = (shown[0], shown[-1]) if shown else (None, None)
    async with audit.database.transaction() as tx:
        now = await audit.database.now(tx)
        await audit.outbox.record(tx, caller.actor, now, EntriesRead(len(shown), first, last, case_id=case_id))


def _filed_under(secret: bytes, scope: Scope) -> list[frozenset[str]]:
    """The keys under one of which an entry of the scope is filed; no condition where the whole log is the matter."""
    if scope.is_whole_log:
        return []
    named = [(role, name) for role in ROLES for name in scope.named]
    return [frozenset(entry.back_link_key(secret, role, name) for role, name in named)]


def _go_on_at(some: Sequence[StoredEntry], taken: Sequence[StoredEntry], *, is_full: bool) -> int | None:
    """Where the next look begins; None at the end of the log."""
    if is_full:
        return taken[-1].index + 1
    return some[-1].index + 1 if len(some) == READ_AT_ONCE else None
