"""Reading again what is kept: entries from their bytes, the tiles above them, and the tree that they make."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.audit.rules import checkpoint, tile
from services.audit.rules.checkpoint import Checkpoint, NotANote, VerifierKey
from services.audit.rules.tile import Unfinished
from services.audit.rules.tree import Edge, leaf_hashes
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from shared.database import Transaction
from shared.errors import Failure
from shared.signing import verifies

ENTRIES_AT_ONCE = 2_048


class LogContradictsItself(Failure):
    """What the log's tables say does not agree; nothing more is signed."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The log up to a size, as it was read back and found right."""

    edge: Edge = Edge()
    unfinished: Unfinished = Unfinished()


async def read_on(tx: Transaction, checked: Checked, size: int) -> Checked:
    """The log up to that size, read from where it was checked. Requires no more than `ENTRIES_AT_ONCE` beyond it.

    Raises LogContradictsItself if entries are missing, or tiles are not of the entries. Of entries that were pruned the
    hash stands in the tiles.
    """
    begin, kept_from = checked.edge.size, await log_store.minimum_index(tx)
    stored = await entry_store.entries_between(tx, begin, size)
    pruned = range(begin, min(size, kept_from))
    if [*pruned, *(each.index for each in stored)] != list(range(begin, size)):
        raise LogContradictsItself(detail=f"entries are missing between {begin} and {size}")
    hashes = [*await _hashes_of_pruned(tx, pruned), *leaf_hashes(each.leaf for each in stored)]
    unfinished, changed = tile.grow(checked.unfinished, hashes)
    kept = await log_store.tile_hashes(tx, [(each.level, each.index) for each in changed])
    for each, expected in changed.items():
        if not kept.get((each.level, each.index), b"").startswith(expected):
            raise LogContradictsItself(detail=f"tile {each.level}/{each.path()} is not of its entries")
    return Checked(checked.edge.append(hashes), unfinished)


async def _hashes_of_pruned(tx: Transaction, indexes: range) -> list[bytes]:
    if not indexes:
        return []
    first, last = indexes[0] // tile.WIDTH, indexes[-1] // tile.WIDTH
    kept = await log_store.tile_hashes(tx, [(0, index) for index in range(first, last + 1)])
    hashes = [each for index in range(first, last + 1) for each in tile.hashes_of(kept.get((0, index), b""))]
    at = first * tile.WIDTH
    return hashes[indexes.start - at : indexes.stop - at]


def opened(note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """What a checkpoint says, if one of the keys signed it, and none of them something else."""
    try:
        read = checkpoint.parse_note(note.decode())
        by_us = [(key, each) for key in keys for each in read.signatures_by(key)]
        if not by_us or not all(verifies(key.public, read.text.encode(), each) for key, each in by_us):
            return None
        return checkpoint.parse_checkpoint(read.text)
    except (NotANote, UnicodeDecodeError):
        return None
