"""The facts that `identity` announces. Every service's mirror of standing is folded from them (shared/standing.py).

Promises: the facts on one participant are in the order of its revisions, whichever stripes they stand in; no name,
contact or log-in of a person is told in clear; an organisation's name and credit code are, for they are public. A
log-in name that was tried in vain is a commitment under a key of this service: the same name looks the same each time,
and only this service can say whether it was a given one.
"""

from dataclasses import dataclass
from typing import ClassVar

from services.identity.rules.participant import Participant
from services.identity.rules.role import Role
from shared.facts import Category, Commitment, Fact, Outcome, Retention
from shared.grades import Clearance
from shared.ids import ApiClientId, KeyId, ParticipantId, TokenFamilyId, UserId


class Admission(Fact):
    """About who takes part, and trusted with what."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ADMISSION


class Access(Fact):
    """About who was let in."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY


@dataclass(frozen=True, slots=True)
class ParticipantApplied(Admission):
    participant_id: ParticipantId
    revision: int
    name: str
    uscc: str
    roles: frozenset[Role]

    @classmethod
    def of(cls, participant: Participant) -> "ParticipantApplied":
        return cls(participant.id, participant.revision, participant.name, participant.uscc, participant.roles)


@dataclass(frozen=True, slots=True)
class ClearanceProposed(Admission):
    participant_id: ParticipantId
    revision: int
    clearance: Clearance
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantAdmitted(Admission):
    participant_id: ParticipantId
    revision: int
    roles: frozenset[Role]
    clearance: Clearance
    reason: str


@dataclass(frozen=True, slots=True)
class ClearanceChanged(Admission):
    participant_id: ParticipantId
    revision: int
    clearance: Clearance
    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantRefused(Admission):
    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None  # none where a deadline decided


@dataclass(frozen=True, slots=True)
class ParticipantSuspended(Admission):
    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ParticipantReinstated(Admission):
    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ParticipantExited(Admission):
    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AffiliationDeclared(Admission):
    participant_id: ParticipantId
    affiliate_id: ParticipantId


@dataclass(frozen=True, slots=True)
class UserCreated(Admission):
    user_id: UserId
    roles: frozenset[Role]
    is_administrator: bool
    participant_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class UserDisabled(Admission):
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ApiClientCreated(Admission):
    api_client_id: ApiClientId
    participant_id: ParticipantId
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class ApiClientDisabled(Admission):
    api_client_id: ApiClientId


@dataclass(frozen=True, slots=True)
class SigningKeyRegistered(Admission):
    participant_id: ParticipantId
    key_id: KeyId
    algorithm: str
    public_key: str


@dataclass(frozen=True, slots=True)
class SigningKeyRevoked(Admission):
    participant_id: ParticipantId
    key_id: KeyId


@dataclass(frozen=True, slots=True)
class TokenIssued(Access):
    subject: str
    grant: str
    audience: str


@dataclass(frozen=True, slots=True)
class TokenFamilyRevoked(Access):
    user_id: UserId
    family_id: TokenFamilyId
    reason_code: str


@dataclass(frozen=True, slots=True)
class LogInRefused(Access):
    outcome: ClassVar[Outcome] = "deny"
    login: Commitment
    reason_code: str
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class ClientRefused(Access):
    outcome: ClassVar[Outcome] = "deny"
    subject: str
    reason_code: str
