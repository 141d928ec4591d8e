"""What happens to participants: admission, its documents, standing, clearance, affiliates and delegations."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.identity.events.kinds import AdmissionFact
from services.identity.rules.delegation import Mandate
from services.identity.rules.document import Document, Kind, Method
from services.identity.rules.merchant import MerchantClass, catalogue_at
from services.identity.rules.participant import Participant
from services.identity.rules.role import Role
from shared.delegation import Limits
from shared.grades import Clearance
from shared.ids import (
    DelegationId,
    DocumentId,
    ParticipantId,
)


@dataclass(frozen=True, slots=True)
class ParticipantApplied(AdmissionFact):
    """An organisation asks to be admitted, in the roles it wants."""

    schema_version: ClassVar[int] = 2  # from the second on, `classes`
    participant_id: ParticipantId
    revision: int
    name: str
    uscc: str
    roles: frozenset[Role]
    classes: frozenset[MerchantClass]

    @classmethod
    def of(cls, applied: Participant) -> Self:
        return cls(applied.id, applied.revision, applied.name, applied.uscc, applied.roles, applied.classes)


@dataclass(frozen=True, slots=True)
class ClearanceProposed(AdmissionFact):
    """The first of two operators names a clearance; the second decides."""

    participant_id: ParticipantId
    revision: int
    clearance: Clearance
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantAdmitted(AdmissionFact):
    """An organisation may take part, in these roles and with this clearance, until it must be verified anew."""

    schema_version: ClassVar[int] = 2  # from the second on, the members below `reason`
    participant_id: ParticipantId
    revision: int
    roles: frozenset[Role]
    clearance: Clearance
    reason: str
    classes: frozenset[MerchantClass]
    catalogue: str  # the version of the rules that say what it had to prove
    verified_until: datetime

    @classmethod
    def of(cls, admitted: Participant, reason: str, now: datetime) -> Self:
        assert admitted.clearance and admitted.verified_until
        return cls(
            admitted.id, admitted.revision, admitted.roles, admitted.clearance, reason, admitted.classes,
            catalogue_at(now).version, admitted.verified_until,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClearanceChanged(AdmissionFact):
    """A participant is trusted with more, or with less, from now on; or with the same for longer."""

    schema_version: ClassVar[int] = 2  # from the second on, `verified_until`
    participant_id: ParticipantId
    revision: int
    clearance: Clearance
    reason_code: str
    reason: str
    verified_until: datetime | None = None  # none while it is suspended


@dataclass(frozen=True, slots=True)
class VerificationShortened(AdmissionFact):
    """A participant is admitted for less long than it was, for a newer proof ends earlier, or its sponsor is gone."""

    participant_id: ParticipantId
    revision: int
    verified_until: datetime


@dataclass(frozen=True, slots=True)
class VerificationDue(AdmissionFact):
    """A participant was told that its verification is about to expire."""

    participant_id: ParticipantId
    verified_until: datetime


@dataclass(frozen=True, slots=True)
class DocumentFiled(AdmissionFact):
    """An organisation shows something for its admission; of a person's identity, no more than that it does."""

    participant_id: ParticipantId
    document_id: DocumentId
    kind: Kind
    content_hash: str | None
    issued_at: datetime | None
    valid_until: datetime | None

    @classmethod
    def of(cls, filed: Document) -> Self:
        return cls(
            filed.participant_id, filed.id, filed.kind, filed.content_hash, filed.issued_at, filed.valid_until
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DocumentChecked(AdmissionFact):
    """A document was looked at, and found to prove what it should until then, or not to."""

    participant_id: ParticipantId
    document_id: DocumentId
    kind: Kind
    method: Method
    passed: bool
    reference: str
    reason_code: str | None
    proven_until: datetime | None

    @classmethod
    def of(cls, checked: Document) -> Self:
        found = checked.check
        assert found
        return cls(
            checked.participant_id, checked.id, checked.kind, found.method, found.passed, found.reference,
            checked.reason_code, checked.deadline,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DocumentEnded(AdmissionFact):
    """A document proves nothing any more: its time is up, or a newer one stands in its place."""

    participant_id: ParticipantId
    document_id: DocumentId
    kind: Kind
    reason_code: str

    @classmethod
    def of(cls, ended: Document) -> Self:
        return cls(ended.participant_id, ended.id, ended.kind, ended.reason_code or "")


@dataclass(frozen=True, slots=True)
class ParticipantRefused(AdmissionFact):
    """An organisation was not admitted."""

    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None  # none where a deadline decided


@dataclass(frozen=True, slots=True)
class ParticipantSuspended(AdmissionFact):
    """A participant may do nothing new for the time being."""

    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ParticipantReinstated(AdmissionFact):
    """A suspended participant may act again, until it must be verified anew."""

    schema_version: ClassVar[int] = 2  # from the second on, `verified_until`
    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str
    verified_until: datetime | None


@dataclass(frozen=True, slots=True)
class ParticipantExited(AdmissionFact):
    """A participant takes part no longer."""

    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AffiliationDeclared(AdmissionFact):
    """Two participants are on record as affiliates of each other."""

    participant_id: ParticipantId
    affiliate_id: ParticipantId


@dataclass(frozen=True, slots=True)
class DelegationTold(AdmissionFact):
    """What one organisation lets another do in its name."""

    delegation_id: DelegationId
    principal_id: ParticipantId
    agent_id: ParticipantId
    limits: Limits

    @classmethod
    def of(cls, told: Mandate) -> Self:
        return cls(told.id, told.terms.principal_id, told.terms.agent_id, told.terms.limits)


class DelegationProposed(DelegationTold):
    """An organisation asks another to act for it."""

    __slots__ = ()


class DelegationAccepted(DelegationTold):
    """An organisation acts for another from now on, within these limits."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class DelegationEnded(AdmissionFact):
    """An organisation acts for another no longer, or never did."""

    delegation_id: DelegationId
    principal_id: ParticipantId
    agent_id: ParticipantId
    reason_code: str

    @classmethod
    def of(cls, ended: Mandate) -> Self:
        return cls(ended.id, ended.terms.principal_id, ended.terms.agent_id, ended.reason_code or "")
