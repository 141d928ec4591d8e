"""The facts that `audit` announces. They go into its own log by its own outbox, like everyone's.

A checkpoint is no fact: a log that told of each of its checkpoints would grow for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from services.audit.rules.case import Case, Outcome, State
from services.audit.rules.handover import Handover
from services.audit.rules.redaction import Field, KeyState, Redaction
from services.audit.rules.sampling import Sampling
from shared.facts import Category, Fact, Retention
from shared.grades import Grade
from shared.ids import (
    AssetId,
    CaseId,
    ContractId,
    EvidenceId,
    FactId,
    ParticipantId,
    RedactionId,
    SamplingId,
)

AlertKind = Literal[
    "source_equivocates",         # another event under a number that the log has: `evidence_id` says where it is kept
    "source_contradicts_itself",  # a sign of life that is not of the chain in the log
    "counts_differ",              # the source recorded others, or more or fewer, than the log has
    "source_silent",              # no sign of life for too long
    "witness_silent",             # a witness gives no word
    "witness_contradicts",        # a witness has seen another log
    "log_altered",                # what is kept is not what was signed
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlertRaised(Fact):
    """Something is wrong that a person must look at; the evidence is kept."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    kind: AlertKind
    evidence_id: EvidenceId | None = None
    service: str | None = None
    stripe: int | None = None
    seq: int | None = None
    known_hash: str | None = None
    sent_hash: str | None = None
    witness: str | None = None
    size: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class SourceReconciled(Fact):
    """A source's count of what it recorded, held against the log's: so many there, so many here."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    verdict: Literal["ok", "mismatch"]
    service: str
    stripe: int
    first_seq: int
    last_seq: int
    told_count: int
    log_count: int
    log_ids_hash: str


@dataclass(frozen=True, slots=True)
class EntriesRead(Fact):
    """A supervisor looked at entries: which were asked for, and which were shown.

    Whom they asked about is told as text: it is not filed under them.
    """

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    count: int
    first_index: int | None = None
    last_index: int | None = None
    sought_fact_id: FactId | None = None
    object_id: str | None = None
    organisation_id: str | None = None
    case_id: CaseId | None = None


@dataclass(frozen=True, slots=True)
class QueryAnswered(Fact):
    """Someone was given entries, with proof that they are all: what was asked, of how large a log, what was shown.

    What was sought is told as text: to have been asked about is nothing that happens to a thing.
    """

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    sought: str
    size: int
    shown: int
    first_index: int | None = None
    last_index: int | None = None


@dataclass(frozen=True, slots=True)
class EvidenceExported(Fact):
    """An answer was given out as a bundle that is checked offline, with or without the entries behind the map."""

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    sought: str
    size: int
    root: str
    has_tail: bool


@dataclass(frozen=True, slots=True)
class IndexSnapshot(Fact):
    """The map of all keys over the log's first `size` entries, and how late these entries came at least and at most."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    size: int
    root: str
    key_count: int
    fact_id: FactId
    lag_least_us: int | None = None
    lag_most_us: int | None = None


@dataclass(frozen=True, slots=True)
class BundleExported(Fact):
    """The log up to a checkpoint was given out: all of its entries, or an excerpt."""

    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    size: int
    root: str
    case_id: CaseId | None = None
    is_excerpt: bool | None = None


class CaseFact(Fact):
    """About what an authority looks into. Whom it looks at stands in the body alone, so that no entry is filed under
    them: they learn of a case from the authority, not from the log."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ACCESS


@dataclass(frozen=True, slots=True)
class CaseOpened(CaseFact):
    """A regulator opened a case. From G5 it waits for a second one."""

    case_id: CaseId
    purpose: str
    legal_basis: str
    participants: frozenset[ParticipantId]
    assets: frozenset[AssetId]
    contracts: frozenset[ContractId]
    since: datetime
    until: datetime
    highest: Grade
    is_whole_log: bool
    officers: frozenset[str]
    expires_at: datetime
    state: State
    deadline: datetime | None

    @classmethod
    def of(cls, case: Case) -> "CaseOpened":
        form, scope = case.form, case.form.scope
        return cls(
            case.id, form.purpose, form.legal_basis, scope.participants, scope.assets, scope.contracts, scope.since,
            scope.until, scope.highest, scope.is_whole_log, form.officers, form.expires_at, case.state, case.deadline,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseApproved(CaseFact):
    """A second regulator agreed to a case's scope."""

    case_id: CaseId
    revision: int
    reason: str


@dataclass(frozen=True, slots=True)
class CaseRefused(CaseFact):
    """A case was not agreed to."""

    case_id: CaseId
    revision: int
    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseExtended(CaseFact):
    """A case got more time."""

    case_id: CaseId
    revision: int
    expires_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class CaseClosed(CaseFact):
    """A case ended with a finding."""

    case_id: CaseId
    revision: int
    finding: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class CaseEnded(CaseFact):
    """A case's time was up."""

    case_id: CaseId
    revision: int
    state: State
    reason_code: str


@dataclass(frozen=True, slots=True)
class SamplingCommitted(Fact):
    """What will be drawn from what, and the hash of the seed that is not told yet."""

    category: ClassVar[Category] = Category.ACCESS
    fact_id: FactId
    sampling_id: SamplingId
    purpose: str
    legal_basis: str
    subjects: tuple[ParticipantId, ...]
    inspectors: tuple[str, ...]
    subject_count: int
    inspectors_each: int
    seed_hash: str
    deadline: datetime | None

    @classmethod
    def of(cls, sampling: Sampling) -> "SamplingCommitted":
        wanted = sampling.plan
        return cls(
            sampling.fact_id, sampling.id, wanted.purpose, wanted.legal_basis, wanted.subjects, wanted.inspectors,
            wanted.subject_count, wanted.inspectors_each, sampling.seed_hash, sampling.deadline,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SamplingDrawn(Fact):
    """The seed and the checkpoint whose root was mixed in: with these and the commitment anyone draws again. Of who
    inspects whom the hash stands here, for all those names would not fit."""

    category: ClassVar[Category] = Category.ACCESS
    sampling_id: SamplingId
    seed: str
    beacon_size: int
    beacon_root: str
    subjects: tuple[ParticipantId, ...]
    assignments_hash: str


@dataclass(frozen=True, slots=True)
class SamplingLapsed(Fact):
    """The log signed nothing in time, so that nothing was drawn."""

    category: ClassVar[Category] = Category.ACCESS
    sampling_id: SamplingId
    reason_code: str


@dataclass(frozen=True, slots=True)
class FieldsOpened(CaseFact):
    """A regulator was shown what stands behind commitments of an entry; which were open to them."""

    case_id: CaseId
    index: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogKeyAnnounced(Fact):
    """The log's key will be followed by another: both signed that it is so (`rules.handover`)."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    key_before: str
    key_after: str
    announced_at: datetime
    signature_before: str
    signature_after: str

    @classmethod
    def of(cls, announced: Handover) -> "LogKeyAnnounced":
        keys = (announced.before.text(), announced.after.text())
        return cls(*keys, announced.at, announced.signature_before.hex(), announced.signature_after.hex())


@dataclass(frozen=True, slots=True)
class LogPruned(Fact):
    """The entries below an index are kept no longer, by this policy; their hashes are. A later one says at least as
    much, so that this need not outlast it."""

    category: ClassVar[Category] = Category.SYSTEM
    retention: ClassVar[Retention] = Retention.SECURITY
    policy_id: str
    from_index: int
    minimum_index: int


@dataclass(frozen=True, slots=True)
class RedactionProposed(Fact):
    """The first of two persons asks that what is kept of a subject for a purpose be restricted, or erased."""

    category: ClassVar[Category] = Category.ACCESS
    redaction_id: RedactionId
    subject: str
    purpose: str
    to: KeyState
    legal_basis: str
    reason: str
    deadline: datetime | None

    @classmethod
    def of(cls, proposed: Redaction) -> "RedactionProposed":
        return cls(
            proposed.id, proposed.subject, proposed.purpose, proposed.to, proposed.legal_basis, proposed.reason,
            proposed.deadline,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RedactionDone(Fact):
    """The second person agreed, and so it was done: to these fields of these entries, and to nothing else of them."""

    category: ClassVar[Category] = Category.ACCESS
    redaction_id: RedactionId
    state: KeyState
    legal_basis: str
    proposed_by: str
    decided_by: str
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, done: Redaction, fields: Sequence[Field]) -> "RedactionDone":
        who = (done.proposed_by, str(done.decided_by))
        return cls(done.id, done.to, done.legal_basis, *who, tuple(fields))


@dataclass(frozen=True, slots=True)
class RedactionRefused(Fact):
    """The second person did not agree."""

    category: ClassVar[Category] = Category.ACCESS
    redaction_id: RedactionId
    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class RedactionLapsed(Fact):
    """Nobody decided on a redaction in time."""

    category: ClassVar[Category] = Category.ACCESS
    redaction_id: RedactionId
    reason_code: str
