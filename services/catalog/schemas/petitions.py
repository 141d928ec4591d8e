"""What crosses the wire about petitions: for a lower grade, and for a risk assessment to be accepted."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import model_validator

from services.catalog.rules.asset import NextActor
from services.catalog.rules.grading import Finding
from services.catalog.rules.lowering import NamedImpact, Strike
from services.catalog.rules.petition import Kind, Petition, RiskAssessment, State
from services.catalog.rules.records import Conclusion
from services.catalog.rules.rule_tables import Degree, Object
from services.catalog.schemas.records import ChosenConclusion, Summary
from services.catalog.schemas.versions import ChosenDegree, ChosenFlag, ChosenKind, ChosenObject, Sentence, Sha256
from shared.grades import Flag
from shared.ids import AssetId, ParticipantId, PetitionId, VersionId
from shared.kinds import Kind as FoundKind
from shared.web import Request, View

FINDINGS_MAX = 200


class StruckImpact(Request):
    object: ChosenObject
    degree: ChosenDegree


class ContestedFinding(Request):
    field: Annotated[str, Limits(max_length=1_000)]
    kind: ChosenKind


class NewLowering(Request):
    """Which grounds of the grade are to be struck, as its reasons name them: at least one."""

    impacts: Annotated[list[StruckImpact], Limits(max_length=24)] = []
    findings: Annotated[list[ContestedFinding], Limits(max_length=FINDINGS_MAX)] = []
    flags: Annotated[list[ChosenFlag], Limits(max_length=len(Flag))] = []
    rationale: Summary
    evidence_hash: Sha256

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.impacts or self.findings or self.flags):
            raise ValueError("a petition for a lower grade names what is to be struck")
        return self

    def strike(self) -> Strike:
        return Strike(
            tuple(NamedImpact(impact.object, impact.degree) for impact in self.impacts),
            tuple(Finding(finding.field, finding.kind) for finding in self.findings), tuple(self.flags),
        )  # fmt: skip


class NewRiskAssessment(Request):
    """The six points of Network Data Security Regulation art. 31, each answered."""

    lawfulness_and_necessity: Summary
    risk_of_leaks_and_misuse: Summary
    integrity_of_recipient: Summary
    binding_force_of_contract: Summary
    technical_measures: Summary
    other: Summary
    conclusion: ChosenConclusion
    assessor: Annotated[str, Limits(min_length=1, max_length=100, pattern=r"\S")]
    rationale: Summary
    evidence_hash: Sha256

    def assessment(self) -> RiskAssessment:
        return RiskAssessment(**self.model_dump(exclude={"rationale", "evidence_hash"}))


class Agreement(Request):
    note: Sentence


class StruckImpactView(View):
    object: Object
    degree: Degree


class FindingView(View):
    field: str
    kind: FoundKind


class StrikeView(View):
    impacts: list[StruckImpactView]
    findings: list[FindingView]
    flags: list[Flag]


class RiskAssessmentView(View):
    lawfulness_and_necessity: str
    risk_of_leaks_and_misuse: str
    integrity_of_recipient: str
    binding_force_of_contract: str
    technical_measures: str
    other: str
    conclusion: Conclusion
    assessor: str


class PetitionView(View):
    """Under review until its `deadline`; an accepted risk assessment holds until it. `first_operator` waits for a
    second."""

    id: PetitionId
    kind: Kind
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    rationale: str
    evidence_hash: str
    strike: StrikeView | None
    assessment: RiskAssessmentView | None
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    reason_code: str | None
    first_operator: str | None
    operators: list[str]
    submitted_at: datetime

    @classmethod
    def of(cls, petition: Petition) -> Self:
        asked = petition.asked
        return cls(
            id=petition.id, kind=petition.kind, asset_id=petition.asset_id, version_id=petition.version_id,
            provider_id=petition.provider_id, rationale=petition.rationale, evidence_hash=petition.evidence_hash,
            strike=StrikeView.model_validate(asked) if isinstance(asked, Strike) else None,
            assessment=RiskAssessmentView.model_validate(asked) if isinstance(asked, RiskAssessment) else None,
            state=petition.state, next_actor=petition.next_actor, deadline=petition.deadline,
            reason_code=petition.reason_code, first_operator=petition.first and petition.first.operator,
            operators=list(petition.operators), submitted_at=petition.submitted_at,
        )  # fmt: skip
