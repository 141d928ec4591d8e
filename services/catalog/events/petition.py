"""The facts of petitions: submitted, agreed to, granted, refused, withdrawn, lapsed, expired.

A lower grade that is granted is told by `GradeLowered`, with the grounds that are left.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.events.grading import that_fit
from services.catalog.rules.grading import Finding
from services.catalog.rules.lowering import NamedImpact, Strike
from services.catalog.rules.petition import Kind, Petition, RiskAssessment
from shared import canonical
from shared.facts import Category, Fact, Outcome, Retention, plain
from shared.grades import Flag
from shared.ids import AssetId, ParticipantId, PetitionId, VersionId


@dataclass(frozen=True, slots=True)
class Struck:
    """What a provider asks to strike: of the findings as many as fit, and the digest of all."""

    impacts: tuple[NamedImpact, ...]
    flags: tuple[Flag, ...]
    findings: tuple[Finding, ...]
    findings_count: int
    findings_digest: str

    @classmethod
    def of(cls, strike: Strike) -> Self:
        findings = strike.findings
        digest = canonical.digest(plain(findings))
        return cls(strike.impacts, strike.flags, that_fit(findings), len(findings), digest)


@dataclass(frozen=True, slots=True)
class PetitionFact(Fact):
    """`revision` orders the facts of one petition."""

    category: ClassVar[Category] = Category.GRADE
    retention: ClassVar[Retention] = Retention.REGISTRATION
    petition_id: PetitionId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    kind: Kind
    revision: int


@dataclass(frozen=True, slots=True)
class PetitionSubmitted(PetitionFact):
    """A provider asks for a lower grade, or that a risk assessment of important data be accepted."""

    rationale: str
    evidence_hash: str
    deadline: datetime | None
    strike: Struck | None
    assessment: RiskAssessment | None

    @classmethod
    def of(cls, petition: Petition) -> Self:
        asked = petition.asked
        return cls(
            *_head(petition), petition.rationale, petition.evidence_hash, petition.deadline,
            Struck.of(asked) if isinstance(asked, Strike) else None,
            asked if isinstance(asked, RiskAssessment) else None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PetitionAgreed(PetitionFact):
    """The first of two operators agrees; the second decides."""

    operator: str
    grade_revision: int
    note: str

    @classmethod
    def of(cls, petition: Petition, note: str) -> Self:
        assert petition.first
        return cls(*_head(petition), petition.first.operator, petition.first.grade_revision, note)


@dataclass(frozen=True, slots=True)
class PetitionGranted(PetitionFact):
    """Two operators accept a risk assessment: it is on record until its deadline."""

    operators: tuple[str, ...]
    deadline: datetime | None
    note: str

    @classmethod
    def of(cls, petition: Petition, note: str) -> Self:
        return cls(*_head(petition), petition.operators, petition.deadline, note)


@dataclass(frozen=True, slots=True)
class PetitionRefused(PetitionFact):
    """An operator does not grant it, and says why."""

    outcome: ClassVar[Outcome] = "deny"
    reason_code: str
    reason: str

    @classmethod
    def of(cls, petition: Petition, reason: str) -> Self:
        assert petition.reason_code
        return cls(*_head(petition), petition.reason_code, reason)


@dataclass(frozen=True, slots=True)
class EndedPetition(PetitionFact):
    reason_code: str

    @classmethod
    def of(cls, petition: Petition) -> Self:
        assert petition.reason_code
        return cls(*_head(petition), petition.reason_code)


@dataclass(frozen=True, slots=True)
class PetitionWithdrawn(EndedPetition):
    """Its provider takes it back."""


@dataclass(frozen=True, slots=True)
class PetitionLapsed(EndedPetition):
    """Nobody decided it in time; it may be handed in again."""


@dataclass(frozen=True, slots=True)
class PetitionExpired(EndedPetition):
    """The year of an accepted risk assessment is over."""


def _head(petition: Petition) -> tuple[PetitionId, AssetId, VersionId, ParticipantId, Kind, int]:
    return (
        petition.id, petition.asset_id, petition.version_id, petition.provider_id, petition.kind, petition.revision,
    )  # fmt: skip
