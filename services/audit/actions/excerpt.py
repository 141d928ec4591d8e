"""What happens when a regulator takes with them what they may read: every hash, and the entries not withheld."""

from collections.abc import AsyncGenerator, Sequence

from services.audit.actions import case_reading, disclosure, export, oversight
from services.audit.actions.audit import Audit
from services.audit.events.log import BundleExported
from services.audit.rules import bundle, excerpt, tile
from services.audit.rules.case import Case
from services.audit.store import entry as entry_store
from services.audit.store import handover as handover_store
from services.audit.store import log as log_store
from services.audit.store.entry import StoredEntry
from shared.access import Caller
from shared.ids import CaseId

AT_ONCE = 500


async def of_case(audit: Audit, caller: Caller, case_id: CaseId, size: int | None) -> AsyncGenerator[bytes]:
    """The entries that the case reaches, up to a checkpoint. Recorded, with the case, before the first byte."""
    return await _export(audit, caller, size, await case_reading.case_to_read(audit, caller, case_id))


async def of_log(audit: Audit, caller: Caller, size: int | None) -> AsyncGenerator[bytes]:
    """The whole log up to a checkpoint; or what a supervisor reads of it without a case, where that is not all."""
    size, _ = await export.signed_at(audit, size)
    if await oversight.needs_screening(audit, caller):
        return await _export(audit, caller, size, None)
    return await export.export(audit, caller, size)


async def _export(audit: Audit, caller: Caller, size: int | None, case: Case | None) -> AsyncGenerator[bytes]:
    size, note = await export.signed_at(audit, size)
    await oversight.label_entries(audit)
    async with audit.database.transaction() as tx:
        now, root = await audit.database.now(tx), export.root_of(note)
        fact = BundleExported(size, root, case_id=case and case.id, is_excerpt=True)
        await audit.outbox.record(tx, caller.actor, now, fact)
    return _members(audit, caller, case, size, note)


async def _members(
    audit: Audit, caller: Caller, case: Case | None, size: int, note: bytes
) -> AsyncGenerator[bytes]:  # fmt: skip
    """The excerpt, in ascending order of name."""
    async with audit.database.read() as tx:
        minimum, handovers = await log_store.minimum_index(tx), await handover_store.all_handovers(tx)
    async for member in export.checkpoints(audit, size, note):
        yield member
    for first in range(minimum, size, AT_ONCE):
        for each in await _told(audit, caller, case, first, min(first + AT_ONCE, size)):
            yield bundle.member(excerpt.entry_name(each.index), each.leaf)
    if case is not None:
        for first in range(minimum, size, AT_ONCE):
            for index, opened in await _opened(audit, caller, case, first, min(first + AT_ONCE, size)):
                yield bundle.member(excerpt.fields_name(index), excerpt.fields(opened))
    for member in export.policies(audit, excerpt.policy(audit.keys.key, handovers, "excerpt", minimum)):
        yield member
    for each in tile.tiles_of(size):
        yield bundle.member(f"tile/{each.level}/{each.path()}", await export.hashes(audit, each))
    yield bundle.END


async def _told(audit: Audit, caller: Caller, case: Case | None, first: int, last: int) -> Sequence[StoredEntry]:
    async with audit.database.read() as tx:
        found = await entry_store.entries_between(tx, first, last)
        if case is None:
            return (await oversight.screen(tx, caller, found))[0]
        reached = await oversight.reached_by(tx, case.form.scope, found)
    return [each for each in found if each.index in reached or _is_always_told(each)]


async def _opened(
    audit: Audit, caller: Caller, case: Case, first: int, last: int
) -> list[tuple[int, dict[str, tuple[str, str]]]]:
    """Of each entry that is told, the fields that the case opens, if there are any."""
    found: list[tuple[int, dict[str, tuple[str, str]]]] = []
    told = await _told(audit, caller, case, first, last)
    async with audit.database.read() as tx:
        for entry in told:
            opened = await disclosure.opened_of(audit, tx, case, entry)
            if values := {each.name: (each.salt, each.value) for each in opened if each.salt and each.value}:
                found.append((entry.index, values))
    return found


def _is_always_told(stored: StoredEntry) -> bool:
    event = oversight.event_of(stored)
    return event is not None and event.act in excerpt.ALWAYS_TOLD
