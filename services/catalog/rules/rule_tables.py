"""The rules of grading as data: one table per version of the rules, so that an old grade stays explainable.

Owns: every version that was ever in force. Promises: a version that graded anything never changes; a new rule is a new
version. `grading.py` says how a table is applied, and names the version by which it grades.
Sources: GB/T 43697-2024 table 1, annex H and the elements of clause 6 (规模, 精度); GB/T 45574-2025 (what is sensitive,
also by combination); GB/T 39725-2020 (health data that name their patient: level 4); Network Data Security Regulation
art. 28 (10 million persons); Provisions on Cross-Border Data Flow arts 7 and 8 (100 000 and 1 000 000 persons, 10 000
persons' sensitive information), whose counts serve as reference points, though nothing crosses a border here.
Ours, on the strict side: ordinary harm to economy, order or public interest is G4; a resident ID or passport beside a
name, phone or address is sensitive; every row may be another person; coordinates of unknown precision are precise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.grades import G1, G2, G3, G4, G5, G6, Flag, Grade
from shared.kinds import Kind

FIRST, CURRENT = "GB/T 43697-2024 2026-11", "GB/T 43697-2024 2026-11-26"


class Object(StrEnum):
    """影响对象: who or what is harmed if the data leak, are altered or misused."""

    NATIONAL_SECURITY = "national_security"
    ECONOMY = "economy"
    SOCIAL_ORDER = "social_order"
    PUBLIC_INTEREST = "public_interest"
    ORGANISATION = "organisation"
    INDIVIDUAL = "individual"


class Degree(StrEnum):
    """影响程度."""

    NONE = "none"
    ORDINARY = "ordinary"  # 一般危害
    SERIOUS = "serious"  # 严重危害
    EXTREME = "extreme"  # 特别严重危害


@dataclass(frozen=True, slots=True)
class Mark:
    """These kinds, wherever they are found, give this flag, and with it the flag's floor."""

    rule: str
    flag: Flag
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two kinds in one version that are sensitive together, and demand at least this grade."""

    rule: str
    of: frozenset[Kind]
    beside: frozenset[Kind]
    grade: Grade = G3


@dataclass(frozen=True, slots=True)
class Scale:
    """So many rows under this flag demand at least this grade (规模)."""

    rule: str
    flag: Flag
    rows_from: int
    grade: Grade


@dataclass(frozen=True, slots=True)
class Precision:
    """Coordinates with so many decimals of a degree, or of unknown precision, demand at least this grade (精度)."""

    rule: str
    decimals_from: int
    grade: Grade


@dataclass(frozen=True, slots=True)
class RuleTable:
    """`floors` are what a flag demands by itself. The scales of one flag stand in ascending order."""

    version: str
    impacts: Mapping[Object, Mapping[Degree, Grade]]
    floors: Mapping[Flag, Grade]
    marks: tuple[Mark, ...]
    pairs: tuple[Pair, ...]
    scales: tuple[Scale, ...] = ()
    precisions: tuple[Precision, ...] = ()


# fmt: off
IMPACTS: Mapping[Object, Mapping[Degree, Grade]] = {
    Object.NATIONAL_SECURITY: {Degree.EXTREME: G6, Degree.SERIOUS: G6, Degree.ORDINARY: G5, Degree.NONE: G1},
    Object.ECONOMY:           {Degree.EXTREME: G6, Degree.SERIOUS: G5, Degree.ORDINARY: G4, Degree.NONE: G1},
    Object.SOCIAL_ORDER:      {Degree.EXTREME: G6, Degree.SERIOUS: G5, Degree.ORDINARY: G4, Degree.NONE: G1},
    Object.PUBLIC_INTEREST:   {Degree.EXTREME: G6, Degree.SERIOUS: G5, Degree.ORDINARY: G4, Degree.NONE: G1},
    Object.ORGANISATION:      {Degree.EXTREME: G4, Degree.SERIOUS: G3, Degree.ORDINARY: G2, Degree.NONE: G1},
    Object.INDIVIDUAL:        {Degree.EXTREME: G4, Degree.SERIOUS: G3, Degree.ORDINARY: G2, Degree.NONE: G1},
}
FLOORS: Mapping[Flag, Grade] = {Flag.PERSONAL: G2, Flag.SENSITIVE_PERSONAL: G3, Flag.MINOR: G3}

IDENTITY = frozenset({Kind.RESIDENT_ID, Kind.PASSPORT})
NAMING = IDENTITY | {Kind.NAME, Kind.PHONE}
SENSITIVE = frozenset({Kind.BANK_CARD, Kind.HEALTH, Kind.RELIGION, Kind.BIOMETRIC})
PERSONAL = SENSITIVE | {
    Kind.RESIDENT_ID, Kind.PHONE, Kind.PASSPORT, Kind.PLATE, Kind.EMAIL, Kind.IP_ADDRESS, Kind.NAME, Kind.ADDRESS,
    Kind.BIRTH_DATE,
}

MARKS = (
    Mark("floor.personal",           Flag.PERSONAL,           PERSONAL),
    Mark("floor.sensitive_personal", Flag.SENSITIVE_PERSONAL, SENSITIVE),
    Mark("flag.geographic",          Flag.GEOGRAPHIC,         frozenset({Kind.COORDINATES})),
)
PAIRS = (
    Pair("floor.identity_with_contact", IDENTITY, frozenset({Kind.NAME, Kind.PHONE, Kind.ADDRESS})),
    Pair("floor.whereabouts", frozenset({Kind.COORDINATES}), IDENTITY | {Kind.NAME, Kind.PHONE, Kind.PLATE}),
)

MINORS = frozenset({Kind.MINOR})
MORE_PAIRS = (
    Pair("floor.health_with_identity", frozenset({Kind.HEALTH}), NAMING, G4),
    Pair("floor.account_with_holder", frozenset({Kind.BANK_CARD}), frozenset({Kind.NAME, Kind.PHONE})),
    Pair("floor.minor_with_whereabouts", MINORS, frozenset({Kind.COORDINATES, Kind.HEALTH, Kind.BIOMETRIC}), G4),
)
SCALES = (
    Scale("scale.personal",           Flag.PERSONAL,              100_000, G3),  # a standard contract, art. 8
    Scale("scale.personal",           Flag.PERSONAL,            1_000_000, G4),  # a security assessment, art. 7
    Scale("scale.personal",           Flag.PERSONAL,           10_000_000, G5),  # duties of important data, art. 28
    Scale("scale.sensitive_personal", Flag.SENSITIVE_PERSONAL,     10_000, G4),  # a security assessment, art. 7
    Scale("scale.sensitive_personal", Flag.SENSITIVE_PERSONAL,  1_000_000, G5),  # a hundred times that: ours
)
# Four decimals of a degree are eleven metres: finer than the fifty that public maps may show (公开地图内容表示规范).
PRECISIONS = (Precision("precision.coordinates", 4, G2),)
# fmt: on

TABLES: Mapping[str, RuleTable] = {
    FIRST: RuleTable(FIRST, IMPACTS, FLOORS, MARKS, PAIRS),
    CURRENT: RuleTable(
        CURRENT, IMPACTS, FLOORS, (*MARKS, Mark("floor.minor", Flag.MINOR, MINORS)), (*PAIRS, *MORE_PAIRS), SCALES,
        PRECISIONS,
    ),
}  # fmt: skip
