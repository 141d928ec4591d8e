"""What an inspector found in the fields of a version, and from where on a finding counts.

Owns: the kinds of things that fields hold, and the thresholds below which a finding is put down to chance.
Promises: a threshold reads only what was counted, in basis points; more hits, more proven values or a telling name
never turn a finding that counts into one that does not.
Sources: GB/T 35273-2020 annexes A and B, GB/T 45574-2025 (kinds); thresholds: ours, each above what chance gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WHOLE = 10_000  # basis points


class Kind(StrEnum):
    RESIDENT_ID = "resident_id"  # 身份证号, GB 11643
    USCC = "uscc"  # 统一社会信用代码: names an organisation, not a person
    PHONE = "phone"
    BANK_CARD = "bank_card"
    PASSPORT = "passport"
    PLATE = "plate"  # 车牌
    EMAIL = "email"
    IP_ADDRESS = "ip_address"
    COORDINATES = "coordinates"
    NAME = "name"
    ADDRESS = "address"
    BIRTH_DATE = "birth_date"
    HEALTH = "health"
    RELIGION = "religion"
    BIOMETRIC = "biometric"


@dataclass(frozen=True, slots=True)
class Detection:
    """How often a kind was met in the sampled values of a field, and how many of those proved true.

    `checksum_basis_points` is None where there was nothing to prove. `name_hit`: the field's name says it too.
    """

    kind: Kind
    name_hit: bool
    hit_basis_points: int
    checksum_basis_points: int | None
    sample_size: int


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    null_basis_points: int
    distinct: int
    detections: tuple[Detection, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """The share of hits from which a kind counts: under a telling name, and alone (None: never alone).

    Alone, at least `proven` of the hits must have proved true as well. In basis points.
    """

    named: int
    alone: int | None
    proven: int = 0


# fmt: off
THRESHOLDS: Mapping[Kind, Threshold] = {
    Kind.RESIDENT_ID: Threshold(named=1,     alone=100,   proven=9_000),  # chance proves one number in eleven
    Kind.USCC:        Threshold(named=100,   alone=1_000, proven=9_000),
    Kind.PHONE:       Threshold(named=100,   alone=1_000, proven=9_000),  # 7 % of all 11-digit numbers look like one
    Kind.BANK_CARD:   Threshold(named=100,   alone=2_000, proven=9_000),  # chance proves one number in ten
    Kind.PASSPORT:    Threshold(named=2_000, alone=6_000),                # a letter and eight digits: many codes do
    Kind.PLATE:       Threshold(named=100,   alone=1_000),
    Kind.EMAIL:       Threshold(named=1,     alone=100),
    Kind.IP_ADDRESS:  Threshold(named=1_000, alone=6_000),                # version numbers look alike
    Kind.COORDINATES: Threshold(named=3_000, alone=None),                 # any small decimal could be one
    Kind.NAME:        Threshold(named=3_000, alone=8_500),                # a surname begins many other words
    Kind.ADDRESS:     Threshold(named=1_000, alone=3_000),
    Kind.BIRTH_DATE:  Threshold(named=3_000, alone=None),                 # any date could be one
    Kind.HEALTH:      Threshold(named=1,     alone=6_000),
    Kind.RELIGION:    Threshold(named=1,     alone=6_000),
    Kind.BIOMETRIC:   Threshold(named=1,     alone=6_000),
}
# fmt: on


def counts(detection: Detection) -> bool:
    """Whether the finding is more than chance."""
    threshold, hit = THRESHOLDS[detection.kind], detection.hit_basis_points
    if detection.name_hit and hit >= threshold.named:
        return True
    if threshold.alone is None or hit < threshold.alone:
        return False
    return not threshold.proven or (detection.checksum_basis_points or 0) >= threshold.proven
