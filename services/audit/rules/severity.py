"""How grave an incident is 网络安全事件分级, and within which time it is reported, by whom it befell.

Owns: the measured signs of the guide to the grading of incidents, as dated data, and the terms of reporting.
Promises: a sign that reaches a row's number gives at least that row's grade ("以上" includes the number); what nobody
has measured or judged yet is treated as grave, in the shortest term, so that no clock stands still while people count;
a person's judgement raises what the signs give, and never lowers it.
Sources: 国家网络安全事件报告管理办法 (in force 2025-11-01) art. 4 (terms), its annex 网络安全事件分级指南 (signs). Of
the shares of a population only the first row's is measured here; the signs that are words (threats to national
security, sites of the authorities, spread of unlawful content) are for a person to judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum

GUIDE_VERSION = "网络安全事件分级指南 2025-11"


class Severity(StrEnum):
    """A later one is the graver."""

    ORDINARY = "ordinary"  # 一般
    LARGER = "larger"  # 较大
    MAJOR = "major"  # 重大
    EXTREME = "extreme"  # 特别重大

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class OperatorType(StrEnum):
    """Whose incident it is; by this goes the term."""

    CRITICAL_INFRASTRUCTURE = "critical_infrastructure"  # 关键信息基础设施
    STATE_ORGAN = "state_organ"  # 中央和国家机关各部门及其直属单位
    OTHER = "other"


REPORTED_FROM = Severity.LARGER
REPORTED_WITHIN: Mapping[OperatorType, timedelta] = {
    OperatorType.CRITICAL_INFRASTRUCTURE: timedelta(hours=1),
    OperatorType.STATE_ORGAN: timedelta(hours=2),
    OperatorType.OTHER: timedelta(hours=4),
}
REPORTED_TO: Mapping[OperatorType, str] = {
    OperatorType.CRITICAL_INFRASTRUCTURE: "保护工作部门、公安机关",
    OperatorType.STATE_ORGAN: "本部门网信工作机构",
    OperatorType.OTHER: "属地省级网信部门",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What was measured of an incident; None is what is not known. The outages are of critical infrastructure; persons
    are those whose information was leaked, `affected` those whose work or life it disturbs."""

    outage_minutes: int | None = None
    main_function_outage_minutes: int | None = None
    affected: int | None = None
    province_share_percent: int | None = None
    persons: int | None = None
    loss_minor: int | None = None  # CNY


@dataclass(frozen=True, slots=True)
class Row:
    """From these numbers on, each alone, an incident is of this grade. None: the guide has no such sign here."""

    severity: Severity
    outage_minutes: int
    main_function_outage_minutes: int
    affected: int
    persons: int
    loss_minor: int
    province_share_percent: int | None = None


HOUR, YUAN = 60, 100
GUIDE = (
    Row(Severity.EXTREME, 6 * HOUR, 24 * HOUR, 10_000_000, 100_000_000, 100_000_000 * YUAN, 50),
    Row(Severity.MAJOR,   2 * HOUR, 6 * HOUR,  1_000_000,  10_000_000,  20_000_000 * YUAN),
    Row(Severity.LARGER,  30,       2 * HOUR,  100_000,    1_000_000,   5_000_000 * YUAN),
)  # fmt: skip


def severity_of(signs: Signs, judged: Severity | None) -> Severity | None:
    """The gravest of what the signs give and a person judged; None where there is neither yet."""
    known = [field.name for field in fields(signs) if getattr(signs, field.name) is not None]
    if not known:
        return judged
    measured = next((row.severity for row in GUIDE if _reaches(signs, row)), Severity.ORDINARY)
    return max(measured, judged or measured, key=lambda severity: severity.rank)


def must_be_reported(severity: Severity | None) -> bool:
    """What is not graded yet may turn out to be grave."""
    return severity is None or severity.rank >= REPORTED_FROM.rank


def reported_within(operator_type: OperatorType | None) -> timedelta:
    """The shortest term where it is not known whose incident it is."""
    return min(REPORTED_WITHIN.values()) if operator_type is None else REPORTED_WITHIN[operator_type]


def _reaches(signs: Signs, row: Row) -> bool:
    return any(
        measured is not None and least is not None and measured >= least
        for measured, least in (
            (getattr(signs, field.name), getattr(row, field.name)) for field in fields(signs)
        )
    )  # fmt: skip
