"""The sequencer: the one writer of the log.

Promises: one process at a time, by a lease that a row lock and the epoch enforce; everything that waited while the last
commit ran goes into the next, in order of arrival; entries, tiles, heads and the log's size commit together or not at
all. Does not sign: `signer.py` reads again what was committed here, and signs that.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.audit.rules import entry, tile
from services.audit.rules.entry import BackLink, Batch, FactsPruned, SourceHead
from services.audit.rules.receipt import Placed
from services.audit.rules.tile import Unfinished
from services.audit.rules.tree import leaf_hashes
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store import source as source_store
from services.audit.store.entry import StoredEntry
from services.audit.store.log import Log
from shared.batching import Batcher
from shared.database import Database, Transaction
from shared.errors import Failure, Unavailable
from shared.facts import microseconds
from shared.faultpoint import faultpoint
from shared.ids import LeaseId

LEASE = timedelta(seconds=15)
BATCHES_MAX = 64
LINK_SECRET_BYTES = 32


class NotTheSequencer(Unavailable):
    """Another process lets the log grow now; try again."""


class LogFrozen(Unavailable):
    """The log was found to contradict itself and takes nothing until a person has looked at it."""


@dataclass(slots=True)
class Growth:
    """What one transaction adds to the log."""

    log: Log
    now: datetime
    sources: dict[tuple[str, int], SourceHead] = field(default_factory=dict[tuple[str, int], SourceHead])
    newest: dict[str, BackLink] = field(default_factory=dict[str, BackLink])
    leaf_hashes: list[bytes] = field(default_factory=list[bytes])

    @property
    def next_index(self) -> int:
        return self.log.size + len(self.leaf_hashes)


class Sequencer:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = LeaseId.new()
        self._unfinished = Unfinished()
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
            growth = Growth(self._leased(log, now := await self._database.now(tx)), now)
            outcomes = [await self._place(tx, growth, batch) for batch in batches]
            unfinished = await self._unfinished_of(tx, log)
            if growth.leaf_hashes:
                unfinished, changed = tile.grow(unfinished, growth.leaf_hashes)
                await log_store.save_tiles(tx, changed)
                await source_store.save_source_heads(tx, growth.sources.values())
                await source_store.save_key_heads(tx, growth.newest.values())
            root = tile.edge(unfinished).root()
            await log_store.move_head(tx, log, replace(growth.log, size=unfinished.size, root=root))
            faultpoint("log.grown")
        faultpoint("log.committed")
        self._unfinished = unfinished
        size = unfinished.size
        return [replace(each, log_size=size) if isinstance(each, Placed) else each for each in outcomes]

    def _leased(self, log: Log, now: datetime) -> Log:
        """The log's row with our lease on it. Raises NotTheSequencer while another process has one."""
        if log.holder == self._holder:
            return replace(log, leased_until=now + LEASE)
        # A second process cannot have the file of SQLite: whoever held the lease is gone.
        if log.leased_until and log.leased_until > now and not self._database.is_sqlite:
            raise NotTheSequencer(retry_after_seconds=1)
        return replace(log, holder=self._holder, leased_until=now + LEASE, epoch=log.epoch + 1)

    async def _unfinished_of(self, tx: Transaction, log: Log) -> Unfinished:
        held = self._unfinished
        return (
            held
            if log.holder == self._holder and held.size == log.size
            else await log_store.unfinished_at(tx, log.size)
        )

    async def _place(self, tx: Transaction, growth: Growth, batch: Batch) -> Placed | Exception:
        source = (batch.service, batch.stripe)
        head = growth.sources.get(source) or await source_store.source_head(tx, *source)
        try:
            known = entry.overlap(head, batch)
            places = await entry_store.places_of(tx, *source, batch.first_seq, known)
            if len(places) <= known - batch.first_seq:
                raise FactsPruned(head_seq=head.seq, head_hash=head.hash.hex())
            known_hash = await self._hash_at(tx, head, known)
            arrivals = entry.next_in_line(batch, known, known_hash)
            if places:
                return _as_before(batch, places, growth.log.size)
            return await self._add(tx, growth, batch, arrivals)
        except Failure as failure:
            return failure

    async def _hash_at(self, tx: Transaction, head: SourceHead, seq: int) -> bytes:
        if seq == head.seq:
            return head.hash
        [(_, chain_hash)] = await entry_store.places_of(tx, head.service, head.stripe, seq, seq)
        return chain_hash

    async def _add(self, tx: Transaction, growth: Growth, batch: Batch, arrivals: Sequence[entry.Arrival]) -> Placed:
        secret, first = growth.log.link_secret, growth.next_index
        keys = [[entry.back_link_key(secret, *each) for each in entry.subjects(arrival.event)] for arrival in arrivals]
        told = {key for some in keys for key in some}
        newest = await source_store.key_heads_of(tx, sorted(told - growth.newest.keys()))
        newest |= {key: growth.newest[key] for key in told & growth.newest.keys()}
        last_its, now_us, stored = growth.log.last_its, microseconds(growth.now), list[StoredEntry]()
        for index, (arrival, some) in enumerate(zip(arrivals, keys, strict=True), first):
            links = entry.back_links(some, newest, index)
            epoch = growth.log.epoch
            leaf = entry.compose(arrival, now_us=now_us, last_its=last_its, links=links, epoch=epoch)
            newest.update(entry.pointing_at(links, index))
            source = (batch.service, batch.stripe, arrival.seq, arrival.hash)
            stored.append(StoredEntry(index, leaf, *source, arrival.fact_id))
        filed = [(key, each.index) for each, some in zip(stored, keys, strict=True) for key in some]
        await entry_store.add_entries(tx, stored, filed)
        # Only now: a batch that is refused half-way has changed nothing for those behind it.
        growth.newest |= newest
        growth.leaf_hashes += leaf_hashes(each.leaf for each in stored)
        growth.log = replace(growth.log, last_its=max(now_us, last_its))
        head = SourceHead(batch.service, batch.stripe, arrivals[-1].seq, arrivals[-1].hash)
        growth.sources[batch.service, batch.stripe] = head
        return Placed(batch.first_seq, first, head, growth.next_index)


def _as_before(batch: Batch, places: Sequence[tuple[int, bytes]], log_size: int) -> Placed:
    """The places of what was sent before, as far as they follow on each other."""
    first = places[0][0]
    run = [chain_hash for offset, (index, chain_hash) in enumerate(places) if index == first + offset]
    last = SourceHead(batch.service, batch.stripe, batch.first_seq + len(run) - 1, run[-1])
    return Placed(batch.first_seq, first, last, log_size)
