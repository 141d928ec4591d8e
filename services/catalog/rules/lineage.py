"""Lineage (血缘): which version was made from which, by what kind of processing, and what that passes on.

Owns: the kinds of processing, what each passes on of its parents' grade and flags, and the terms of a licence.
Promises: only a registered version is a parent and only one that is not registered yet is derived, so that lineage has
no circle; what was labelled, cleaned or fused is never graded below its parents; what is licensed of a derived version
is licensed of every parent.
Sources: GB/T 43697-2024 annex I (derived data: desensitised and aggregated may fall, fused may rise); PIPL art. 73
(de-identified data are still personal information, anonymised data are not). Which flags stay is ours, and strict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from shared.errors import Conflict
from shared.grades import Flag, Grade
from shared.ids import ParticipantId, VersionId

PARENTS_MAX = 20
NODES_MAX = 1_000


class Processing(StrEnum):
    LABELLED = "labelled"  # 标注
    CLEANED = "cleaned"  # 清洗
    DESENSITISED = "desensitised"  # 脱敏
    AGGREGATED = "aggregated"  # 汇聚统计
    FUSED = "fused"  # 融合


@dataclass(frozen=True, slots=True)
class Passing:
    """What a kind of processing passes on: the parents' grade as a floor, and their flags."""

    grade: bool
    flags: bool


PASSES_ON: Mapping[Processing, Passing] = {
    Processing.LABELLED:     Passing(grade=True,  flags=True),
    Processing.CLEANED:      Passing(grade=True,  flags=True),
    Processing.DESENSITISED: Passing(grade=False, flags=True),   # de-identified, not anonymised
    Processing.AGGREGATED:   Passing(grade=False, flags=False),  # what is still found in it is graded as found
    Processing.FUSED:        Passing(grade=True,  flags=True),
}  # fmt: skip
KEEPS_GRADE = tuple(processing for processing, passing in PASSES_ON.items() if passing.grade)


@dataclass(frozen=True, slots=True)
class Edge:
    """`version_id` was made from `parent_id`."""

    version_id: VersionId
    parent_id: VersionId
    processing: Processing


@dataclass(frozen=True, slots=True)
class Parent:
    """A version that another is made from, as it is graded now."""

    version_id: VersionId
    provider_id: ParticipantId
    processing: Processing
    grade: Grade
    flags: frozenset[Flag]

    @property
    def floor(self) -> Grade | None:
        return self.grade if PASSES_ON[self.processing].grade else None

    @property
    def flags_passed_on(self) -> frozenset[Flag]:
        return self.flags if PASSES_ON[self.processing].flags else frozenset()


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """What may be granted at most; None sets no limit. `derivable`: others may make and sell something of it."""

    purposes: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    territories: frozenset[str] | None = None
    period_days_max: int | None = None
    redistributable: bool = True
    derivable: bool = True


NO_LIMIT = LicenceTerms()
NOT_DERIVABLE = LicenceTerms(redistributable=False, derivable=False)  # of another's version, unless it says otherwise


class ParentNotRegistered(Conflict):
    """A version is derived from registered versions alone."""


class DerivesFromItself(Conflict):
    """No version is made from itself, and each parent is named once."""


class LineageSettled(Conflict):
    """What a version derives from, and on which terms, is declared before it is registered."""


class NotDerivable(Conflict):
    """The licence terms of a parent do not let others derive from it."""


class NoCommonLicence(Conflict):
    """What the parents' terms have in common grants nothing: the term stands in the facts."""


def require_parents(edges: Sequence[Edge]) -> None:
    """Raises DerivesFromItself unless each parent is another version, and named once."""
    parents = {edge.parent_id for edge in edges}
    if len(parents) != len(edges) or any(edge.version_id in parents for edge in edges):
        raise DerivesFromItself()


def inherited(
    own: LicenceTerms, provider_id: ParticipantId, parents: Iterable[tuple[Parent, LicenceTerms | None]]
) -> LicenceTerms:
    """What can be licensed of a version: its own terms within those of every parent.

    Requires the terms in force of each parent, None where it has none: its own provider's then set no limit, another's
    allow nothing to be derived. Raises NotDerivable, or NoCommonLicence where the rest is empty.
    """
    bounds = [own]
    for parent, terms in parents:
        is_own = parent.provider_id == provider_id
        terms = terms or (NO_LIMIT if is_own else NOT_DERIVABLE)
        if not is_own and not terms.derivable:
            raise NotDerivable(version_id=parent.version_id)
        bounds.append(terms)
    return reduce(intersection, bounds)


def intersection(one: LicenceTerms, other: LicenceTerms) -> LicenceTerms:
    """The terms that keep within both. Raises NoCommonLicence where a limit leaves nothing."""
    return LicenceTerms(
        _common("purposes", one.purposes, other.purposes), _common("fields", one.fields, other.fields),
        _common("territories", one.territories, other.territories),
        min((days for days in (one.period_days_max, other.period_days_max) if days is not None), default=None),
        one.redistributable and other.redistributable, one.derivable and other.derivable,
    )  # fmt: skip


def _common(term: str, one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    common = {word for word in one if within(word, other)} | {word for word in other if within(word, one)}
    if not common:
        raise NoCommonLicence(term=term)
    return frozenset(common)


def within(word: str, words: frozenset[str]) -> bool:
    """Whether a word is one of these, or a part of one: the region `CN-11` is within `CN` (ISO 3166-2)."""
    return word in words or word.partition("-")[0] in words
