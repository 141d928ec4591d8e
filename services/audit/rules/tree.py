"""The log's tree: RFC 6962 hashing, its right edge, proofs, and their verification.

Promises: appending never changes an earlier root; a proof verifies without the tree; leaves and inner nodes can never
be confused; a proof of another length, index or size is refused before its hashes are believed.
Does not: store anything, sign anything, or know what an entry means.
Source: RFC 9162 section 2.1 (the same tree as RFC 6962).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.errors import Malformed

HASH_BYTES = 32
ROW_HASHES = 2_048
EMPTY_ROOT = hashlib.sha256(b"").digest()
_sha256 = hashlib.sha256


class OutsideOfTheTree(Malformed):
    """There is no such index or size in this log."""


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree of the tree: the `index`-th over 2^level leaves."""

    level: int
    index: int


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: the roots of its largest perfect subtrees, from left to right.

    Requires one peak for each bit set in `size`, as `append` makes them.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf_hashes: Iterable[bytes]) -> "Edge":
        """The edge with these leaves behind it: constant work for each on average, whatever the size."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaf_hashes:
            for _ in range(_trailing_ones(size)):
                leaf = node_hash(peaks.pop(), leaf)
            peaks.append(leaf)
            size += 1
        return Edge(size, tuple(peaks))

    def root(self) -> bytes:
        return fold(self.peaks) if self.peaks else EMPTY_ROOT


def leaf_hash(leaf: bytes) -> bytes:
    return _sha256(b"\x00" + leaf).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> list[bytes]:
    """As `leaf_hash`, without a call for each."""
    return [_sha256(b"\x00" + leaf).digest() for leaf in leaves]


def node_hash(left: bytes, right: bytes) -> bytes:
    return _sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes whose count is a power of two."""
    return _row_roots(hashes, len(hashes))[0]


def perfect_roots(hashes: Sequence[bytes], width: int) -> list[bytes]:
    """The root over each `width` hashes in a row. Requires a power of two up to 2 048, and that nothing is left over.

    Some thousand at a time: a longer row has left the processor's cache when the level above it is computed.
    """
    return [
        root
        for start in range(0, len(hashes), ROW_HASHES)
        for root in _row_roots(hashes[start : start + ROW_HASHES], width)
    ]


def _row_roots(row: Sequence[bytes], width: int) -> Sequence[bytes]:
    """Level by level over the whole row, without a call for each node."""
    while width > 1:
        rest = iter(row)
        row = [_sha256(b"\x01" + left + right).digest() for left, right in zip(rest, rest, strict=True)]
        width >>= 1
    return row


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring subtrees that grow smaller to the right. Requires one at least."""
    folded = hashes[-1]
    for left in hashes[-2::-1]:
        folded = node_hash(left, folded)
    return folded


# --- proofs


def inclusion_proof(index: int, size: int, hash_of: Callable[[Node], bytes]) -> list[bytes]:
    """Hashes that lead from leaf `index` to the root of the first `size` leaves."""
    return [_folded(part, hash_of) for part in inclusion_parts(index, size)]


def consistency_proof(old_size: int, new_size: int, hash_of: Callable[[Node], bytes]) -> list[bytes]:
    """Hashes that show that the first `old_size` leaves of the larger tree are the smaller tree."""
    return [_folded(part, hash_of) for part in consistency_parts(old_size, new_size)]


def inclusion_parts(index: int, size: int) -> list[list[Node]]:
    """For each hash of an inclusion proof, the perfect subtrees it is folded from."""
    if not 0 <= index < size:
        raise OutsideOfTheTree(index=index, size=size)
    parts: list[list[Node]] = []
    level = 0
    while 1 << level < size:
        sibling = index >> level ^ 1
        first = sibling << level
        if sibling + 1 << level <= size:
            parts.append([Node(level, sibling)])
        elif first < size:  # at the right edge, where the tree ends inside a subtree
            parts.append(perfect_subtrees(first, size))
        level += 1
    return parts


def consistency_parts(old_size: int, new_size: int) -> list[list[Node]]:
    """For each hash of a consistency proof, the perfect subtrees it is folded from."""
    if not 0 < old_size <= new_size:
        raise OutsideOfTheTree(old_size=old_size, new_size=new_size)
    parts: list[list[Node]] = []
    low, high = 0, new_size
    while high > old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            parts.append(perfect_subtrees(middle, high))
            high = middle
        else:
            parts.append(perfect_subtrees(low, middle))
            low = middle
    if low > 0:  # otherwise the verifier already knows this hash: it is the old root
        parts.append(perfect_subtrees(low, high))
    return parts[::-1]


def perfect_subtrees(low: int, high: int) -> list[Node]:
    """The perfect subtrees over leaves `low` to `high` (exclusive). Requires a range that the tree splits off."""
    nodes: list[Node] = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append(Node(level, low >> level))
        low += 1 << level
    return nodes


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Is the leaf with this hash at `index` of the tree of `size` leaves? (RFC 9162 section 2.1.3.2)"""
    if not 0 <= index < size:
        return False
    if any(len(value) != HASH_BYTES for value in (leaf, root, *proof)):
        return False
    at, last, reached = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            reached = node_hash(sibling, reached)
            at, last = _up_while_left(at, last)
        else:
            reached = node_hash(reached, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and reached == root


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Is the smaller tree the beginning of the larger? Requires an old size above zero: of nothing, all is the
    beginning (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if any(len(value) != HASH_BYTES for value in (old_root, new_root, *proof)):
        return False
    first, *siblings = [old_root, *proof] if old_size & (old_size - 1) == 0 else proof or [b""]
    shift = _trailing_ones(old_size - 1)
    at, last = (old_size - 1) >> shift, (new_size - 1) >> shift
    old, new = first, first
    for sibling in siblings:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            at, last = _up_while_left(at, last)
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _folded(part: Sequence[Node], hash_of: Callable[[Node], bytes]) -> bytes:
    return hash_of(part[0]) if len(part) == 1 else fold([hash_of(node) for node in part])


def _split(count: int) -> int:
    """The largest power of two below `count`. Requires count > 1."""
    return 1 << ((count - 1).bit_length() - 1)


def _trailing_ones(number: int) -> int:
    return (~number & (number + 1)).bit_length() - 1


def _up_while_left(at: int, last: int) -> tuple[int, int]:
    """Past the levels on which the subtree has no sibling to its right."""
    while not at & 1 and at:
        at, last = at >> 1, last >> 1
    return at, last
