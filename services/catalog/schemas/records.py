"""What crosses the wire about legal records."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator
from pydantic import Field as Limits

from services.catalog.rules.asset import NextActor
from services.catalog.rules.records import (
    CONSENTS,
    Assessment,
    Basis,
    Conclusion,
    Consent,
    Evidence,
    Kind,
    Record,
    State,
)
from services.catalog.schemas.versions import Code, Sha256
from shared.ids import AssetId, ParticipantId, RecordId, VersionId
from shared.web import Moment, Request, View

ChosenConclusion = Annotated[Conclusion, Limits(strict=False)]
Summary = Annotated[str, Limits(min_length=1, max_length=300, pattern=r"\S")]
Persons = Annotated[int, Limits(ge=1, le=2**53 - 1)]


def _a_consent(kind: Kind) -> Kind:
    if kind not in CONSENTS:
        raise ValueError("this is no consent: it belongs to the assessments")
    return kind


def _an_assessment(kind: Kind) -> Kind:
    if kind in CONSENTS:
        raise ValueError("this is no assessment: it belongs to the consents")
    return kind


class NewConsent(Request):
    """`separate_consent` or `guardian_consent`. Without `version_id` it stands for every version of the asset."""

    kind: Annotated[Kind, Limits(strict=False), AfterValidator(_a_consent)]
    version_id: VersionId | None = None
    scope: Summary
    persons: Persons
    evidence_hash: Sha256
    valid_until: Moment

    def evidence(self) -> Evidence:
        return Evidence(self.kind, Consent(self.scope, self.persons), self.evidence_hash, self.valid_until)


class NewAssessment(Request):
    """`impact_assessment`, `effect_report`, or `other_basis`: a basis beside consent, which `basis` names (PIPL 13).
    Without `version_id` it stands for every version of the asset."""

    kind: Annotated[Kind, Limits(strict=False), AfterValidator(_an_assessment)]
    version_id: VersionId | None = None
    assessed_at: Moment
    conclusion: ChosenConclusion
    summary: Summary
    basis: Annotated[Basis, Limits(strict=False)] | None = None
    evidence_hash: Sha256
    valid_until: Moment

    def evidence(self) -> Evidence:
        assessment = Assessment(self.assessed_at, self.conclusion, self.summary, self.basis)
        return Evidence(self.kind, assessment, self.evidence_hash, self.valid_until)


class RecordWithdrawal(Request):
    reason_code: Code


class ConsentView(View):
    scope: str
    persons: int


class AssessmentView(View):
    assessed_at: datetime
    conclusion: Conclusion
    summary: str
    basis: Basis | None = None


class RecordView(View):
    """In force until its `deadline`, when it expires."""

    id: RecordId
    asset_id: AssetId
    provider_id: ParticipantId
    version_id: VersionId | None
    kind: Kind
    evidence_hash: str
    valid_until: datetime
    consent: ConsentView | None
    assessment: AssessmentView | None
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    reason_code: str | None
    recorded_at: datetime

    @classmethod
    def of(cls, record: Record) -> Self:
        evidence, content = record.evidence, record.evidence.content
        return cls(
            id=record.id, asset_id=record.asset_id, provider_id=record.provider_id, version_id=record.version_id,
            kind=evidence.kind, evidence_hash=evidence.evidence_hash, valid_until=evidence.valid_until,
            consent=ConsentView.model_validate(content) if isinstance(content, Consent) else None,
            assessment=AssessmentView.model_validate(content) if isinstance(content, Assessment) else None,
            state=record.state, next_actor=record.next_actor, deadline=record.deadline,
            reason_code=record.reason_code, recorded_at=record.recorded_at,
        )  # fmt: skip
