"""The facts of a version's grade, with what it rests on.

That may be larger than a fact (16 KiB): then the strongest part stands in it, and the digest of all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar, Self, TypeVar

from services.catalog.events.version import VersionFact, head
from services.catalog.rules.asset import Asset
from services.catalog.rules.grading import Reason
from services.catalog.rules.petition import Petition
from services.catalog.rules.rule_tables import Degree, Object
from services.catalog.rules.version import Version
from shared import canonical
from shared.facts import Category, plain
from shared.grades import Condition, Flag, Grade
from shared.ids import PetitionId, VersionId
from shared.kinds import Kind

PARTS_BYTES_MAX = 10 * 1024
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Told:
    """The evidence of a reason, without the sentence that is made from it."""

    rule: str
    grade: Grade
    object: Object | None
    degree: Degree | None
    rationale: str | None
    field: str | None
    kind: Kind | None
    name_hit: bool | None
    hit_basis_points: int | None
    checksum_basis_points: int | None
    with_field: str | None
    with_kind: Kind | None
    flag: Flag | None
    parent: VersionId | None
    decimals: int | None
    rows: int | None
    rows_from: int | None

    @classmethod
    def of(cls, reason: Reason) -> Self:
        return cls(*(getattr(reason, member.name) for member in fields(cls)))


@dataclass(frozen=True, slots=True)
class GradeFact(VersionFact):
    category: ClassVar[Category] = Category.GRADE
    schema_version: ClassVar[int] = 2
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    rule_version: str
    reasons: tuple[Told, ...]
    reasons_count: int
    reasons_digest: str


@dataclass(frozen=True, slots=True)
class GradeProposed(GradeFact):
    """The grade that follows from what was declared and found, with the strongest of its reasons."""

    @classmethod
    def of(cls, asset: Asset, version: Version, reasons: tuple[Reason, ...]) -> Self:
        return cls(*head(asset, version), *_grade(version, reasons))


@dataclass(frozen=True, slots=True)
class GradeRaised(GradeFact):
    """Trading suspends what the new grade no longer allows; delivery stops what is running."""

    schema_version: ClassVar[int] = 3  # from the third on, `on_record` may tell of another basis than consent
    on_record: frozenset[Condition]
    reason: str

    @classmethod
    def of(
        cls, asset: Asset, version: Version, reasons: tuple[Reason, ...], on_record: frozenset[Condition], reason: str
    ) -> Self:  # fmt: skip
        return cls(*head(asset, version), *_grade(version, reasons), on_record, reason)


@dataclass(frozen=True, slots=True)
class GradeLowered(GradeFact):
    """A petition was granted on evidence, by the operators named; trading resumes what the grade had suspended."""

    schema_version: ClassVar[int] = 3  # from the third on, `on_record` may tell of another basis than consent
    on_record: frozenset[Condition]
    petition_id: PetitionId
    operators: tuple[str, ...]
    evidence_hash: str
    note: str

    @classmethod
    def of(
        cls, asset: Asset, version: Version, reasons: tuple[Reason, ...], on_record: frozenset[Condition],
        petition: Petition, note: str,
    ) -> Self:  # fmt: skip
        granted = (petition.id, petition.operators, petition.evidence_hash, note)
        return cls(*head(asset, version), *_grade(version, reasons), on_record, *granted)


def _grade(
    version: Version, reasons: tuple[Reason, ...]
) -> tuple[Grade, frozenset[Flag], int, str, tuple[Told, ...], int, str]:
    graded = version.graded
    assert graded
    told = [Told.of(reason) for reason in reasons]
    return (
        graded.grade, graded.flags, graded.revision, graded.rule_version, that_fit(told), len(told),
        canonical.digest(plain(told)),
    )  # fmt: skip


def that_fit(parts: Iterable[Part]) -> tuple[Part, ...]:
    """As many, the first ones first, as a fact can carry."""
    fitting, size = list[Part](), 0
    for one in parts:
        size += len(canonical.encode(plain(one)))
        if size > PARTS_BYTES_MAX:
            break
        fitting.append(one)
    return tuple(fitting)
