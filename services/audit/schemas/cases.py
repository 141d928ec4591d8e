"""Regulators' cases and inspections by lot, as they are sent and shown."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.audit.rules import sampling as sampling_rules
from services.audit.rules.case import Case, Form, NextActor, Outcome, Scope, State, Step
from services.audit.rules.sampling import Plan, Sampling
from services.audit.schemas.words import LegalBasis, ReasonCode, Words
from shared import web
from shared.grades import Grade
from shared.ids import AssetId, CaseId, ContractId, ParticipantId, SamplingId, UserId

NAMED_MAX = 50  # of each kind: a case's scope stands in one fact of 16 KiB


class CaseScope(web.Request):
    """范围 · Entries of events in a time, on data up to a grade, that name one of these; or all of them, where the
    whole log is the matter."""

    participant_ids: Annotated[list[ParticipantId], Field(max_length=NAMED_MAX)] = []
    asset_ids: Annotated[list[AssetId], Field(max_length=NAMED_MAX)] = []
    contract_ids: Annotated[list[ContractId], Field(max_length=NAMED_MAX)] = []
    since: web.Moment
    until: web.Moment
    highest_grade: Annotated[Grade, Field(strict=False)]
    is_whole_log: bool = False

    def scope(self) -> Scope:
        named = (frozenset(self.participant_ids), frozenset(self.asset_ids), frozenset(self.contract_ids))
        return Scope(*named, self.since, self.until, self.highest_grade, self.is_whole_log)


class NewCase(web.Request):
    """立案 · What is looked into, on which basis, in which of the log's entries, until when, and who else may read."""

    purpose: Words
    legal_basis: LegalBasis
    scope: CaseScope
    expires_at: web.Moment
    officer_ids: Annotated[list[UserId], Field(max_length=20)] = []

    def form(self) -> Form:
        officers = frozenset(str(each) for each in self.officer_ids)
        return Form(self.purpose, self.legal_basis, self.scope.scope(), self.expires_at, officers)


class CaseApproval(web.Request):
    reason: Words


class CaseRefusal(web.Request):
    reason_code: ReasonCode
    reason: Words


class CaseExtension(web.Request):
    expires_at: web.Moment
    reason: Words


class CaseClosing(web.Request):
    """结案 · What was found, and why."""

    outcome: Annotated[Outcome, Field(strict=False)]
    finding: Words


class ScopeView(web.View):
    participant_ids: list[ParticipantId]
    asset_ids: list[AssetId]
    contract_ids: list[ContractId]
    since: datetime
    until: datetime
    highest_grade: Grade
    is_whole_log: bool


class CaseStepView(web.View):
    step: Step
    at: datetime
    by: str
    reason: str


class CaseView(web.View):
    """案件 · A case, and who acts on it next, until when."""

    id: CaseId
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    expires_at: datetime
    purpose: str
    legal_basis: str
    scope: ScopeView
    opened_by: str
    approved_by: str | None
    officers: list[str]
    outcome: Outcome | None
    reason_code: str | None
    steps: list[CaseStepView]
    revision: int

    @classmethod
    def of(cls, case: Case) -> "CaseView":
        scope = case.form.scope
        seen = ScopeView(
            participant_ids=sorted(scope.participants), asset_ids=sorted(scope.assets),
            contract_ids=sorted(scope.contracts), since=scope.since, until=scope.until, highest_grade=scope.highest,
            is_whole_log=scope.is_whole_log,
        )  # fmt: skip
        return cls(
            id=case.id, state=case.state, next_actor=case.next_actor, deadline=case.deadline,
            expires_at=case.expires_at, purpose=case.form.purpose, legal_basis=case.form.legal_basis, scope=seen,
            opened_by=case.opened_by, approved_by=case.approved_by, officers=sorted(case.form.officers),
            outcome=case.outcome, reason_code=case.reason_code, revision=case.revision,
            steps=[CaseStepView.model_validate(each) for each in case.steps],
        )  # fmt: skip


class NewSampling(web.Request):
    """双随机抽查 · Whom to draw from, who inspects, and how many of each."""

    purpose: Words
    legal_basis: LegalBasis
    subject_ids: Annotated[list[ParticipantId], Field(min_length=1, max_length=sampling_rules.SUBJECTS_MAX)]
    inspector_ids: Annotated[list[UserId], Field(min_length=1, max_length=sampling_rules.INSPECTORS_MAX)]
    subject_count: Annotated[int, Field(ge=1, le=sampling_rules.SUBJECTS_MAX)]
    inspectors_each: Annotated[int, Field(ge=1, le=sampling_rules.INSPECTORS_MAX)]

    def plan(self) -> Plan:
        counts = (self.subject_count, self.inspectors_each)
        inspectors = [str(each) for each in self.inspector_ids]
        return sampling_rules.plan(self.purpose, self.legal_basis, self.subject_ids, inspectors, *counts)


class AssignmentView(web.View):
    subject: ParticipantId
    inspectors: list[str]


class SamplingView(web.View):
    """The seed is told with the draw, its hash before."""

    id: SamplingId
    state: sampling_rules.State
    next_actor: str | None
    deadline: datetime | None
    purpose: str
    legal_basis: str
    subject_ids: list[ParticipantId]
    inspector_ids: list[str]
    subject_count: int
    inspectors_each: int
    seed_hash: str
    seed: str | None
    beacon_size: int | None
    beacon_root: str | None
    drawn: list[AssignmentView]
    reason_code: str | None

    @classmethod
    def of(cls, sampling: Sampling) -> "SamplingView":
        wanted, is_drawn = sampling.plan, sampling.state is sampling_rules.State.DRAWN
        return cls(
            id=sampling.id, state=sampling.state, next_actor=sampling.next_actor, deadline=sampling.deadline,
            purpose=wanted.purpose, legal_basis=wanted.legal_basis, subject_ids=list(wanted.subjects),
            inspector_ids=list(wanted.inspectors), subject_count=wanted.subject_count,
            inspectors_each=wanted.inspectors_each, seed_hash=sampling.seed_hash,
            seed=sampling.seed if is_drawn else None, beacon_size=sampling.beacon_size,
            beacon_root=sampling.beacon_root, reason_code=sampling.reason_code,
            drawn=[AssignmentView(subject=each.subject, inspectors=list(each.inspectors)) for each in sampling.drawn],
        )  # fmt: skip
