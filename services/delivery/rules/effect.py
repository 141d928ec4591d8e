"""The report on what desensitisation has done to a content: the risk before and after, and what was lost.

Owns: the risk measures from counted groups, the level, whether the report passes, and its one sequence of bytes.
Promises: ratios are whole basis points, risks rounded up; a report tells counts and names of columns, never a value;
its digest is that of its canonical bytes, which anyone can rebuild from the report as served.
Does not: claim that nobody can be found. It measures the prosecutor's risk (someone who knows that a person is in the
data, and their quasi-identifiers) on the columns that count as such; other columns may be known to somebody too. It
counts rows: who has several rows is company to themselves.
Sources: GB/T 42460-2023 clause 4 (levels), annexes A and D (direct identifiers, evaluation by k-anonymity). The
threshold of 0.05 is ours, and so is the reading of the levels: 1 a direct identifier stands as it is; 2 none does, but
the risk exceeds the threshold; 3 the risk is within it; 4 aggregates only, which a file of rows never is.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from services.delivery.rules.desensitisation import Treatment
from services.delivery.rules.detection import WHOLE, FieldDetection
from services.delivery.rules.inspection import Inspection
from services.delivery.rules.masking import MASK_POLICY, Mask
from services.delivery.rules.strictness import SHOW_NO_GROUP
from shared import canonical
from shared.ids import VersionId
from shared.kinds import Kind

METHOD = "column masks; rows in groups below k are generalised one step, then their quasi-identifiers hidden"
ACCEPTABLE_RISK_BASIS_POINTS = 500
INDIRECT_KINDS = frozenset({
    Kind.USCC, Kind.ADDRESS, Kind.BIRTH_DATE, Kind.COORDINATES, Kind.IP_ADDRESS, Kind.HEALTH, Kind.RELIGION,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Groups:
    """What was counted of rows that share their quasi-identifiers; with none of these, all rows are one group.

    `diversity`: the fewest distinct values of a sensitive field in a group (l), over all such fields that are shown;
    `closeness_basis_points`: how far at most a group's values are spread otherwise than all rows' (t, as the total
    variation distance). None without such a field.
    """

    rows: int
    groups: int
    smallest: int
    unique_rows: int
    diversity: int | None = None
    closeness_basis_points: int | None = None

    @classmethod
    def of_all(cls, rows: int) -> Self:
        """What is counted where nothing tells rows apart. Requires at least one row."""
        return cls(rows, 1, rows, int(rows == 1))


@dataclass(frozen=True, slots=True)
class Risk:
    smallest_group: int
    groups: int
    highest_basis_points: int  # 1 / smallest group
    average_basis_points: int  # groups / rows
    unique_basis_points: int
    diversity: int | None = None
    closeness_basis_points: int | None = None


@dataclass(frozen=True, slots=True)
class FieldEffect:
    """What became of a field that does not stand as it was: the values that could be told apart, before and after."""

    field: str
    mask: Mask
    distinct_before: int
    distinct_after: int
    lost_basis_points: int


@dataclass(frozen=True, slots=True)
class Cut:
    """How many rows were shown in coarser groups, and how many have no group left to be told by."""

    generalised_rows: int
    suppressed_rows: int


@dataclass(frozen=True, slots=True)
class EffectReport:
    version_id: VersionId
    policy_digest: str
    mask_policy: str
    method: str
    plan_revision: int
    key_id: str | None = field(default=None, kw_only=True)
    seed: int
    rows: int
    generalised_rows: int
    suppressed_rows: int
    smallest_group_required: int
    quasi_identifiers: tuple[str, ...]
    sensitive_fields: tuple[str, ...]
    direct_identifiers_kept: tuple[str, ...]
    before: Risk
    after: Risk
    fields: tuple[FieldEffect, ...]
    level: int
    passes: bool

    def members(self) -> dict[str, Any]:
        """As canonical JSON tells it: what is not there is left out."""
        return _told(asdict(self))

    @property
    def digest(self) -> str:
        return canonical.digest(self.members())


def risk(groups: Groups) -> Risk:
    """Requires at least one row."""
    return Risk(
        groups.smallest, groups.groups, _rounded_up(1, groups.smallest), _rounded_up(groups.groups, groups.rows),
        _rounded_up(groups.unique_rows, groups.rows), groups.diversity, groups.closeness_basis_points,
    )  # fmt: skip


def report(
    version_id: VersionId, policy_digest: str, key_id: str | None, seed: int, treatment: Treatment,
    inspection: Inspection, before: Groups, after: Groups, cut: Cut, distinct_after: Mapping[str, int],
) -> EffectReport:  # fmt: skip
    """The report. Requires groups counted in the content as it came and as it was written."""
    kept = _direct_identifiers_kept(inspection.detections, treatment.masks)
    after_risk = risk(after)
    return EffectReport(
        version_id, policy_digest, MASK_POLICY, METHOD, treatment.plan_revision, seed, after.rows,
        cut.generalised_rows, cut.suppressed_rows, treatment.smallest_group, treatment.quasi_identifiers,
        treatment.sensitive_fields, kept, risk(before), after_risk,
        tuple(
            _effect(field.name, treatment.masks.get(field.name, Mask.KEEP), field.distinct, distinct_after[field.name])
            for field in inspection.fields if field.name in distinct_after
        ),
        level(bool(kept), after_risk), not kept and after.smallest >= treatment.smallest_group, key_id=key_id,
    )  # fmt: skip


def level(direct_identifiers_kept: bool, after: Risk) -> int:
    """The level of GB/T 42460-2023, as we read it."""
    if direct_identifiers_kept:
        return 1
    return 2 if after.highest_basis_points > ACCEPTABLE_RISK_BASIS_POINTS else 3


def measured_fields(treatment: Treatment) -> tuple[str, ...]:
    """The fields that do not stand as they were, in order: those with a mask, and those that show groups."""
    changed = set(treatment.masks)
    if treatment.smallest_group > 1:
        changed |= set(treatment.showing_groups)
    return tuple(field for field in treatment.fields if field in changed)


def sensitive_fields_shown(treatment: Treatment) -> tuple[str, ...]:
    """A sensitive field that shows nothing has no diversity to measure; a pseudonym still does."""
    unseen = SHOW_NO_GROUP - {Mask.PSEUDONYM}
    return tuple(one for one in treatment.sensitive_fields if treatment.masks.get(one, Mask.KEEP) not in unseen)


def _direct_identifiers_kept(detections: tuple[FieldDetection, ...], masks: Mapping[str, Mask]) -> tuple[str, ...]:
    direct = {detection.field for detection in detections if detection.kind not in INDIRECT_KINDS}
    return tuple(sorted(direct - set(masks)))


def _effect(field: str, mask: Mask, before: int, after: int) -> FieldEffect:
    lost = max(before - after, 0)
    return FieldEffect(field, mask, before, after, _rounded_up(lost, before) if before else 0)


def _rounded_up(part: int, whole: int) -> int:
    return -(-part * WHOLE // whole)


def _told(value: Any) -> Any:
    match value:
        case dict():
            members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            return {name: _told(member) for name, member in members.items() if member is not None}
        case tuple() | list():
            items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
            return [_told(item) for item in items]
        case str():
            return str(value)  # an id, or a word of a list
        case _:
            return value
