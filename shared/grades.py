"""Grades, clearances, modes, and the one decision who may have what in which form.

Owns: the permission matrix as versioned data, its overlays, and `decide`; catalog, trading and delivery all ask here.
Promises: deny unless a cell allows; an overlay only ever denies; raising a grade, lowering a clearance or adding a flag
never turns a denial into an allowance; an unknown value cannot be built.
Sources: GB/T 43697-2024 (grades), PIPL arts 23, 29, 31, 55 (overlays), Data Security Law art. 21; matrix: ours, strict.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.errors import Forbidden

POLICY_VERSION = "2026-12"


class Grade(StrEnum):
    """分级. Ordered: a later grade is the stricter one."""

    G1 = "G1"  # 一般数据 1 级
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"
    G5 = "G5"  # 重要数据
    G6 = "G6"  # 核心数据


class Clearance(StrEnum):
    """资质等级. Ordered: a later one may be trusted with more."""

    C1 = "C1"  # registered, real-name enterprise
    C2 = "C2"  # qualified, purpose declared
    C3 = "C3"  # shown security capability (等保二级 or DSMM 2)
    C4 = "C4"  # 等保三级 or equal, consents to audit
    C5 = "C5"  # approved by the data's authority, order by order


class Mode(StrEnum):
    """交付方式, from the most to the least that leaves the platform."""

    RAW = "raw"
    API = "api"
    DESENSITISED = "desensitised"
    COMPUTE = "compute"


class Flag(StrEnum):
    PERSONAL = "personal"  # 个人信息
    SENSITIVE_PERSONAL = "sensitive_personal"  # 敏感个人信息, GB/T 45574-2025
    MINOR = "minor"  # persons under 14
    PUBLIC_DATA = "public_data"  # 公共数据
    GEOGRAPHIC = "geographic"
    CRITICAL_INFRASTRUCTURE = "critical_infrastructure"  # 关键信息基础设施运营者


class Condition(StrEnum):
    """What must be on record beside the clearance."""

    SEPARATE_CONSENT = "separate_consent"
    IMPACT_ASSESSMENT = "impact_assessment"
    GUARDIAN_CONSENT = "guardian_consent"
    EFFECT_REPORT = "effect_report"
    LIMITED_QUERIES = "limited_queries"
    SMALLEST_GROUP = "smallest_group"
    ORDER_APPROVAL = "order_approval"
    RISK_ASSESSMENT = "risk_assessment"
    RESULT_REVIEW = "result_review"
    OTHER_BASIS = "other_basis"  # than consent: PIPL art. 13(1), items 2 to 7


class Visibility(StrEnum):
    NONE = "none"
    TITLE = "title"  # title, theme and provider
    FULL = "full"


class Sample(StrEnum):
    REAL = "real"
    DESENSITISED = "desensitised"
    NOT_OFFERED = "not_offered"


@dataclass(frozen=True, slots=True)
class Cell:
    """Allowed from this clearance on, if all these conditions are on record."""

    clearance: Clearance
    conditions: frozenset[Condition] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, with the rules that made it. `reason_code` names the first rule that denied."""

    allowed: bool
    rules: tuple[str, ...]
    policy_version: str
    reason_code: str | None = None

    def require(self) -> None:
        """Raises `NotPermitted`, under the reason's own code, unless the decision allows."""
        if not self.allowed:
            raise NotPermitted(reason_code=self.reason_code, rules=list(self.rules), policy_version=self.policy_version)


class NotPermitted(Forbidden):
    """The grade of this data does not permit this to you."""

    @property
    def told_code(self) -> str:
        return str(self.facts["reason_code"])


G1, G2, G3, G4, G5, G6 = Grade
C1, C2, C3, C4, C5 = Clearance
RAW, API, DESENSITISED, COMPUTE = Mode

AGGREGATES = frozenset({Condition.LIMITED_QUERIES})
REPORTED = frozenset({Condition.EFFECT_REPORT})
GROUPED = frozenset({Condition.SMALLEST_GROUP})
# What G4 demands, G5 cannot forgo: raising a grade never allows more.
SUPERVISED = GROUPED | {Condition.ORDER_APPROVAL, Condition.RISK_ASSESSMENT, Condition.RESULT_REVIEW}

MATRIX: Mapping[Grade, Mapping[Mode, Cell | None]] = {
    G1: {RAW: Cell(C1), DESENSITISED: Cell(C1),           API: Cell(C1),             COMPUTE: Cell(C1)},
    G2: {RAW: Cell(C2), DESENSITISED: Cell(C1),           API: Cell(C2),             COMPUTE: Cell(C1)},
    G3: {RAW: Cell(C3), DESENSITISED: Cell(C2),           API: Cell(C3),             COMPUTE: Cell(C2)},
    G4: {RAW: None,     DESENSITISED: Cell(C4, REPORTED), API: Cell(C4, AGGREGATES), COMPUTE: Cell(C3, GROUPED)},
    G5: {RAW: None,     DESENSITISED: None,               API: None,                 COMPUTE: Cell(C5, SUPERVISED)},
    G6: {RAW: None,     DESENSITISED: None,               API: None,                 COMPUTE: None},
}  # fmt: skip

# What the platform itself keeps to in a mode, whoever asks, so that it never stands against an order: where a smallest
# group is demanded, computing is done over declared cubes alone, and where a review is, no result goes out before it;
# where limited queries are, nothing else is answered.
KEPT_TO: Mapping[Mode, frozenset[Condition]] = {
    RAW: frozenset(), DESENSITISED: frozenset(), API: AGGREGATES, COMPUTE: GROUPED | {Condition.RESULT_REVIEW},
}  # fmt: skip

# What leaves as it is: personal information in it needs the person's separate consent or another recorded basis.
LEAVES_AS_IT_IS = frozenset({RAW, API})


def decide(
    grade: Grade,
    mode: Mode,
    clearance: Clearance | None,
    flags: Set[Flag] = frozenset(),
    on_record: Set[Condition] = frozenset(),
) -> Decision:
    """May a buyer of this clearance (None: not admitted) have a version of this grade in this mode?

    Every rule is checked in a fixed order; the decision carries the ids of all that were consulted.
    """
    return _decided(grade, mode, clearance, frozenset(flags), frozenset(on_record))


@lru_cache(maxsize=1000)
def _decided(
    grade: Grade, mode: Mode, clearance: Clearance | None, flags: frozenset[Flag], on_record: frozenset[Condition]
) -> Decision:
    cell = MATRIX[grade][mode]
    rules = [f"matrix.{grade}.{mode}"]
    if cell is None:
        return _deny(rules, "core_data_not_tradable" if grade is G6 else "mode_not_allowed_for_grade")
    if clearance is None or clearance < cell.clearance:
        return _deny(rules, "clearance_too_low")
    for rule, reason, denies in _overlays(grade, mode, flags, cell.conditions, on_record):
        rules.append(rule)
        if denies:
            return _deny(rules, reason)
    return Decision(True, tuple(rules), POLICY_VERSION)


def possible(grade: Grade, mode: Mode, flags: Set[Flag] = frozenset()) -> Decision:
    """Could anyone have it in this mode, with the best clearance and everything on record? Listings ask this."""
    return decide(grade, mode, C5, flags, frozenset(Condition))


def visibility(grade: Grade, clearance: Clearance | None) -> Visibility:
    """How much of a catalogue entry shows. `None` is anyone without an admitted organisation."""
    shown_to = VISIBLE_FROM[grade]
    if shown_to is None:
        return Visibility.NONE
    full_from, everyone_sees = shown_to
    if full_from is None or (clearance is not None and clearance >= full_from):
        return Visibility.FULL
    return everyone_sees


def sample(grade: Grade, clearance: Clearance | None, flags: Set[Flag] = frozenset()) -> Sample | None:
    """The kind of sample rows this clearance may see; None is a denial. Nobody is shown persons as they are."""
    cell = SAMPLED_FROM[grade]
    if cell is None or clearance is None or clearance < cell[0]:
        return None
    return Sample.DESENSITISED if cell[1] is Sample.REAL and _personal(flags) else cell[1]


# Full entry from a clearance on (None: for everyone), and what those below it see.
VISIBLE_FROM: Mapping[Grade, tuple[Clearance | None, Visibility] | None] = {
    G1: (None, Visibility.FULL),
    G2: (None, Visibility.FULL),
    G3: (C2, Visibility.TITLE),
    G4: (C3, Visibility.NONE),
    G5: None,
    G6: None,
}
SAMPLED_FROM: Mapping[Grade, tuple[Clearance, Sample] | None] = {
    G1: (C1, Sample.REAL),
    G2: (C1, Sample.REAL),
    G3: (C2, Sample.DESENSITISED),
    G4: (C3, Sample.NOT_OFFERED),
    G5: None,
    G6: None,
}


def _overlays(
    grade: Grade, mode: Mode, flags: Set[Flag], conditions: Set[Condition], on_record: Set[Condition]
) -> list[tuple[str, str, bool]]:
    """Each rule beyond the matrix: its id, the reason code if it denies, and whether it does."""
    personal, leaves = _personal(flags), mode in LEAVES_AS_IT_IS
    sensitive = Flag.SENSITIVE_PERSONAL in flags and leaves
    leaves_personal, minor = personal and leaves, Flag.MINOR in flags and leaves
    missing = set(Condition) - on_record
    # Another basis stands in for consent to personal information (PIPL 13), never to sensitive or minors' (29, 31).
    consent_missing = Condition.SEPARATE_CONSENT in missing and (
        Condition.OTHER_BASIS in missing or bool(flags & {Flag.SENSITIVE_PERSONAL, Flag.MINOR})
    )
    rules = [
        ("overlay.personal_raw", "personal_information_not_raw", personal and mode is RAW and grade >= G3),
        ("overlay.pipl_23", "separate_consent_missing", leaves_personal and consent_missing),
        ("overlay.pipl_29_55", "impact_assessment_missing", sensitive and Condition.IMPACT_ASSESSMENT in missing),
        ("overlay.pipl_31", "guardian_consent_missing", minor and Condition.GUARDIAN_CONSENT in missing),
    ]
    rules += [
        (f"condition.{condition}", f"{condition}_missing", condition not in on_record)
        for condition in sorted(conditions)
    ]
    return rules


def _personal(flags: Set[Flag]) -> bool:
    return bool(flags & {Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR})


def _deny(rules: list[str], reason_code: str) -> Decision:
    return Decision(False, tuple(rules), POLICY_VERSION, reason_code)
