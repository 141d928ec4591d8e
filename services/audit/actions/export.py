"""What happens when a supervisor takes the log with them: a bundle that the offline verifier reads."""

from collections.abc import AsyncGenerator, Iterator

from services.audit.actions.audit import Audit
from services.audit.actions.reading import NoCheckpoint, presented_size
from services.audit.events.log import BundleExported
from services.audit.rules import bundle, checkpoint, excerpt, tile, tree
from services.audit.rules.tile import Tile
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import entry as entry_store
from services.audit.store import handover as handover_store
from services.audit.store import log as log_store
from shared.access import Caller


async def export(audit: Audit, caller: Caller, size: int | None) -> AsyncGenerator[bytes]:
    """The log up to the checkpoint of that size, or up to the newest, as the bytes of a tar file.

    Recorded before the first byte leaves. The same size gives the same bytes, whenever it is asked for, once the log
    has grown beyond it: until then witnesses may add their word.
    """
    size, note = await signed_at(audit, size)
    async with audit.database.transaction() as tx:
        fact = BundleExported(size, root_of(note))
        await audit.outbox.record(tx, caller.actor, await audit.database.now(tx), fact)
    return _members(audit, size, note)


async def signed_at(audit: Audit, size: int | None) -> tuple[int, bytes]:
    """The checkpoint of that size, or the newest. Raises NoCheckpoint if there is none."""
    async with audit.database.read() as tx:
        size = await presented_size(audit, tx) if size is None else size
        note = None if size is None else await checkpoint_store.checkpoint_note(tx, size)
    if size is None or note is None:
        raise NoCheckpoint(size=size)
    return size, note


def root_of(note: bytes) -> str:
    return checkpoint.parse_checkpoint(checkpoint.parse_note(note.decode()).text).root.hex()


async def checkpoints(audit: Audit, size: int, note: bytes) -> AsyncGenerator[bytes]:
    """The newest checkpoint and those before it, which come first in every bundle."""
    yield bundle.member("checkpoint", note)
    async with audit.database.read() as tx:
        sizes = bundle.history(await checkpoint_store.checkpoint_sizes(tx, size))
    for earlier in sorted(sizes, key=str):
        yield bundle.member(f"checkpoints/{earlier}", await _checkpoint(audit, earlier))


def policies(audit: Audit, policy: bytes) -> Iterator[bytes]:
    """The witnesses' policy where the log has one, then what a verifier must know of the log."""
    if audit.witnessing.policy:
        yield bundle.member("policy", audit.witnessing.policy.text().encode("utf-8", "surrogateescape"))
    yield bundle.member("policy.json", policy)


async def _members(audit: Audit, size: int, note: bytes) -> AsyncGenerator[bytes]:
    """The bundle, one member at a time, in ascending order of name."""
    async with audit.database.read() as tx:
        minimum, handovers = await log_store.minimum_index(tx), await handover_store.all_handovers(tx)
    async for member in checkpoints(audit, size, note):
        yield member
    key, is_plain = audit.keys.key, not minimum and not handovers
    policy = bundle.policy(key) if is_plain else excerpt.policy(key, handovers, "whole", minimum)
    for member in policies(audit, policy):
        yield member
    for each in tile.tiles_of(size):
        yield bundle.member(f"tile/{each.level}/{each.path()}", await hashes(audit, each))
    for each in tile.tiles_of(size):
        if each.level == 0 and each.index * tile.WIDTH >= minimum:
            yield bundle.member(f"tile/entries/{each.path()}", await _entries(audit, each))
    yield bundle.END


# Each is read for itself: whoever takes the bundle slowly holds no connection meanwhile.


async def _checkpoint(audit: Audit, size: int) -> bytes:
    async with audit.database.read() as tx:
        return await checkpoint_store.checkpoint_note(tx, size) or b""


async def hashes(audit: Audit, wanted: Tile) -> bytes:
    async with audit.database.read() as tx:
        found = await log_store.tile_hashes(tx, [(wanted.level, wanted.index)])
    return found[wanted.level, wanted.index][: wanted.width * tree.HASH_BYTES]


async def _entries(audit: Audit, wanted: Tile) -> bytes:
    first = wanted.index * tile.WIDTH
    async with audit.database.read() as tx:
        found = await entry_store.entries_between(tx, first, first + wanted.width)
    return tile.entry_bundle(each.leaf for each in found)
