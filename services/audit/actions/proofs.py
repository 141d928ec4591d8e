"""What proofs are made of: hashes of the tree, out of as few tiles as they lie in."""

from collections.abc import Iterable

from services.audit.rules import tile, tree
from services.audit.rules.tree import Node
from services.audit.store import log as log_store
from shared.database import Transaction


async def hashes_over(tx: Transaction, parts: Iterable[list[Node]]) -> list[bytes]:
    """The hash over each list of neighbouring subtrees."""
    parts = list(parts)
    places = {tile.tile_of(node) for part in parts for node in part}
    tiles = {place: tile.hashes_of(found) for place, found in (await log_store.tile_hashes(tx, places)).items()}
    return [tree.fold([tile.node_in_tile(node, tiles[tile.tile_of(node)]) for node in part]) for part in parts]


async def consistency(tx: Transaction, old_size: int, size: int) -> list[bytes]:
    """The proof that the smaller log is the beginning of the larger. Empty where there is nothing to prove."""
    if old_size in (0, size):
        return []
    return await hashes_over(tx, tree.consistency_parts(old_size, size))
