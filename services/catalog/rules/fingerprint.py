"""Whether two tables are nearly one: compared by sketches of their rows, without the rows.

A sketch is the 256 smallest of the 64-bit SHA-256 hashes of a table's distinct rows (bottom-k). The inspector takes it
(a row is the sorted text of its cells, so neither the order of rows nor that of columns counts); here two are compared.
Promises: the same table in any order has the same sketch; of tables that fit their sketches whole, the answer is exact.
Does not: see through changed columns or re-written values. A subset below a sixteenth of the other table leaves fewer
than `SHARED_MIN` members to compare by, and is not judged; of less than `ROWS_MIN` distinct rows, only the hash of the
whole content counts.
Source: market-rules B5, replication attack (who lists his data twice takes a second share; S6: splitting one's data
into two accounts must not raise the total): near-duplicates are refused at registration. Bottom-k: Broder 1997; Cohen
and Kaplan 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SKETCH_SIZE = 256
ROWS_MIN = 50
SHARED_MIN = 10
ALIKE_BASIS_POINTS = 8_000
WHOLE = 10_000

Sketch = tuple[int, ...]  # distinct, ascending, at most SKETCH_SIZE


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of each table is in the other, and of both in both (Jaccard), in basis points."""

    of_first: int
    of_second: int
    jaccard: int

    @property
    def is_near_duplicate(self) -> bool:
        """One holds most of the other: a copy, a part of it, or more than it."""
        return max(self.of_first, self.of_second, self.jaccard) >= ALIKE_BASIS_POINTS


NONE = Overlap(0, 0, 0)


def overlap(first: Sketch, second: Sketch) -> Overlap:
    """Estimated on the hashes that both sketches know all of; nothing where they are too few to tell."""
    if min(len(first), len(second)) < ROWS_MIN:
        return NONE
    ends = [sketch[-1] for sketch in (first, second) if len(sketch) >= SKETCH_SIZE]
    known = min(ends, default=None)
    ours, theirs = (set(_up_to(sketch, known)) for sketch in (first, second))
    shared = len(ours & theirs)
    if shared < SHARED_MIN:
        return NONE
    parts = (len(ours), len(theirs), len(ours | theirs))
    return Overlap(*(shared * WHOLE // part for part in parts))


def _up_to(sketch: Sketch, known: int | None) -> Sequence[int]:
    return sketch if known is None else [member for member in sketch if member <= known]
