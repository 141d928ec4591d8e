"""What happens when someone asks for all entries about something: they get them, and the proof that these are all.

Promises: an answer is of one signed size of the log from its first page to its last; the first page carries the proof;
each page that is given out is itself recorded, before it leaves; what is read under a case only is counted and named by
its index, and not shown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.audit.actions import oversight, proving
from services.audit.actions.audit import Audit
from services.audit.actions.proving import PlacedHead
from services.audit.actions.reading import SUPERVISORS, NoCheckpoint, NothingOfYours, Reached, presented_size
from services.audit.events.log import QueryAnswered
from services.audit.rules import checkpoint, entry
from services.audit.rules.question import AboutSubjects, AtTime, FromSource, Question, about_organisation
from services.audit.rules.snapshot import Head, Lags, Snapshot
from services.audit.rules.tree import leaf_hash
from services.audit.schemas.answers import (
    AnswerView,
    HeadView,
    MapView,
    ProofView,
    ProvenEntryView,
    RangeView,
    ThreadView,
)
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store import snapshot as snapshot_store
from services.audit.store.entry import StoredEntry
from shared import web
from shared.access import Caller
from shared.database import Transaction
from shared.errors import Forbidden
from shared.facts import Actor, read_event

ENTRIES_SCANNED_MAX = 2_000  # of one page
_cursor = re.compile(r"(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})")


class OnlyYourOwn(Forbidden):
    """Without an office you may ask for the entries of your own organisation, and all of those."""


@dataclass(frozen=True, slots=True)
class View:
    """The log of one signed size, and the newest map of its keys that it tells itself."""

    size: int
    witnessed_size: int
    minimum_index: int
    note: bytes
    link_secret: bytes = field(repr=False)
    map_of: Snapshot | None
    map_index: int | None

    @property
    def root(self) -> bytes:
        return checkpoint.parse_checkpoint(checkpoint.parse_note(self.note.decode()).text).root

    @property
    def reached(self) -> Reached:
        return Reached(self.size, self.witnessed_size)

    @property
    def mapped_size(self) -> int:
        """From where on the entries themselves must be looked at."""
        return self.map_of.size if self.map_of else 0

    @property
    def lags(self) -> Lags:
        return self.map_of.lags if self.map_of else Lags()

    def key(self, role: str, name: str) -> str:
        return entry.back_link_key(self.link_secret, role, name)


@dataclass(frozen=True, slots=True)
class Thread:
    """All entries with one key: its head as the whole view has it, and where the key stands in the map."""

    role: str
    name: str
    key: str
    head: Head | None
    in_map: list[PlacedHead]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in the view the answer lies: under keys, or in `run`; what happened then may also stand in the tail."""

    keys: frozenset[str]
    run: range


async def answer(audit: Audit, caller: Caller, question: Question, page: web.Page) -> AnswerView:
    """The next entries that answer the question. Raises NothingOfYours or OnlyYourOwn if it is not the caller's."""
    require_may_ask(caller, question)
    await oversight.label_entries(audit)
    size, after = _place(page)
    async with audit.database.read() as tx:
        view = await view_of(audit, tx, size)
        scope = await scope_of(tx, view, question)
        found, next_after = await _page(tx, view, scope, question, after, page.limit)
        shown, withheld = await _screen(audit, tx, caller, found)
        proof = await proof_of(tx, view, scope, question) if page.after is None else None
        proof = proof and await _without_neighbours_held_back(audit, tx, caller, proof)
        items = await proven(tx, view, shown)
        count = await count_of(tx, view, scope, question)
    next_cursor = None if next_after is None else web.cursor_of(f"{view.size}.{next_after}")
    await record(audit, caller.actor, question, view, [each.index for each in items])
    return AnswerView(
        size=view.size, root=view.root.hex(), checkpoint=view.note.decode(), count=count, items=items,
        withheld=withheld, minimum_index=view.minimum_index, next_cursor=next_cursor, proof=proof,
    )  # fmt: skip


def require_may_ask(caller: Caller, question: Question) -> None:
    if SUPERVISORS & caller.roles:
        return
    if caller.participant_id is None:
        raise NothingOfYours()
    if question != about_organisation(caller.participant_id):
        raise OnlyYourOwn()


async def view_of(audit: Audit, tx: Transaction, size: int | None) -> View:
    """The log as a checkpoint signed it: of this size, or the newest that is shown. Raises NoCheckpoint."""
    size = await presented_size(audit, tx) if size is None else size
    note = None if size is None else await checkpoint_store.checkpoint_note(tx, size)
    if size is None or note is None:
        raise NoCheckpoint(size=size)
    told = await snapshot_store.told_snapshot(tx, size)
    reached = await checkpoint_store.witnessed_size(tx), await log_store.minimum_index(tx)
    secret = (await log_store.head(tx)).link_secret
    return View(size, *reached, note, secret, told[0] if told else None, told[1] if told else None)


async def threads_of(tx: Transaction, view: View, question: AboutSubjects) -> list[Thread]:
    keys = {each: view.key(each.role, each.name) for each in question.subjects}
    heads = await snapshot_store.heads_of_keys(tx, view.size, list(keys.values()))
    placed = {key: await proving.places_in_map(tx, view.map_of, key) if view.map_of else [] for key in keys.values()}
    return [Thread(each.role, each.name, key, heads.get(key), placed[key]) for each, key in keys.items()]


async def scope_of(tx: Transaction, view: View, question: Question) -> Scope:
    match question:
        case AboutSubjects():
            keys = frozenset(view.key(each.role, each.name) for each in question.subjects)
            return Scope(keys, range(view.size))
        case FromSource():
            return Scope(frozenset(), range(view.size))
        case AtTime():
            end = view.size if question.what == "ingested" else view.mapped_size
            first_us, until_us = question.ingested_within(view.lags)
            kept = range(min(view.minimum_index, end), end)
            first = await _first_ingested_at(tx, kept, first_us)
            return Scope(frozenset(), range(first, max(first, await _first_ingested_at(tx, kept, until_us))))


async def hits(
    tx: Transaction, view: View, scope: Scope, question: Question, after: int, limit: int
) -> list[StoredEntry]:
    """The next entries, in order, that answer the question. For what happened at a time: that could answer it."""
    indexes = range(max(after + 1, scope.run.start), scope.run.stop)
    match question:
        case AboutSubjects():
            return await entry_store.find_entries(tx, [scope.keys], None, indexes, limit)
        case FromSource():
            numbers = range(question.first_seq, question.last_seq + 1)
            return await entry_store.entries_of_source(tx, question.service, question.stripe, numbers, indexes, limit)
        case AtTime():
            found = await entry_store.entries_between(tx, indexes.start, min(indexes.stop, indexes.start + limit))
            if question.what == "ingested":
                return found
            tail = max(after + 1, view.mapped_size)
            rest = limit - len(found)
            return found + await entry_store.entries_between(tx, tail, min(view.size, tail + rest))


def answers(question: Question, found: StoredEntry) -> bool:
    """Whether an entry that could be an answer is one."""
    if isinstance(question, AtTime) and question.what == "happened":
        event = read_event(found.leaf.split(b"\n")[1])
        return question.from_us <= event.ts < question.until_us
    return True


async def proven(tx: Transaction, view: View, found: Sequence[StoredEntry]) -> list[ProvenEntryView]:
    proofs = await proving.inclusion(tx, [each.index for each in found], view.size)
    return [proven_entry(each, proofs[each.index], view.reached) for each in found]


async def record(audit: Audit, actor: Actor, question: Question, view: View, shown: Sequence[int]) -> None:
    first, last = (shown[0], shown[-1]) if shown else (None, None)
    async with audit.database.transaction() as tx:
        now = await audit.database.now(tx)
        await audit.outbox.record(tx, actor, now, QueryAnswered(str(question), view.size, len(shown), first, last))


async def _screen(
    audit: Audit, tx: Transaction, caller: Caller, found: Sequence[StoredEntry]
) -> tuple[list[StoredEntry], list[int]]:  # fmt: skip
    """Of these entries, those that the caller is shown, and the indexes of the others. Members are not shown what
    supervision does."""
    if SUPERVISORS & caller.roles:
        return await oversight.screen(tx, caller, found)
    shown = [each for each in found if each.service != audit.outbox.service]
    return shown, sorted({each.index for each in found} - {each.index for each in shown})


async def _without_neighbours_held_back(audit: Audit, tx: Transaction, caller: Caller, proof: ProofView) -> ProofView:
    neighbours = {"before": proof.before, "after": proof.after}
    found = await entry_store.entries_at(tx, [each.index for each in neighbours.values() if each])
    _, withheld = await _screen(audit, tx, caller, found)
    return proof.model_copy(update={name: None for name, each in neighbours.items() if each and each.index in withheld})


def _place(page: web.Page) -> tuple[int | None, int]:
    """The size that the cursor is of, and the index that it follows."""
    if page.after is None:
        return None, -1
    match = _cursor.fullmatch(page.after)
    if match is None:
        raise web.BadCursor()
    return int(match[1]), int(match[2])


async def _page(
    tx: Transaction, view: View, scope: Scope, question: Question, after: int, limit: int
) -> tuple[list[StoredEntry], int | None]:
    """The next answers, and after which index to go on; None where there are no more."""
    is_sifted = isinstance(question, AtTime) and question.what == "happened"
    looked_at_max = ENTRIES_SCANNED_MAX if is_sifted else limit + 1
    looked_at = await hits(tx, view, scope, question, after, looked_at_max)
    found = [each for each in looked_at if answers(question, each)]
    if len(found) > limit:
        return found[:limit], found[limit - 1].index
    return found, looked_at[-1].index if len(looked_at) == looked_at_max else None


async def count_of(tx: Transaction, view: View, scope: Scope, question: Question) -> int | None:
    """How many answers there are. Of events' own times it is only known by who has looked at all that could be one."""
    match question:
        case AboutSubjects():
            return await entry_store.count_filed(tx, scope.keys, view.size)
        case FromSource():
            newest = await entry_store.newest_seq(tx, question.service, question.stripe, view.size)
            return max(0, min(question.last_seq, newest) - question.first_seq + 1)
        case AtTime():
            return len(scope.run) if question.what == "ingested" else None


async def proof_of(tx: Transaction, view: View, scope: Scope, question: Question) -> ProofView:
    threads = await threads_of(tx, view, question) if isinstance(question, AboutSubjects) else []
    before = after = scan = None
    if isinstance(question, AtTime):
        before = await _neighbour(tx, view, scope.run.start - 1)
        after = await _neighbour(tx, view, scope.run.stop)
        scan = RangeView(first=scope.run.start, end=scope.run.stop)
    needs_the_tail = bool(threads) or (isinstance(question, AtTime) and question.what == "happened")
    edge = await proving.edge(tx, view.mapped_size) if needs_the_tail else None
    return ProofView(
        threads=[_thread(each) for each in threads],
        map=await _map(tx, view) if needs_the_tail else None,
        tail=RangeView(first=view.mapped_size, end=view.size) if needs_the_tail else None,
        tail_peaks=[each.hex() for each in edge.peaks] if edge else [],
        scan=scan, before=before, after=after,
    )  # fmt: skip


async def _map(tx: Transaction, view: View) -> MapView | None:
    if view.map_of is None or view.map_index is None:
        return None
    teller = await _neighbour(tx, view, view.map_index)
    assert teller is not None
    return MapView(
        size=view.map_of.size, root=view.map_of.root.hex(), key_count=view.map_of.key_count, told_by=teller
    )  # fmt: skip


async def _neighbour(tx: Transaction, view: View, index: int) -> ProvenEntryView | None:
    found = await entry_store.entries_between(tx, index, index + 1) if 0 <= index < view.size else []
    return (await proven(tx, view, found))[0] if found else None


async def _first_ingested_at(tx: Transaction, indexes: range, moment_us: int) -> int:
    """Of these entries, the index of the first that the log took at this moment or later: time never runs back."""
    low, high = indexes.start, indexes.stop
    while low < high:
        middle = (low + high) // 2
        [found] = await entry_store.entries_between(tx, middle, middle + 1)
        low, high = (middle + 1, high) if entry.parse(found.leaf).ingested_at_us < moment_us else (low, middle)
    return low


def proven_entry(stored: StoredEntry, hashes: list[bytes] | None, reached: Reached) -> ProvenEntryView:
    """Without hashes, an entry that the checkpoint does not sign yet."""
    source, event, seal, _ = stored.leaf.decode().split("\n")
    return ProvenEntryView(
        index=stored.index, source=source, event=event, seal=seal, leaf_hash=leaf_hash(stored.leaf).hex(),
        state=reached.state_of(stored.index), hashes=[each.hex() for each in hashes or ()],
    )  # fmt: skip


def _thread(thread: Thread) -> ThreadView:
    head = thread.head
    places = [
        HeadView(
            position=each.position, key=each.head.key, last_index=each.head.last_index, count=each.head.count,
            hashes=[value.hex() for value in each.hashes],
        )
        for each in thread.in_map
    ]  # fmt: skip
    return ThreadView(
        role=thread.role, name=thread.name, key=thread.key, count=head.count if head else 0,
        last_index=head.last_index if head else None, in_map=places,
    )  # fmt: skip
