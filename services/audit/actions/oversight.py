"""Which entries a supervisor reads without a case, and which a case reaches.

Promises: before a regulator is shown an entry, every entry of the log has given its labels; which entries were held
back is said, never passed over.
"""

from collections.abc import Iterable, Sequence

from services.audit import supervision
from services.audit.actions.audit import Audit
from services.audit.rules import case as rules
from services.audit.rules.case import CaseNeeded, Need, Scope
from services.audit.rules.label import carriers, grade_of, names, raised
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store.entry import StoredEntry
from shared.access import Caller
from shared.database import Transaction
from shared.errors import Unavailable
from shared.facts import Event, moment, read_event
from shared.grades import G4, Grade

LABELLED_AT_ONCE = 2_000


class LabelsBehind(Unavailable):
    """The log grew while it was read; try again."""


async def label_entries(audit: Audit) -> None:
    """Let every entry give its labels that has not. Any process may; they follow from the entries alone."""
    await audit.sequencer.begin()
    while await _label_some(audit):
        pass


async def screen(
    tx: Transaction, caller: Caller, found: Sequence[StoredEntry]
) -> tuple[list[StoredEntry], list[int]]:  # fmt: skip
    """Of these entries, those that the supervisor reads without a case, and the indexes of the others.

    Raises LabelsBehind if one of them has not given its labels.
    """
    events, labels = await _events_and_labels(tx, found)
    shown = [
        each
        for each, event in zip(found, events, strict=True)
        if rules.need(caller.roles, grade_of(event, labels) if event else max(Grade)) is Need.NOTHING
    ]
    return shown, sorted({each.index for each in found} - {each.index for each in shown})


async def require_free(tx: Transaction, caller: Caller, found: Sequence[StoredEntry]) -> None:
    """Raises CaseNeeded unless the supervisor reads all of these without a case."""
    _, withheld = await screen(tx, caller, found)
    if withheld:
        raise CaseNeeded(indexes=withheld)


async def needs_screening(audit: Audit, caller: Caller) -> bool:
    """Whether the log has anything that this supervisor does not read without a case."""
    if rules.need(caller.roles, G4) is Need.NOTHING:
        return False
    await label_entries(audit)
    async with audit.database.read() as tx:
        return await supervision.has_label_from(tx, G4)


async def reached_by(tx: Transaction, scope: Scope, found: Sequence[StoredEntry]) -> frozenset[int]:
    """The indexes of those that are in the scope."""
    events, labels = await _events_and_labels(tx, found)
    return frozenset(
        each.index
        for each, event in zip(found, events, strict=True)
        if event and rules.reaches(scope, names(event), moment(event.ts), grade_of(event, labels))
    )


def event_of(stored: StoredEntry) -> Event | None:
    """None of an entry that was altered so that it tells none; the monitor says so in the log."""
    try:
        return read_event(stored.leaf.split(b"\n")[1])
    except (ValueError, IndexError):
        return None


async def _events_and_labels(
    tx: Transaction, found: Sequence[StoredEntry]
) -> tuple[list[Event | None], dict[str, Grade]]:  # fmt: skip
    if found and found[-1].index >= await supervision.labelled_size(tx):
        raise LabelsBehind(retry_after_seconds=1)
    events = [event_of(each) for each in found]
    return events, await _labels(tx, [each for each in events if each])


async def _labels(tx: Transaction, events: Iterable[Event]) -> dict[str, Grade]:
    return await supervision.labels_of(tx, {name for event in events for name in (event.id, *carriers(event))})


async def _label_some(audit: Audit) -> bool:
    """The next entries' labels. Returns whether there may be more."""
    async with audit.database.read() as tx:
        if await supervision.labelled_size(tx) >= (await log_store.head(tx)).size:
            return False
    async with audit.database.transaction() as tx:
        begin = await supervision.labelled_size_for_update(tx)
        some = await entry_store.entries_between(tx, begin, begin + LABELLED_AT_ONCE)
        events = [event for each in some if (event := event_of(each))]
        labels = await _labels(tx, events)
        changed = dict[str, Grade]()
        for event in events:
            changed |= (now := raised(event, labels))
            labels |= now
        await supervision.raise_labels(tx, changed, begin + len(some))
    return len(some) == LABELLED_AT_ONCE
