"""The hashes that prove what an answer says, out of the tiles of the log and of its map of keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.audit.rules import snapshot, tile, tree
from services.audit.rules.snapshot import Head, Snapshot
from services.audit.rules.tree import Edge, Node
from services.audit.store import log as log_store
from services.audit.store import snapshot as snapshot_store
from shared.database import Transaction


@dataclass(frozen=True, slots=True)
class PlacedHead:
    """A leaf of the map of keys, and the hashes that lead from it to the map's root."""

    position: int
    head: Head
    hashes: list[bytes]


async def inclusion(tx: Transaction, indexes: Iterable[int], size: int) -> dict[int, list[bytes]]:
    """For each index, the hashes that lead from the entry to the root of the log's first `size` entries."""
    parts = {index: tree.inclusion_parts(index, size) for index in indexes}
    places = {tile.tile_of(node) for some in parts.values() for part in some for node in part}
    tiles = {place: tile.hashes_of(found) for place, found in (await log_store.tile_hashes(tx, places)).items()}
    return {index: [_fold(part, tiles) for part in some] for index, some in parts.items()}


async def edge(tx: Transaction, size: int) -> Edge:
    """The right edge of the log's first `size` entries."""
    return tile.edge(await log_store.unfinished_at(tx, size))


async def places_in_map(tx: Transaction, map_of: Snapshot, key: str) -> list[PlacedHead]:
    """The key's leaf in the map; if it has none, the neighbours between which it would stand."""
    index = await snapshot_store.snapshot_tile_before(tx, map_of.size, key)
    packed = await snapshot_store.snapshot_tile_contents(tx, map_of.size, [(0, index)])
    place = snapshot.place_of(key, index, snapshot.heads_of(packed.get((0, index), b"")), map_of.key_count)
    parts = {position: tree.inclusion_parts(position, map_of.key_count) for position in place.positions}
    places = {tile.tile_of(node) for some in parts.values() for part in some for node in part}
    leaves = {(0, position // tile.WIDTH) for position in place.positions}
    contents = await snapshot_store.snapshot_tile_contents(tx, map_of.size, places | leaves)
    tiles = {place: _hashes(place[0], content) for place, content in contents.items()}
    heads = {index: snapshot.heads_of(content) for (level, index), content in contents.items() if level == 0}
    return [
        PlacedHead(at, heads[at // tile.WIDTH][at % tile.WIDTH], [_fold(part, tiles) for part in some])
        for at, some in parts.items()
    ]


def _hashes(level: int, content: bytes) -> Sequence[bytes]:
    if level:
        return tile.hashes_of(content)
    return [snapshot.head_hash(each.packed()) for each in snapshot.heads_of(content)]


def _fold(part: Iterable[Node], tiles: Mapping[tuple[int, int], Sequence[bytes]]) -> bytes:
    """The hash over neighbouring subtrees."""
    return tree.fold([tile.node_in_tile(node, tiles[tile.tile_of(node)]) for node in part])
