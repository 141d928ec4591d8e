"""What can be read of the log: entries by those they concern, tiles and proofs by anyone.

Promises: tiles and proofs are given out of what is signed, never of more; that a supervisor looked at entries is itself
recorded, before the answer leaves.
"""

from dataclasses import dataclass
from typing import Literal

from services.audit import supervision
from services.audit.actions import oversight
from services.audit.actions.audit import Audit
from services.audit.actions.proofs import hashes_over
from services.audit.events.log import EntriesRead
from services.audit.rules import entry, tile, tree
from services.audit.rules.case import CaseNeeded
from services.audit.rules.tile import NoSuchTile, Tile
from services.audit.rules.tlog_proof import Proof
from services.audit.rules.tree import Node, OutsideOfTheTree, leaf_hash
from services.audit.schemas.log import ConsistencyView, EntriesView, EntryView, InclusionView
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store.entry import StoredEntry
from shared.access import Caller, Role
from shared.database import Transaction
from shared.errors import Forbidden, NotFound
from shared.ids import FactId, ParticipantId

INDEX_MAX = 2**53
SUPERVISORS = frozenset({Role.REGULATOR, Role.OPERATOR_AUDIT})


class NoSuchEntry(NotFound):
    """There is no such entry, or you may not see it."""


class NoCheckpoint(NotFound):
    """The log has no checkpoint yet, or none of this size."""


class EntriesPruned(NotFound):
    """The term of these entries is over and they are kept no longer; their hashes are."""


class NothingOfYours(Forbidden):
    """Only supervisors and the organisations concerned may read entries."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for: all that fit everything that is named."""

    fact_id: FactId | None = None
    object_id: str | None = None
    organisation_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """How much of the log is signed, and how much of it witnesses have confirmed."""

    signed_size: int
    witnessed_size: int

    def state_of(self, index: int) -> Literal["sequenced", "checkpointed", "witnessed"]:
        if index < self.witnessed_size:
            return "witnessed"
        return "checkpointed" if index < self.signed_size else "sequenced"


@dataclass(frozen=True, slots=True)
class TileContent:
    content: bytes
    is_full: bool


async def one_entry(audit: Audit, caller: Caller, index: int) -> EntryView:
    """The entry at an index, if the caller may see it."""
    found = await _find(audit, caller, Wanted(), range(index, index + 1), 1)
    if found.withheld:
        raise CaseNeeded(indexes=found.withheld)
    if not found.items:
        raise NoSuchEntry(index=index)
    return found.items[0]


async def entries(audit: Audit, caller: Caller, wanted: Wanted, after_index: int, limit: int) -> EntriesView:
    """The next entries, in order, that fit and that the caller may see."""
    return await _find(audit, caller, wanted, range(after_index + 1, INDEX_MAX), limit)


async def _find(audit: Audit, caller: Caller, wanted: Wanted, indexes: range, limit: int) -> EntriesView:
    supervises = bool(SUPERVISORS & caller.roles)
    await oversight.label_entries(audit)
    async with audit.database.read() as tx:
        secret = (await log_store.head(tx)).link_secret
        filed_under = _filed_under(secret, caller, wanted)
        # Whom a case looks at does not learn of it from the log: what supervision does is no entry of theirs.
        hidden = None if supervises else audit.outbox.service
        if supervises:
            indexes = range(indexes.start, min(indexes.stop, await supervision.labelled_size(tx)))
        found = await entry_store.find_entries(tx, filed_under, wanted.fact_id, indexes, limit + 1, but_not_of=hidden)
        page = found[:limit]
        shown, withheld = await oversight.screen(tx, caller, page) if supervises else (page, [])
        reached = await reached_of(tx)
    items = [view(each, reached) for each in shown]
    if supervises:
        await _record_reading(audit, caller, wanted, [each.index for each in items])
    last = page[-1].index if len(found) > limit else None
    return EntriesView(items=items, next_after_index=last, withheld=withheld)


async def newest_checkpoint(audit: Audit) -> bytes:
    """The newest that meets the policy, if one does; otherwise the newest that is signed."""
    async with audit.database.read() as tx:
        size = await presented_size(audit, tx)
        note = None if size is None else await checkpoint_store.checkpoint_note(tx, size)
    if note is None:
        raise NoCheckpoint()
    return note


async def presented_size(audit: Audit, tx: Transaction) -> int | None:
    """The size of the checkpoint that is shown to whoever asks for the newest; None if there is none yet."""
    witnessed = await checkpoint_store.witnessed_size(tx) if audit.witnessing.policy else 0
    newest = await checkpoint_store.newest_checkpoint(tx)
    return witnessed or (newest.size if newest else None)


async def hash_tile(audit: Audit, level: int, path: str) -> TileContent:
    """The hashes of a tile, at the width that is asked for."""
    wanted = tile.parse_path(level, path)
    async with audit.database.read() as tx:
        _require_signed(wanted, await signed_size(tx))
        found = await log_store.tile_hashes(tx, [(level, wanted.index)])
    hashes = found[level, wanted.index][: wanted.width * tree.HASH_BYTES]
    return TileContent(hashes, wanted.width == tile.WIDTH)


async def entry_bundle(audit: Audit, caller: Caller, path: str) -> TileContent:
    """The entries below a tile of level 0, to a supervisor."""
    wanted = tile.parse_path(0, path)
    await oversight.label_entries(audit)
    async with audit.database.read() as tx:
        _require_signed(wanted, await signed_size(tx))
        first = wanted.index * tile.WIDTH
        if first < (minimum := await log_store.minimum_index(tx)):
            raise EntriesPruned(minimum_index=minimum)
        found = await entry_store.entries_between(tx, first, first + wanted.width)
        await oversight.require_free(tx, caller, found)
    await _record_reading(audit, caller, Wanted(), [each.index for each in found])
    return TileContent(tile.entry_bundle(each.leaf for each in found), wanted.width == tile.WIDTH)


async def inclusion(audit: Audit, index: int, size: int | None) -> InclusionView:
    """The proof that the entry is in the log of that size, or of the newest checkpoint's."""
    async with audit.database.read() as tx:
        size = _within(size, await signed_size(tx))
        parts = tree.inclusion_parts(index, size)
        whole = tree.perfect_subtrees(0, size)
        hashes = await hashes_over(tx, [[Node(0, index)], whole, *parts])
    leaf, root, *proof = [each.hex() for each in hashes]
    return InclusionView(index=index, size=size, leaf_hash=leaf, root=root, hashes=proof)


async def stand_alone_proof(audit: Audit, index: int, size: int | None) -> str:
    """The same proof together with the checkpoint of that size, or the newest that is shown, as C2SP tlog-proof."""
    async with audit.database.read() as tx:
        size = await presented_size(audit, tx) if size is None else size
        note = None if size is None else await checkpoint_store.checkpoint_note(tx, size)
        if size is None or note is None:
            raise NoCheckpoint(size=size)
        hashes = await hashes_over(tx, tree.inclusion_parts(index, size))
    return Proof(index, hashes, note.decode()).text()


async def consistency(audit: Audit, first: int, second: int | None) -> ConsistencyView:
    """The proof that the smaller log is the beginning of the larger, or of the newest checkpoint's."""
    async with audit.database.read() as tx:
        second = _within(second, await signed_size(tx))
        parts = tree.consistency_parts(first, second)
        roots = [tree.perfect_subtrees(0, size) for size in (first, second)]
        hashes = await hashes_over(tx, [*roots, *parts])
    first_root, second_root, *proof = [each.hex() for each in hashes]
    return ConsistencyView(first=first, second=second, first_root=first_root, second_root=second_root, hashes=proof)


async def reached_of(tx: Transaction) -> Reached:
    return Reached(await signed_size(tx), await checkpoint_store.witnessed_size(tx))


async def signed_size(tx: Transaction) -> int:
    signed = await checkpoint_store.newest_checkpoint(tx)
    return signed.size if signed else 0


def _within(size: int | None, signed_size: int) -> int:
    if size is not None and size > signed_size:
        raise OutsideOfTheTree(size=size, signed_size=signed_size)
    return signed_size if size is None else size


def _require_signed(wanted: Tile, signed_size: int) -> None:
    if tile.tile_at(wanted.level, wanted.index, signed_size).width < wanted.width:
        raise NoSuchTile(level=wanted.level, path=wanted.path())


def _filed_under(secret: bytes, caller: Caller, wanted: Wanted) -> list[frozenset[str]]:
    """For each condition, the keys under one of which an entry must be filed."""
    conditions: list[frozenset[str]] = []
    if not SUPERVISORS & caller.roles:
        if caller.participant_id is None:
            raise NothingOfYours()
        conditions.append(_keys_of_organisation(secret, caller.participant_id))
    if wanted.organisation_id is not None:
        conditions.append(_keys_of_organisation(secret, wanted.organisation_id))
    if wanted.object_id is not None:
        conditions.append(frozenset({entry.back_link_key(secret, "obj", wanted.object_id)}))
    return conditions


def _keys_of_organisation(secret: bytes, participant_id: ParticipantId) -> frozenset[str]:
    return frozenset(entry.back_link_key(secret, role, participant_id) for role in ("org", "obj"))


def view(stored: StoredEntry, reached: Reached) -> EntryView:
    source, event, seal, _ = stored.leaf.decode().split("\n")
    state = reached.state_of(stored.index)
    hash_hex = leaf_hash(stored.leaf).hex()
    return EntryView(index=stored.index, source=source, event=event, seal=seal, leaf_hash=hash_hex, state=state)


async def _record_reading(audit: Audit, caller: Caller, wanted: Wanted, shown: list[int]) -> None:
    first, last = (shown[0], shown[-1]) if shown else (None, None)
    organisation = None if wanted.organisation_id is None else str(wanted.organisation_id)
    asked = (wanted.fact_id, wanted.object_id, organisation)
    async with audit.database.transaction() as tx:
        now = await audit.database.now(tx)
        await audit.outbox.record(tx, caller.actor, now, EntriesRead(len(shown), first, last, *asked))
