"""The log as tiles: hashes and entries in files of 256, as C2SP tlog-tiles lays them out.

Promises: a full tile never changes; every hash of the tree that a proof needs lies in one tile; what a growth from one
size to another makes is known without looking at anything but the unfinished tiles.
Source: C2SP tlog-tiles (5ba5ee8).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.audit.rules.tree import HASH_BYTES, Edge, Node, perfect_root, perfect_roots, perfect_subtrees
from shared.errors import NotFound

WIDTH = 256
HEIGHT = 8  # levels of the tree in a tile
LEVEL_MAX = 7  # 2^64 entries
_path = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?")


class NoSuchTile(NotFound):
    """The log has no such tile."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A place in the layout: `width` is 256, or less while the tile is unfinished."""

    level: int
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """Its path below `tile/<level>/`, or below `tile/entries/` for the entries of level 0."""
        *groups, last = _groups_of_three(self.index)
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return "".join(f"x{group}/" for group in groups) + last + partial


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The hashes of the unfinished tile of each level, from the leaves up; a full tile is no longer among them."""

    size: int = 0
    levels: tuple[tuple[bytes, ...], ...] = ()


def parse_path(level: int, path: str) -> Tile:
    """The tile at a path as `Tile.path` writes it; any other spelling is no tile."""
    if not 0 <= level <= LEVEL_MAX or not _path.fullmatch(path):
        raise NoSuchTile()
    groups, _, width = path.partition(".p/")
    tile = Tile(level, int(groups.replace("/", "").replace("x", "")), int(width or WIDTH))
    if tile.path() != path:
        raise NoSuchTile()
    return tile


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile as a log of `size` entries has it."""
    width = min(WIDTH, (size >> HEIGHT * level) - index * WIDTH)
    if width <= 0:
        raise NoSuchTile(level=level, index=index, size=size)
    return Tile(level, index, width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a log of this size, level by level, in order of index."""
    return changed_tiles(0, size)


def changed_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The tiles that a log has at the new size and had not, or not as wide, at the old."""
    level = 0
    while new_size >> HEIGHT * level:
        first, last = old_size >> HEIGHT * level, new_size >> HEIGHT * level
        if last > first:
            yield from (tile_at(level, index, new_size) for index in range(first // WIDTH, (last - 1) // WIDTH + 1))
        level += 1


def grow(unfinished: Unfinished, leaf_hashes: Sequence[bytes]) -> tuple[Unfinished, dict[Tile, bytes]]:
    """The log with these leaves behind it, and the bytes of every tile that changed."""
    size = unfinished.size + len(leaf_hashes)
    changed: dict[Tile, bytes] = {}
    levels: list[tuple[bytes, ...]] = []
    level, arriving = 0, leaf_hashes
    while arriving or level < len(unfinished.levels):
        earlier = unfinished.levels[level] if level < len(unfinished.levels) else ()
        hashes = [*earlier, *arriving]
        first_index = (unfinished.size >> HEIGHT * level) // WIDTH
        tiles = [hashes[start : start + WIDTH] for start in range(0, len(hashes), WIDTH)] if arriving else []
        for offset, tile in enumerate(tiles):
            changed[Tile(level, first_index + offset, len(tile))] = b"".join(tile)
        finished = len(hashes) // WIDTH
        levels.append(tuple(hashes[finished * WIDTH :]))
        arriving = perfect_roots(hashes[: finished * WIDTH], WIDTH)
        level += 1
    return Unfinished(size, tuple(levels)), changed


def unfinished_tiles(size: int) -> list[Tile | None]:
    """For each level of a log of this size, its unfinished tile if it has one."""
    tiles: list[Tile | None] = []
    while hashes := size >> HEIGHT * len(tiles):
        level, width = len(tiles), hashes % WIDTH
        tiles.append(Tile(level, hashes // WIDTH, width) if width else None)
    return tiles


def edge(unfinished: Unfinished) -> Edge:
    """The right edge: all its peaks lie in unfinished tiles."""
    nodes = perfect_subtrees(0, unfinished.size)
    return Edge(unfinished.size, tuple(node_in_tile(node, unfinished.levels[node.level // HEIGHT]) for node in nodes))


def tile_of(node: Node) -> tuple[int, int]:
    """Level and index of the tile whose hashes the node is computed from."""
    level, above = divmod(node.level, HEIGHT)
    return level, (node.index << above) // WIDTH


def node_in_tile(node: Node, hashes: Sequence[bytes]) -> bytes:
    """The hash of a node. Requires the hashes of its tile, wide enough to cover the node."""
    above = node.level % HEIGHT
    first = (node.index << above) % WIDTH
    return perfect_root(hashes[first : first + (1 << above)])


def hashes_of(tile_bytes: bytes) -> tuple[bytes, ...]:
    """The hashes that a tile's bytes hold one after the other."""
    return tuple(tile_bytes[at : at + HASH_BYTES] for at in range(0, len(tile_bytes), HASH_BYTES))


def entry_bundle(leaves: Iterable[bytes]) -> bytes:
    """Up to 256 leaves, each behind its length as two bytes, big-endian. Requires leaves of at most 65 535 bytes."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def leaves_of(bundle: bytes) -> list[bytes]:
    """The leaves of an entry bundle; raises ValueError if it ends inside one."""
    leaves: list[bytes] = []
    at = 0
    while at < len(bundle):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        if start > len(bundle) or at > len(bundle):
            raise ValueError("the bundle ends inside an entry")
        leaves.append(bundle[start:at])
    return leaves


def _groups_of_three(index: int) -> list[str]:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    return [digits[at : at + 3] for at in range(0, len(digits), 3)]
