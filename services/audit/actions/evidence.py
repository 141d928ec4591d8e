"""What happens when someone takes an answer with them: an evidence bundle, that the offline verifier reads.

Promises: recorded before the first byte leaves; of one signed size, whatever the log does meanwhile; a page of entries
is held at most. Without the tail, whose entries are about others, it proves the answer as far as the map reaches.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace

from services.audit import store
from services.audit.actions import answering, proving
from services.audit.actions.answering import Scope, Thread, View
from services.audit.actions.audit import Audit
from services.audit.events import EvidenceExported
from services.audit.rules import bundle, evidence, tile
from services.audit.rules.question import AboutSubjects, AtTime, FromSource, Question
from services.audit.store import StoredEntry
from shared import canonical
from shared.facts import Actor

ENTRIES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Case:
    """What an evidence bundle is made of."""

    question: Question
    view: View
    scope: Scope
    threads: tuple[Thread, ...]
    count: int | None
    needs_map: bool
    tail_peaks: list[str] | None


async def export(audit: Audit, actor: Actor, question: Question, *, has_tail: bool) -> AsyncGenerator[bytes]:
    """The answer as the bytes of a tar file. Requires that whoever takes it may see it, and the tail if that is in."""
    await audit.sequencer.begin()
    case = await _case(audit, question, has_tail)
    async with audit.database.transaction() as tx:
        now = await audit.database.now(tx)
        fact = EvidenceExported(str(question), case.view.size, case.view.root.hex(), has_tail)
        await audit.outbox.record(tx, actor, now, fact)
    return _members(audit, case)


async def _case(audit: Audit, question: Question, has_tail: bool) -> Case:
    needs_map = isinstance(question, AboutSubjects) or (isinstance(question, AtTime) and question.what == "happened")
    async with audit.database.read() as tx:
        view = await answering.view_of(tx, None)
        if isinstance(question, FromSource):  # of what comes later there is nothing to show
            newest = await store.newest_seq(tx, question.service, question.stripe, view.size)
            question = replace(question, last_seq=max(question.first_seq, min(question.last_seq, newest)))
        scope = await answering.scope_of(tx, view, question)
        threads = await answering.threads_of(tx, view, question) if isinstance(question, AboutSubjects) else []
        count = await answering.count_of(tx, view, scope, question)
        edge = await proving.edge(tx, view.mapped_size) if needs_map and has_tail else None
    if isinstance(question, AtTime):  # with the neighbours on both sides
        end = view.size if question.what == "ingested" else view.mapped_size
        scope = replace(scope, run=range(max(0, scope.run.start - 1), min(scope.run.stop + 1, end)))
    peaks = [each.hex() for each in edge.peaks] if edge else None
    return Case(question, view, scope, tuple(threads), count, needs_map, peaks)


async def _members(audit: Audit, case: Case) -> AsyncGenerator[bytes]:
    """The bundle, one member at a time, in ascending order of name."""
    view, sifted = case.view, 0
    yield bundle.member("checkpoint", view.note)
    async for page in _given(audit, case):
        for each in page:
            sifted += answering.answers(case.question, each)
            yield bundle.member(evidence.entry_name(each.index), each.leaf)
    yield bundle.member("policy.json", evidence.policy(audit.origin, audit.signer.key))
    async for page in _given(audit, case):
        async with audit.database.read() as tx:
            proofs = await proving.inclusion(tx, [each.index for each in page], view.size)
        for index, hashes in proofs.items():
            yield bundle.member(evidence.proof_name(index), evidence.proof(index, hashes, view.note))
    yield bundle.member("query.json", _query(case, sifted if case.count is None else case.count))
    if case.tail_peaks is not None:
        for first in range(view.mapped_size, view.size, evidence.TAIL_WIDTH):
            async with audit.database.read() as tx:
                found = await store.entries_between(tx, first, min(first + evidence.TAIL_WIDTH, view.size))
            yield bundle.member(evidence.tail_name(first), tile.entry_bundle(each.leaf for each in found))
    yield bundle.END


async def _given(audit: Audit, case: Case) -> AsyncIterator[list[StoredEntry]]:
    """Every entry that the bundle holds by itself, in order, page by page: the answers, and who tells the map.

    Each page is read for itself: whoever takes the bundle slowly holds no connection meanwhile.
    """
    view, after = case.view, -1
    teller = view.map_index if case.needs_map else None
    is_end = False
    while not is_end:
        async with audit.database.read() as tx:
            page = await answering.hits(tx, view, case.scope, case.question, after, ENTRIES_AT_ONCE)
            is_end, before = len(page) < ENTRIES_AT_ONCE, after
            after = page[-1].index if page else after
            told = [] if teller is None else await store.entries_between(tx, teller, teller + 1)
        told = [each for each in told if before < each.index and (each.index <= after or is_end)]
        given = {each.index: each for each in [*page, *told] if _belongs(case, each)}
        yield [given[index] for index in sorted(given)]


def _belongs(case: Case, each: StoredEntry) -> bool:
    """Of what happened at a time: neighbours too, where the map reaches; behind it only what did happen then."""
    in_the_run = each.index < case.view.mapped_size or each.index == case.view.map_index
    return in_the_run or answering.answers(case.question, each)


def _query(case: Case, count: int) -> bytes:
    told: dict[str, object] = {"question": evidence.question(case.question), "count": count, "size": case.view.size}
    if case.needs_map and case.view.map_of is not None:
        told["told_by"] = case.view.map_index
    if case.tail_peaks is not None:
        told["tail_peaks"] = case.tail_peaks
    if case.threads:
        told["threads"] = [_thread(each) for each in case.threads]
    return canonical.encode(told)


def _thread(thread: Thread) -> dict[str, object]:
    places = [
        {"position": each.position, "key": each.head.key, "last_index": each.head.last_index,
         "count": each.head.count, "hashes": [value.hex() for value in each.hashes]}
        for each in thread.in_map
    ]  # fmt: skip
    return {"role": thread.role, "name": thread.name, "key": thread.key, "in_map": places}
