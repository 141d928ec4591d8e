"""What kind of personal or sensitive thing a column holds, from its name and from what was counted in it.

Owns: the thresholds, and the decision. The dictionary of names is in `column_names.py`.
Promises: a name alone accuses nobody where values can be looked at, so an airport's name is no person's; what is
counted only ever adds a detection, and a detection only ever raises a grade (the catalogue's floors).
Does not: look at values (the inspector's child counts what its recognisers find), or set a grade.
Sources: PIPL art. 28 (persons under 14); the thresholds are ours, on the strict side.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.delivery.rules.column_names import kinds_named
from shared.kinds import Kind

__all__ = [
    "WHOLE", "Count", "Evidence", "FieldDetection", "Threshold", "detect", "detect_all", "kinds_named", "share",
]  # fmt: skip

WHOLE = 10_000  # basis points
MINOR_UNDER_YEARS = 14
PAIRED_MIN = 9_000  # of two neighbouring columns without telling names that would be places


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which share of hits on a kind is taken as present, with and without a telling column name.

    `None` never suffices alone. `valid_min` is the share of candidates that must prove true where no name tells,
    `named_valid_min` where one does, and `different_min` how many different ones there must be where none does.
    Shares in basis points.
    """

    named: int
    alone: int | None
    valid_min: int = 0
    named_valid_min: int = 0
    different_min: int = 0


# fmt: off
THRESHOLDS: Mapping[Kind, Threshold] = {
    # A random 18-digit number with a possible date passes the check digit one time in eleven, one of 11 digits is a
    # mobile one time in fourteen, one with a card's first digits passes Luhn one time in ten.
    Kind.RESIDENT_ID: Threshold(named=1,    alone=1,     valid_min=5_000),
    Kind.USCC:        Threshold(named=100,  alone=1_000, valid_min=5_000),
    Kind.PHONE:       Threshold(named=1,    alone=1,     valid_min=5_000),
    Kind.BANK_CARD:   Threshold(named=100,  alone=1,     valid_min=8_000),
    Kind.PASSPORT:    Threshold(named=2_000, alone=9_000, valid_min=8_000, different_min=3),
    Kind.PLATE:       Threshold(named=100,  alone=500),
    Kind.EMAIL:       Threshold(named=1,    alone=1,     valid_min=5_000),
    Kind.IP_ADDRESS:  Threshold(named=1_000, alone=1_000, valid_min=5_000),
    Kind.COORDINATES: Threshold(named=8_000, alone=8_000, valid_min=9_000),
    Kind.NAME:        Threshold(named=3_000, alone=6_000, valid_min=6_000, named_valid_min=2_500, different_min=3),
    Kind.ADDRESS:     Threshold(named=1_000, alone=3_000, valid_min=5_000),
    Kind.BIRTH_DATE:  Threshold(named=5_000, alone=None),
    Kind.HEALTH:      Threshold(named=1,    alone=3_000, valid_min=5_000, different_min=3),
    Kind.RELIGION:    Threshold(named=1,    alone=2_000),
    Kind.BIOMETRIC:   Threshold(named=1,    alone=None),
    Kind.MINOR:       Threshold(named=1,    alone=1),
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Count:
    """What a recogniser found in a column: candidates, and how many of those looked at proved true.

    `checked` are different ones. `of`: how many values were looked at, if not the sample.
    """

    hits: int
    checked: int = 0
    valid: int = 0
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A column as it was counted. `sample_size` is the number of its values that were looked at, without nulls.

    `latitudes` and `longitudes`: how many of them are decimals as precise as a place, within China's bounds;
    `decimals`: how many the finest number has.
    """

    field: str
    sample_size: int
    counts: Mapping[Kind, Count]
    latitudes: int = 0
    longitudes: int = 0
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class FieldDetection:
    """A kind found in a column, and on what grounds. In basis points."""

    field: str
    kind: Kind
    name_hit: bool
    hit_basis_points: int
    checksum_basis_points: int | None  # None where the kind has nothing to check
    sample_size: int
    confidence_basis_points: int
    decimals: int | None = None  # of coordinates: of a degree, those of the finest


def detect_all(table: Sequence[Evidence]) -> list[tuple[FieldDetection, ...]]:
    """For each column in the table's order, the kinds that it holds: its own, and places told by two columns."""
    found = [detect(evidence) for evidence in table]
    for index, (one, other) in enumerate(pairwise(table)):
        if hits := _places(one, other):
            for offset, evidence in enumerate((one, other)):
                if all(known.kind is not Kind.COORDINATES for known in found[index + offset]):
                    paired = _detection(evidence, Kind.COORDINATES, Count(hits[offset]), False)
                    found[index + offset] = _surest_first((*found[index + offset], paired))
    return found


def detect(evidence: Evidence) -> tuple[FieldDetection, ...]:
    """The kinds that a column holds by itself, surest first."""
    named = kinds_named(evidence.field)
    return _surest_first(
        _detection(evidence, kind, count, kind in named)
        for kind, count in evidence.counts.items()
        if _present(evidence, kind, count, named)
    )


def share(part: int, whole: int) -> int:
    """In basis points, rounded up: what was found once is not nothing."""
    return -(-part * WHOLE // whole) if whole else 0


def _present(evidence: Evidence, kind: Kind, count: Count, named: frozenset[Kind]) -> bool:
    if kind is Kind.MINOR:
        return _minors(evidence, count, named)
    threshold = THRESHOLDS[kind]
    minimum = threshold.named if kind in named else threshold.alone
    if minimum is None or count.hits == 0:
        return False
    # Numbers made up or mistyped are still meant to be what the column's name says.
    valid_min = threshold.named_valid_min if kind in named else threshold.valid_min
    if count.checked and count.valid * WHOLE < valid_min * count.checked:
        return False
    if kind not in named and count.checked and count.valid < threshold.different_min:
        return False
    return share(count.hits, count.of or evidence.sample_size) >= minimum


def _minors(evidence: Evidence, count: Count, named: frozenset[Kind]) -> bool:
    """One proven id is enough among ids; of order numbers with a place and a day in them, one in eleven passes too. A
    date counts where the column holds birth dates, and says so."""
    if count.checked:
        ids = evidence.counts.get(Kind.RESIDENT_ID)
        among_ids = ids is not None and _present(evidence, Kind.RESIDENT_ID, ids, named)
        valid_min = max(THRESHOLDS[Kind.RESIDENT_ID].valid_min * count.checked, 1)
        return count.valid > 0 if among_ids else count.valid * WHOLE >= valid_min
    births = evidence.counts.get(Kind.BIRTH_DATE)
    return bool(count.hits and births) and _present(evidence, Kind.BIRTH_DATE, births or Count(0), named)


def _places(one: Evidence, other: Evidence) -> tuple[int, int] | None:
    """How many values of each would be places, if nearly all of both would: the one north, the other east."""
    for hits in ((one.latitudes, other.longitudes), (one.longitudes, other.latitudes)):
        if all(
            share(hit, evidence.sample_size) >= PAIRED_MIN for hit, evidence in zip(hits, (one, other), strict=True)
        ):
            return hits
    return None


def _detection(evidence: Evidence, kind: Kind, count: Count, name_hit: bool) -> FieldDetection:
    looked_at = count.of or evidence.sample_size
    hit = share(count.hits, looked_at)
    checksum = count.valid * WHOLE // count.checked if count.checked else None
    confidence = hit if checksum is None else checksum
    if name_hit:
        confidence += (WHOLE - confidence) // 2
    decimals = evidence.decimals if kind is Kind.COORDINATES else None
    return FieldDetection(evidence.field, kind, name_hit, hit, checksum, looked_at, confidence, decimals)


def _surest_first(found: Iterable[FieldDetection]) -> tuple[FieldDetection, ...]:
    return tuple(sorted(found, key=lambda one: (-one.confidence_basis_points, one.kind)))
