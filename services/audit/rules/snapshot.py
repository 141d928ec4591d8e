"""The key-head map: for each back-link key the last entry with it and how many there are, as one sorted tree.

Promises: one log of one size has one map, whoever builds it; that a key is in it, and that it is not (no leaf lies
between its two neighbours), can be proved against its root, which is itself an entry; keys are pseudonyms, so a map and
its proofs name nobody.
Requires of whoever builds it: heads in strictly ascending order of key, in pages of whole tiles, so that no more than a
page is held.
Sources: RFC 6962 (the tree), audit-log 3.1 and 3.7 (leaf prefix 0x12, a map every ten minutes or 10^6 entries).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from services.audit.rules import tile
from services.audit.rules.tile import WIDTH, Tile, Unfinished
from services.audit.rules.tree import Edge
from shared.ids import FactId

HEAD_BYTES = 32
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long, and how many entries, a map may be behind the log."""

    interval: timedelta
    entries: int


@dataclass(frozen=True, slots=True)
class Head:
    """The newest of `count` entries with a key."""

    key: str
    last_index: int
    count: int

    def packed(self) -> bytes:
        return bytes.fromhex(self.key) + self.last_index.to_bytes(8, "big") + self.count.to_bytes(8, "big")


@dataclass(frozen=True, slots=True)
class Lags:
    """The least and the most that entries came later than their events say; none of an empty log."""

    least_us: int | None = None
    most_us: int | None = None

    def with_these(self, lags_us: Iterable[int]) -> "Lags":
        told = [each for each in (self.least_us, self.most_us, *lags_us) if each is not None]
        return Lags(min(told), max(told)) if told else self


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The map of the log's first `size` entries. `fact_id` is the entry that tells its root."""

    size: int
    root: bytes
    key_count: int
    lags: Lags
    fact_id: FactId
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key stands in a map, or between which two leaves it would: `positions` are the leaves to be shown."""

    positions: tuple[int, ...]
    is_there: bool


def is_due(last: Snapshot | None, signed_size: int, now: datetime, cadence: Cadence) -> bool:
    """Whether the signed log has outgrown its last map. Its own record alone is no growth: else it would never end."""
    if last is None:
        return signed_size > 0
    if signed_size <= last.size + 1:
        return False
    return now - last.taken_at >= cadence.interval or signed_size - last.size >= cadence.entries


def grow(unfinished: Unfinished, heads: Sequence[Head]) -> tuple[Unfinished, dict[Tile, bytes]]:
    """The map with these heads behind it, and its tiles that changed; those of level 0 hold the heads themselves.

    Requires whole tiles of heads in every call but the last.
    """
    packed = [head.packed() for head in heads]
    grown, changed = tile.grow(unfinished, [head_hash(each) for each in packed])
    first = unfinished.size // WIDTH
    for each in changed:
        if each.level == 0:
            at = (each.index - first) * WIDTH
            changed[each] = b"".join(packed[at : at + WIDTH])
    return grown, changed


def root(unfinished: Unfinished) -> bytes:
    return tile.edge(unfinished).root() if unfinished.size else Edge().root()


def head_hash(packed: bytes) -> bytes:
    return sha256(b"\x12" + packed).digest()


def heads_of(packed: bytes) -> list[Head]:
    """The heads that a tile of level 0 holds."""
    return [_head(packed[at : at + HEAD_BYTES]) for at in range(0, len(packed), HEAD_BYTES)]


def place_of(key: str, tile_index: int, heads: Sequence[Head], key_count: int) -> Place:
    """Where a key stands. Requires the heads of the last tile whose first key is not beyond it, of the first tile if
    there is none."""
    at = bisect_left(heads, key, key=lambda head: head.key)
    position = tile_index * WIDTH + at
    if at < len(heads) and heads[at].key == key:
        return Place((position,), is_there=True)
    return Place(tuple(each for each in (position - 1, position) if 0 <= each < key_count), is_there=False)


def _head(packed: bytes) -> Head:
    key, last, count = packed[:KEY_BYTES], packed[KEY_BYTES:-8], packed[-8:]
    return Head(key.hex(), int.from_bytes(last, "big"), int.from_bytes(count, "big"))
