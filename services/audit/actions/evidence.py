"""What happens when someone takes an answer with them: an evidence bundle, that the offline verifier reads.

Promises: recorded before the first byte leaves; of one signed size, whatever the log does meanwhile; a page of entries
is held at most. Without the tail, whose entries are about others, it proves the answer as far as the map reaches.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace

from services.audit.actions import answering, oversight, proving
from services.audit.actions.answering import Scope, Thread, View
from services.audit.actions.audit import Audit
from services.audit.actions.export import policies
from services.audit.events.log import EvidenceExported
from services.audit.rules import bundle, evidence, tile
from services.audit.rules.question import AboutSubjects, AtTime, FromSource, Question
from services.audit.store import entry as entry_store
from services.audit.store import handover as handover_store
from services.audit.store.entry import StoredEntry
from shared import canonical
from shared.access import Caller
from shared.facts import Actor

ENTRIES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Contents:
    """What an evidence bundle is made of."""

    question: Question
    view: View
    scope: Scope
    threads: tuple[Thread, ...]
    count: int | None
    needs_map: bool
    tail_peaks: list[str] | None


async def export(audit: Audit, actor: Actor, question: Question) -> AsyncGenerator[bytes]:
    """The answer without the tail as the bytes of a tar file. Requires that whoever takes it may see it."""
    await audit.sequencer.begin()
    return await _export(audit, actor, await _contents(audit, question, has_tail=False))


async def export_to_supervisor(audit: Audit, caller: Caller, question: Question) -> AsyncGenerator[bytes]:
    """The answer as the bytes of a tar file, with the tail if the supervisor reads all of that without a case.

    Raises CaseNeeded unless they read the answer without one.
    """
    needs_screening = await oversight.needs_screening(audit, caller)
    contents = await _contents(audit, question, has_tail=True)
    if needs_screening:
        async for page in _given(audit, contents):
            async with audit.database.read() as tx:
                await oversight.require_free(tx, caller, page)
        if not await _is_tail_free(audit, caller, contents.view):
            contents = replace(contents, tail_peaks=None)
    return await _export(audit, caller.actor, contents)


async def _is_tail_free(audit: Audit, caller: Caller, view: View) -> bool:
    for first in range(view.mapped_size, view.size, ENTRIES_AT_ONCE):
        async with audit.database.read() as tx:
            found = await entry_store.entries_between(tx, first, min(first + ENTRIES_AT_ONCE, view.size))
            if (await oversight.screen(tx, caller, found))[1]:
                return False
    return True


async def _export(audit: Audit, actor: Actor, contents: Contents) -> AsyncGenerator[bytes]:
    view, has_tail = contents.view, contents.tail_peaks is not None
    async with audit.database.transaction() as tx:
        now = await audit.database.now(tx)
        fact = EvidenceExported(str(contents.question), view.size, view.root.hex(), has_tail)
        await audit.outbox.record(tx, actor, now, fact)
    return _members(audit, contents)


async def _contents(audit: Audit, question: Question, *, has_tail: bool) -> Contents:
    needs_map = isinstance(question, AboutSubjects) or (isinstance(question, AtTime) and question.what == "happened")
    async with audit.database.read() as tx:
        view = await answering.view_of(audit, tx, None)
        if isinstance(question, FromSource):  # of what comes later there is nothing to show
            newest = await entry_store.newest_seq(tx, question.service, question.stripe, view.size)
            question = replace(question, last_seq=max(question.first_seq, min(question.last_seq, newest)))
        scope = await answering.scope_of(tx, view, question)
        threads = await answering.threads_of(tx, view, question) if isinstance(question, AboutSubjects) else []
        count = await answering.count_of(tx, view, scope, question)
        edge = await proving.edge(tx, view.mapped_size) if needs_map and has_tail else None
    if isinstance(question, AtTime):  # with the neighbours on both sides
        end = view.size if question.what == "ingested" else view.mapped_size
        scope = replace(scope, run=range(max(0, scope.run.start - 1), min(scope.run.stop + 1, end)))
    peaks = [each.hex() for each in edge.peaks] if edge else None
    return Contents(question, view, scope, tuple(threads), count, needs_map, peaks)


async def _members(audit: Audit, contents: Contents) -> AsyncGenerator[bytes]:
    """The bundle, one member at a time, in ascending order of name."""
    view, sifted = contents.view, 0
    yield bundle.member("checkpoint", view.note)
    async for page in _given(audit, contents):
        for each in page:
            sifted += answering.answers(contents.question, each)
            yield bundle.member(evidence.entry_name(each.index), each.leaf)
    async with audit.database.read() as tx:
        handovers = await handover_store.all_handovers(tx)
    for member in policies(audit, evidence.policy(audit.keys.key, handovers, view.minimum_index)):
        yield member
    async for page in _given(audit, contents):
        async with audit.database.read() as tx:
            proofs = await proving.inclusion(tx, [each.index for each in page], view.size)
        for index, hashes in proofs.items():
            yield bundle.member(evidence.proof_name(index), evidence.proof(index, hashes, view.note))
    yield bundle.member("query.json", _query(contents, sifted if contents.count is None else contents.count))
    if contents.tail_peaks is not None:
        for first in range(view.mapped_size, view.size, evidence.TAIL_WIDTH):
            async with audit.database.read() as tx:
                found = await entry_store.entries_between(tx, first, min(first + evidence.TAIL_WIDTH, view.size))
            yield bundle.member(evidence.tail_name(first), tile.entry_bundle(each.leaf for each in found))
    yield bundle.END


async def _given(audit: Audit, contents: Contents) -> AsyncIterator[list[StoredEntry]]:
    """Every entry that the bundle holds by itself, in order, page by page: the answers, and who tells the map.

    Each page is read for itself: whoever takes the bundle slowly holds no connection meanwhile.
    """
    view, after = contents.view, -1
    teller = view.map_index if contents.needs_map else None
    is_end = False
    while not is_end:
        async with audit.database.read() as tx:
            page = await answering.hits(tx, view, contents.scope, contents.question, after, ENTRIES_AT_ONCE)
            is_end, before = len(page) < ENTRIES_AT_ONCE, after
            after = page[-1].index if page else after
            told = [] if teller is None else await entry_store.entries_between(tx, teller, teller + 1)
        told = [each for each in told if before < each.index and (each.index <= after or is_end)]
        given = {each.index: each for each in [*page, *told] if _belongs(contents, each)}
        yield [given[index] for index in sorted(given)]


def _belongs(contents: Contents, each: StoredEntry) -> bool:
    """Of what happened at a time: neighbours too, where the map reaches; behind it only what did happen then."""
    in_the_run = each.index < contents.view.mapped_size or each.index == contents.view.map_index
    return in_the_run or answering.answers(contents.question, each)


def _query(contents: Contents, count: int) -> bytes:
    told: dict[str, object] = {
        "question": evidence.question(contents.question),
        "count": count,
        "size": contents.view.size,
    }
    if contents.needs_map and contents.view.map_of is not None:
        told["told_by"] = contents.view.map_index
    if contents.tail_peaks is not None:
        told["tail_peaks"] = contents.tail_peaks
    if contents.threads:
        told["threads"] = [_thread(each) for each in contents.threads]
    return canonical.encode(told)


def _thread(thread: Thread) -> dict[str, object]:
    places = [
        {"position": each.position, "key": each.head.key, "last_index": each.head.last_index,
         "count": each.head.count, "hashes": [value.hex() for value in each.hashes]}
        for each in thread.in_map
    ]  # fmt: skip
    return {"role": thread.role, "name": thread.name, "key": thread.key, "in_map": places}
