"""What crosses the wire of `audit`. Hashes are lowercase hex; lines are text, so that their bytes can be hashed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from services.audit.rules import question
from services.audit.rules import sampling as sampling_rules
from services.audit.rules.case import Case, Form, NextActor, Outcome, Scope, State, Step
from services.audit.rules.entry import Batch
from services.audit.rules.question import AtTime, FromSource, OneQuestionAtATime, Question
from services.audit.rules.redaction import KeyState
from services.audit.rules.redaction import State as RedactionState
from services.audit.rules.sampling import Plan, Sampling
from shared import web
from shared.facts import Retention, microseconds
from shared.grades import Grade
from shared.ids import AssetId, CaseId, ContractId, FactId, ParticipantId, RedactionId, SamplingId, UserId

EVENTS_MAX = 4_000
EVENT_LENGTH_MAX = 16 * 1024
INTEGER_MAX = 2**53 - 1
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class NewBatch(web.Request):
    """Events in a row from one stripe of a service."""

    service: Annotated[str, Field(pattern="^[a-z_]{1,32}$")]
    stripe: Annotated[int, Field(ge=0, le=2**31 - 1)]
    first_seq: Annotated[int, Field(ge=1, le=INTEGER_MAX - EVENTS_MAX)]
    prev: Hash
    events: Annotated[
        list[Annotated[str, Field(max_length=EVENT_LENGTH_MAX)]], Field(min_length=1, max_length=EVENTS_MAX)
    ]

    def batch(self) -> Batch:
        lines = tuple(line.encode() for line in self.events)
        return Batch(self.service, self.stripe, self.first_seq, bytes.fromhex(self.prev), lines)


class Receipt(web.View):
    """The log's promise to a source: these events have these places. Signed as `rules.receipt` says."""

    service: str
    stripe: int
    first_seq: int
    last_seq: int
    first_index: int
    last_index: int
    last_hash: str
    log_size: int
    issued_at: datetime
    signature: str


class SourceView(web.View):
    service: str
    stripe: int
    seq: int
    hash: str


class EntryView(web.View):
    index: int
    source: str
    event: str
    seal: str
    leaf_hash: str
    state: Literal["sequenced", "checkpointed", "witnessed"]


class EntriesView(web.View):
    """`withheld`: entries of this page that are read under a case only."""

    items: list[EntryView]
    next_after_index: int | None
    withheld: list[int] = []


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it comes in a query; a source and a time are open at an end that is not given."""

    object_id: str | None
    actor_id: str | None
    organisation_id: ParticipantId | None
    source: tuple[str | None, int | None, int | None, int | None]
    ingested: tuple[datetime | None, datetime | None]
    happened: tuple[datetime | None, datetime | None]

    def question(self) -> Question:
        """Raises OneQuestionAtATime unless it is one."""
        return question.the_one(
            question.about_objects(self.object_id) if self.object_id else None,
            question.about_actor(self.actor_id) if self.actor_id else None,
            question.about_organisation(self.organisation_id) if self.organisation_id else None,
            _source(*self.source),
            _time("ingested", *self.ingested),
            _time("happened", *self.happened),
        )


def _source(service: str | None, stripe: int | None, first_seq: int | None, last_seq: int | None) -> FromSource | None:
    if service is None:
        if not {stripe, first_seq, last_seq} <= {None}:
            raise OneQuestionAtATime()  # numbers of no source were meant to do something
        return None
    return FromSource(service, stripe or 0, first_seq or 1, last_seq or INTEGER_MAX - 1)


def _time(what: Literal["ingested", "happened"], first: datetime | None, until: datetime | None) -> AtTime | None:
    if first is None and until is None:
        return None
    return AtTime(what, microseconds(first) if first else 0, microseconds(until) if until else INTEGER_MAX)


class ProvenEntryView(EntryView):
    """With the hashes that lead from the leaf's to the root that the answer is of (RFC 9162 section 2.1.3.2)."""

    hashes: list[str]


class HeadView(web.View):
    """A leaf of the map of keys: SHA-256 of 0x12, the key's 16 bytes, last index and count as 8 bytes big-endian.
    `hashes` lead from it to the map's root."""

    position: int
    key: str
    last_index: int
    count: int
    hashes: list[str]


class ThreadView(web.View):
    """All entries that are linked by one key, the last first: each names the one before, and counts.

    `in_map` is the key's leaf in the map, or the two neighbours between which it would stand.
    """

    role: str
    name: str
    key: str
    count: int
    last_index: int | None
    in_map: list[HeadView]


class MapView(web.View):
    """The map of keys over the log's first `size` entries; the entry that tells its root."""

    size: int
    root: str
    key_count: int
    told_by: ProvenEntryView


class RangeView(web.View):
    """Indexes from `first` up to and without `end`."""

    first: int
    end: int


class ProofView(web.View):
    """Why the items of all pages are all that there are.

    `tail`: what the map does not reach. Its entries are at `log/tile/entries`, and appended to `tail_peaks`, the right
    edge of the tree before them, they give the root. `scan`: the entries that can be of the time that was asked for,
    with the ones `before` and `after` them, unless these are read under a case only.
    """

    threads: list[ThreadView]
    map: MapView | None
    tail: RangeView | None
    tail_peaks: list[str]
    scan: RangeView | None
    before: ProvenEntryView | None
    after: ProvenEntryView | None


class AnswerView(web.View):
    """All entries that answer a question, page by page, out of the log as the checkpoint signs it.

    `withheld`: which answers are read under a case only. Those below `minimum_index` are kept no longer.
    """

    size: int
    root: str
    checkpoint: str
    count: int | None
    items: list[ProvenEntryView]
    withheld: list[int]
    minimum_index: int
    next_cursor: str | None
    proof: ProofView | None


class EvidenceView(web.View):
    """Entries for whoever settles a dispute, each under the checkpoint; those that it does not sign yet are `pending`.

    `proof` shows, on the first page, how many there are as far as the map reaches.
    """

    size: int
    checkpoint: str | None
    entries: list[ProvenEntryView]
    pending: list[int]
    proof: ProofView | None
    next_after_index: int | None


class EvidenceFileView(web.View):
    """An evidence bundle, in base64."""

    content: str


class FactPlaceView(web.View):
    index: int
    state: Literal["sequenced", "checkpointed", "witnessed"]


class InclusionView(web.View):
    """Verifies with RFC 9162 section 2.1.3.2."""

    index: int
    size: int
    leaf_hash: str
    root: str
    hashes: list[str]


class ConsistencyView(web.View):
    """Verifies with RFC 9162 section 2.1.4.2."""

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]


Words = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
LegalBasis = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
ReasonCode = Annotated[str, Field(pattern="^[a-z][a-z_]{0,63}$")]
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


Name = Annotated[str, Field(pattern="^[a-z][a-z_]{0,63}$")]
SubjectId = Annotated[str, Field(pattern="^(user|client|participant)_[0-9a-f]{32}$")]


class NewDisclosure(web.Request):
    """What a service's own commitment stands for: kept sealed, under the key of its subject and purpose."""

    fact_id: FactId
    name: Name
    value: Annotated[str, Field(min_length=1, max_length=4_000)]
    salt: Hash
    subject: SubjectId
    purpose: Name


class FieldView(web.View):
    """A committed field of an entry."""

    index: int
    name: str


class OpenedFieldView(web.View):
    """承诺字段 · A committed field as a case opens it: with value and salt, which anyone can check, or why without."""

    name: str
    commitment: str
    state: Literal["disclosed", "withheld", "restricted", "erased"]
    value: str | None
    salt: str | None


class NewRedaction(web.Request):
    """删除 · What is kept of a subject for a purpose is to be restricted, or, once it is restricted, erased."""

    subject: SubjectId
    purpose: Name
    to: Literal["restricted", "erased"]
    legal_basis: LegalBasis
    reason: Words

    def told(self) -> tuple[str, str, KeyState, str, str]:
        return self.subject, self.purpose, KeyState(self.to), self.legal_basis, self.reason


class RedactionRefusal(web.Request):
    reason_code: ReasonCode
    reason: Words


class RedactionView(web.View):
    id: RedactionId
    state: RedactionState
    next_actor: str | None
    deadline: datetime | None
    subject: str
    purpose: str
    to: KeyState
    legal_basis: str
    reason: str
    proposed_by: str
    decided_by: str | None
    reason_code: str | None
    field_count: int | None
    revision: int


class RedactionCountView(web.View):
    """At how many redactions that were done an operator had a hand."""

    operator: str
    count: int


class RetentionView(web.View):
    """存证期限 · For each class the days that an entry is kept (none: without end), and from which index on all are."""

    policy_id: str
    days: dict[Retention, int | None]
    minimum_index: int
