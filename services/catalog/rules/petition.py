"""A petition (申请): what a provider asks the operators to grant for a version, on evidence.

Owns: the two things that are asked for (a lower grade; a risk assessment to be accepted), and the way both go.
Promises: nobody of the provider's organisation grants anything; where two persons are needed they are two, and agree
on one and the same grading; what nobody decides within its time lapses; an accepted assessment ends by itself.
Sources: Network Data Security Regulation art. 31 (the six points assessed before important data are provided); matrix
row 8 of the authorisation rules (lowering: two operators of the business, and evidence).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.catalog.rules.asset import NextActor
from services.catalog.rules.lowering import Strike
from services.catalog.rules.records import Conclusion
from services.catalog.rules.registration import DeadlinePassed, SecondPersonRequired
from services.catalog.rules.version import Version
from shared.errors import Conflict, NotFound
from shared.grades import G4, Condition, Grade
from shared.ids import AssetId, ParticipantId, PetitionId, VersionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    SUBMITTED = "submitted"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    EXPIRED = "expired"


SUBMITTED, GRANTED, REFUSED, WITHDRAWN, LAPSED, EXPIRED = State
PETITION = Lifecycle(start=SUBMITTED, moves={
    SUBMITTED: {GRANTED, REFUSED, WITHDRAWN, LAPSED},
    GRANTED:   {EXPIRED},  # an assessment, after its year; a lower grade stays
    REFUSED:   set(),
    WITHDRAWN: set(),
    LAPSED:    set(),
    EXPIRED:   set(),
})  # fmt: skip
REVIEWED_WITHIN = timedelta(days=15)
ASSESSMENT_VALID = timedelta(days=365)
TWO_PERSONS_FROM = G4
BY_PROVIDER, REVIEW_OVERDUE, ASSESSMENT_EXPIRED = "withdrawn_by_provider", "review_overdue", "assessment_expired"


class Kind(StrEnum):
    LOWERING = "lowering"
    RISK_ASSESSMENT = "risk_assessment"


@dataclass(frozen=True, slots=True)
class RiskAssessment:
    """The six points of art. 31, each answered, and what follows from them."""

    lawfulness_and_necessity: str
    risk_of_leaks_and_misuse: str
    integrity_of_recipient: str
    binding_force_of_contract: str
    technical_measures: str
    other: str
    conclusion: Conclusion
    assessor: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """The first of two operators, and the grading that they agreed to."""

    operator: str
    grade_revision: int


@dataclass(frozen=True, slots=True)
class Petition:
    """`operators`: who granted it. `evidence_hash` is SHA-256 in hex of what the provider handed in."""

    id: PetitionId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    asked: Strike | RiskAssessment
    rationale: str
    evidence_hash: str
    state: State
    submitted_at: datetime
    deadline: datetime | None
    first: Agreed | None = None
    operators: tuple[str, ...] = ()
    reason_code: str | None = None
    revision: int = 1

    @property
    def kind(self) -> Kind:
        return Kind.LOWERING if isinstance(self.asked, Strike) else Kind.RISK_ASSESSMENT

    @property
    def next_actor(self) -> NextActor | None:
        if self.state is SUBMITTED:
            return NextActor.OPERATOR
        return NextActor.PROVIDER if self.deadline else None


class NoSuchPetition(NotFound):
    """There is no such petition, or you may not see it."""


class PetitionPending(Conflict):
    """A petition of this kind is under review for this version; wait for its outcome, or withdraw it."""


def submit(
    petition_id: PetitionId, version: Version, provider_id: ParticipantId, asked: Strike | RiskAssessment,
    rationale: str, evidence_hash: str, now: datetime,
) -> Petition:  # fmt: skip
    """For a version of the provider's own. Requires that it could be granted as things stand."""
    return Petition(
        petition_id, version.asset_id, version.id, provider_id, asked, rationale, evidence_hash, PETITION.start, now,
        now + REVIEWED_WITHIN,
    )  # fmt: skip


def agree(petition: Petition, operator: str, grade: Grade, grade_revision: int, now: datetime) -> Petition:
    """After an operator's yes: granted, unless a second person must agree. `grade` is the present one.

    Requires an operator outside the provider's organisation. A first yes counts for the grading it was given to.
    """
    _in_review(petition, now)
    first = petition.first if petition.first and petition.first.grade_revision == grade_revision else None
    if first and first.operator == operator:
        raise SecondPersonRequired(grade=grade)
    if first is None and (petition.kind is Kind.RISK_ASSESSMENT or grade >= TWO_PERSONS_FROM):
        waiting = Agreed(operator, grade_revision)
        return replace(petition, first=waiting, revision=petition.revision + 1)
    ends = now + ASSESSMENT_VALID if petition.kind is Kind.RISK_ASSESSMENT else None
    operators = (first.operator, operator) if first else (operator,)
    return _move(petition, GRANTED, operators=operators, deadline=ends)


def refuse(petition: Petition, reason_code: str, now: datetime) -> Petition:
    _in_review(petition, now)
    return _move(petition, REFUSED, reason_code=reason_code, deadline=None)


def withdraw(petition: Petition, now: datetime) -> Petition:
    _in_review(petition, now)
    return _move(petition, WITHDRAWN, reason_code=BY_PROVIDER, deadline=None)


def pass_deadline(petition: Petition) -> Petition:
    """Requires that its deadline has passed."""
    if petition.state is SUBMITTED:
        return _move(petition, LAPSED, reason_code=REVIEW_OVERDUE, deadline=None)
    return _move(petition, EXPIRED, reason_code=ASSESSMENT_EXPIRED, deadline=None)


def proven(petitions: Iterable[Petition], version_id: VersionId, now: datetime) -> frozenset[Condition]:
    """What the petitions that were granted prove for a version at this moment."""
    return frozenset(
        Condition.RISK_ASSESSMENT
        for petition in petitions
        if petition.version_id == version_id and petition.state is GRANTED and petition.deadline
        and now < petition.deadline and isinstance(petition.asked, RiskAssessment)
        and petition.asked.conclusion is Conclusion.PASSED
    )  # fmt: skip


def _in_review(petition: Petition, now: datetime) -> None:
    """Raises from the deadline on: whoever acts then must not forestall what it has decided."""
    PETITION.move(petition.state, LAPSED)
    if petition.deadline and petition.deadline <= now:
        raise DeadlinePassed(overdue="petition")


def _move(petition: Petition, to: State, **changes: Any) -> Petition:
    return replace(petition, state=PETITION.move(petition.state, to), revision=petition.revision + 1, **changes)
