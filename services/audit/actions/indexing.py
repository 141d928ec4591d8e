"""What happens when the map of keys has fallen behind: it is built anew over the signed log, and its root told in it.

Promises: it is built page by page, so that no more than a page of heads is held; any process builds the same, and of
several that build at the same time one tells; a map is kept until the entry of a newer one is signed.
"""

from dataclasses import dataclass
from datetime import datetime

from services.audit.actions.audit import Audit
from services.audit.events.log import IndexSnapshot
from services.audit.rules import entry, snapshot
from services.audit.rules.snapshot import Lags, Snapshot
from services.audit.rules.tile import WIDTH, Unfinished
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store import snapshot as snapshot_store
from shared.ids import FactId

HEADS_AT_ONCE = 16 * WIDTH
ENTRIES_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Due:
    """The map that is due: of which size, and what the one before it said."""

    size: int
    before: Snapshot | None


async def take_snapshot(audit: Audit) -> Snapshot | None:
    """Map the keys of the signed log, and tell its root. None if no map is due, or another process was faster."""
    due = await _due(audit, audit.clock.now())
    if due is None:
        return None
    lags = await _lags(audit, due)
    keys = await _build(audit, due.size)
    async with audit.database.transaction() as tx:
        await log_store.head_for_update(tx)  # the builders of several processes, one after the other
        now = await audit.database.now(tx)
        if await snapshot_store.newest_snapshot(tx) != due.before:
            return None
        new = Snapshot(due.size, snapshot.root(keys), keys.size, lags, FactId.new(), now)
        told = await snapshot_store.told_snapshot(tx, due.size)
        await snapshot_store.add_snapshot(tx, new)
        await snapshot_store.drop_snapshots_but(tx, {new.size, *([told[0].size] if told else [])})
        fact = IndexSnapshot(new.size, new.root.hex(), new.key_count, new.fact_id, lags.least_us, lags.most_us)
        await audit.outbox.record(tx, audit.outbox.itself, now, fact)
    return new


async def _due(audit: Audit, now: datetime) -> Due | None:
    async with audit.database.read() as tx:
        signed, last = await checkpoint_store.newest_checkpoint(tx), await snapshot_store.newest_snapshot(tx)
    size = signed.size if signed else 0
    return Due(size, last) if snapshot.is_due(last, size, now, audit.cadence) else None


async def _lags(audit: Audit, due: Due) -> Lags:
    """As the map before knew them, and those of the entries since."""
    lags, reached = (due.before.lags, due.before.size) if due.before else (Lags(), 0)
    while reached < due.size:
        upto = min(reached + ENTRIES_AT_ONCE, due.size)
        async with audit.database.read() as tx:
            found = await entry_store.entries_between(tx, reached, upto)
        lags = lags.with_these(entry.parse(each.leaf).lag_us for each in found)
        reached = upto
    return lags


async def _build(audit: Audit, size: int) -> Unfinished:
    """Keep the map's tiles, page by page. Each page is read for itself: what it holds does not change any more."""
    keys, after = Unfinished(), ""
    while True:
        async with audit.database.read() as tx:
            heads = await snapshot_store.heads_at(tx, size, after, HEADS_AT_ONCE)
        if heads:
            keys, changed = snapshot.grow(keys, heads)
            async with audit.database.transaction() as tx:
                await snapshot_store.save_snapshot_tiles(tx, size, changed)
            after = heads[-1].key
        if len(heads) < HEADS_AT_ONCE:
            return keys
