"""The sequencer: the one writer of the log.

Promises: one process at a time, by a lease that a row lock and the epoch enforce; everything that waited while the last
commit ran goes into the next, in order of arrival; entries, tiles, heads and the log's size commit together or not at
all. Does not sign: `signer.py` reads again what was committed here, and signs that.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain

from services.audit.rules import entry, tile
from services.audit.rules.entry import Arrival, BackLink, Batch, Composed, FactsPruned, SourceHead, Subject
from services.audit.rules.receipt import Placed
from services.audit.rules.tile import Unfinished
from services.audit.rules.tree import leaf_hashes
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store import source as source_store
from services.audit.store.log import Log
from services.audit.store.source import Source
from shared.batching import Batcher
from shared.database import Database, Transaction
from shared.errors import Failure, Unavailable
from shared.facts import microseconds
from shared.faultpoint import faultpoint
from shared.ids import LeaseId
from shared.together import one_behind

LEASE = timedelta(seconds=15)
BATCHES_MAX = 64
ENTRIES_AT_ONCE = 500
KEYS_KEPT = 20_000
LINK_SECRET_BYTES = 32


class NotTheSequencer(Unavailable):
    """Another process lets the log grow now; try again."""


class LogFrozen(Unavailable):
    """The log was found to contradict itself and takes nothing until a person has looked at it."""


@dataclass(slots=True)
class Known:
    """What is read of the tables only once, for as long as the log's row is as this process left it."""

    unfinished: Unfinished = Unfinished()
    sources: dict[Source, SourceHead] = field(default_factory=dict[Source, SourceHead])
    newest: dict[str, BackLink] = field(default_factory=dict[str, BackLink])

    def learn(self, unfinished: Unfinished, growth: "Growth") -> None:
        """Requires that the growth has committed."""
        if len(self.newest) > KEYS_KEPT:
            self.newest.clear()
        self.unfinished = unfinished
        self.sources |= growth.sources | growth.moved
        self.newest |= growth.newest


@dataclass(slots=True)
class Growth:
    """What one transaction adds to the log."""

    log: Log
    now_us: int
    known: Known
    sources: dict[Source, SourceHead] = field(default_factory=dict[Source, SourceHead])  # as they were found
    moved: dict[Source, SourceHead] = field(default_factory=dict[Source, SourceHead])
    keys: dict[Subject, str] = field(default_factory=dict[Subject, str])
    newest: dict[str, BackLink] = field(default_factory=dict[str, BackLink])
    arrivals: list[Arrival] = field(default_factory=list[Arrival])  # next in line, and not yet written
    leaf_hashes: list[bytes] = field(default_factory=list[bytes])

    @property
    def next_index(self) -> int:
        return self.log.size + len(self.leaf_hashes) + len(self.arrivals)

    def take(self, batch: Batch, arrivals: Sequence[Arrival]) -> Placed:
        first, last = self.next_index, arrivals[-1]
        self.arrivals += arrivals
        head = SourceHead(batch.service, batch.stripe, last.seq, last.hash)
        self.moved[batch.service, batch.stripe] = head
        return Placed(batch.first_seq, first, head, self.next_index)

    def compose(self, arrivals: Sequence[Arrival], told: Sequence[Sequence[Subject]]) -> Composed:
        composed = entry.compose(
            arrivals, told, self.keys, self.newest, first_index=self.next_index, now_us=self.now_us,
            last_its=self.log.last_its, epoch=self.log.epoch,
        )  # fmt: skip
        self.newest |= composed.newest
        self.leaf_hashes += leaf_hashes(composed.leaves)
        self.log = replace(self.log, last_its=max(self.now_us, self.log.last_its))
        return composed


class Sequencer:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = LeaseId.new()
        self._known = Known()
        self._batcher = Batcher(self._grow, batch_max=BATCHES_MAX, name="log")
        self._has_begun = False
        self.frozen_because: str | None = None
        self.guard: Callable[[], Awaitable[None]] | None = None  # asked once, before anything is taken; it may freeze

    async def begin(self) -> None:
        """Make sure that there is a log, once; whatever reads or writes its row first calls this."""
        if self._has_begun:
            return
        async with self._database.transaction() as tx:
            await log_store.ensure_log(tx, secrets.token_bytes(LINK_SECRET_BYTES))
        self._has_begun = True

    async def append(self, batch: Batch) -> Placed:
        """Where the events stand, once they are committed; the old places if the log already had them.

        Of a batch that the log has in part, only the part that it has is placed: the rest is to be sent again.
        """
        return await self._batcher.submit(batch)

    async def _grow(self, batches: Sequence[Batch]) -> list[Placed | Exception]:
        if self.guard:
            await self.guard()
            self.guard = None
        if self.frozen_because:
            raise LogFrozen(detail=self.frozen_because)
        await self.begin()
        async with self._database.transaction() as tx:
            log = await log_store.head_for_update(tx)
            leased, known = self._leased(log, now := await self._database.now(tx)), await self._known_of(tx, log)
            growth = Growth(leased, microseconds(now), known)
            await self._find_sources(tx, growth, {(each.service, each.stripe) for each in batches})
            outcomes = [await self._place(tx, growth, batch) for batch in batches]
            await self._file(tx, growth)
            unfinished, changed = tile.grow(known.unfinished, growth.leaf_hashes)
            root = tile.edge(unfinished).root()
            grown = replace(growth.log, size=unfinished.size, root=root)
            await log_store.move_head(
                tx, log, grown, log_store.of_tiles(changed), source_store.of_source_heads(growth.moved.values()),
                source_store.of_key_heads(growth.newest.values()),
            )  # fmt: skip
            faultpoint("log.grown")
        faultpoint("log.committed")
        known.learn(unfinished, growth)
        self._known, size = known, unfinished.size
        return [replace(each, log_size=size) if isinstance(each, Placed) else each for each in outcomes]

    def _leased(self, log: Log, now: datetime) -> Log:
        """The log's row with our lease on it. Raises NotTheSequencer while another process has one."""
        if log.holder == self._holder:
            return replace(log, leased_until=now + LEASE)
        # A second process cannot have the file of SQLite: whoever held the lease is gone.
        if log.leased_until and log.leased_until > now and not self._database.is_sqlite:
            raise NotTheSequencer(retry_after_seconds=1)
        return replace(log, holder=self._holder, leased_until=now + LEASE, epoch=log.epoch + 1)

    async def _known_of(self, tx: Transaction, log: Log) -> Known:
        if log.holder == self._holder and self._known.unfinished.size == log.size:
            return self._known
        return Known(await log_store.unfinished_at(tx, log.size))

    async def _find_sources(self, tx: Transaction, growth: Growth, wanted: set[Source]) -> None:
        growth.sources = {each: growth.known.sources[each] for each in wanted & growth.known.sources.keys()}
        if unknown := wanted - growth.sources.keys():
            growth.sources |= await source_store.heads_at(tx, unknown)

    async def _find_newest(self, tx: Transaction, growth: Growth, keys: set[str]) -> None:
        """Where the next entry with each of these keys must point, unless it is the first."""
        wanted, known = keys - growth.newest.keys(), growth.known.newest
        growth.newest |= {key: known[key] for key in wanted & known.keys()}
        if unknown := wanted - known.keys():
            growth.newest |= await source_store.key_heads_of(tx, unknown)

    async def _place(self, tx: Transaction, growth: Growth, batch: Batch) -> Placed | Exception:
        head = growth.moved.get(source := (batch.service, batch.stripe)) or growth.sources[source]
        try:
            known = entry.overlap(head, batch)
            if known < batch.first_seq:
                return growth.take(batch, entry.next_in_line(batch, known, head.hash))
            await self._file(tx, growth)  # what came just before may be what is sent again
            places = await entry_store.places_of(tx, *source, batch.first_seq, known)
            if len(places) <= known - batch.first_seq:
                raise FactsPruned(head_seq=head.seq, head_hash=head.hash.hex())
            entry.next_in_line(batch, known, places[-1][1])
            return _as_before(batch, places, growth.log.size)
        except Failure as failure:
            return failure

    async def _file(self, tx: Transaction, growth: Growth) -> None:
        """Write what has arrived behind the log: while one part is written, the next is composed."""
        arrivals, growth.arrivals = growth.arrivals, []
        if not arrivals:
            return
        told = [entry.subjects(each.event) for each in arrivals]
        secret, everybody = growth.log.link_secret, set(chain.from_iterable(told))
        growth.keys |= {each: entry.back_link_key(secret, *each) for each in everybody}
        await self._find_newest(tx, growth, {growth.keys[each] for each in everybody})
        async with one_behind() as behind:
            for start in range(0, len(arrivals), ENTRIES_AT_ONCE):
                some, first = arrivals[start : start + ENTRIES_AT_ONCE], growth.next_index
                composed = growth.compose(some, told[start : start + ENTRIES_AT_ONCE])
                await behind.follow(entry_store.add_entries, tx, first, some, composed.leaves, composed.filed)


def _as_before(batch: Batch, places: Sequence[tuple[int, bytes]], log_size: int) -> Placed:
    """The places of what was sent before, as far as they follow on each other."""
    first = places[0][0]
    run = [chain_hash for offset, (index, chain_hash) in enumerate(places) if index == first + offset]
    last = SourceHead(batch.service, batch.stripe, batch.first_seq + len(run) - 1, run[-1])
    return Placed(batch.first_seq, first, last, log_size)
