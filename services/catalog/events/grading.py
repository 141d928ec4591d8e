"""The facts of a version's grade, with what it rests on.

That may be larger than a fact (16 KiB): then the strongest part stands in it, and the digest of all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from services.catalog.events.version import VersionFact, head
from services.catalog.rules.asset import Asset
from services.catalog.rules.evidence import Kind
from services.catalog.rules.grading import Degree, Object, Reason
from services.catalog.rules.version import Version
from shared import canonical
from shared.facts import Category, plain
from shared.grades import Flag, Grade

REASONS_BYTES_MAX = 10 * 1024


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
    decimals: int | None
    rows: int | None
    rows_from: int | None

    @classmethod
    def of(cls, reason: Reason) -> Self:
        return cls(*(getattr(reason, member.name) for member in fields(cls)))


@dataclass(frozen=True, slots=True)
class GradeFact(VersionFact):
    category: ClassVar[Category] = Category.GRADE
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

    reason: str

    @classmethod
    def of(cls, asset: Asset, version: Version, reasons: tuple[Reason, ...], reason: str) -> Self:
        return cls(*head(asset, version), *_grade(version, reasons), reason)


def _grade(
    version: Version, reasons: tuple[Reason, ...]
) -> tuple[Grade, frozenset[Flag], int, str, tuple[Told, ...], int, str]:
    graded = version.graded
    assert graded
    told = [Told.of(reason) for reason in reasons]
    return (
        graded.grade, graded.flags, graded.revision, graded.rule_version, _that_fit(told), len(told),
        canonical.digest(plain(told)),
    )  # fmt: skip


def _that_fit(told: Iterable[Told]) -> tuple[Told, ...]:
    """As many, the strongest first, as a fact can carry."""
    fitting, size = list[Told](), 0
    for one in told:
        size += len(canonical.encode(plain(one)))
        if size > REASONS_BYTES_MAX:
            break
        fitting.append(one)
    return tuple(fitting)
