"""The facts that `identity` announces. Every service's mirror of standing is folded from them (shared/standing.py).

Promises: the facts on one participant are in the order of its revisions, whichever stripes they stand in; no name,
contact or log-in of a person is told in clear; an organisation's name and credit code are, for they are public. A
log-in name that was tried in vain is a commitment. That of a user has a salt of its own and is disclosed to the keeper
of the log, who opens it in a case and can erase it. A name that nobody has may be a password in the wrong field: it is
kept nowhere, and committed to under a key of this service, so that it looks the same each time.
"""

from dataclasses import dataclass
from typing import ClassVar

from services.identity.rules.participant import Participant
from services.identity.rules.role import Role
from shared.facts import Category, Commitment, Fact, Outcome, Retention
from shared.grades import Clearance
from shared.ids import ApiClientId, ClientKeyId, FactId, KeyId, ParticipantId, TokenFamilyId, UserId


class AdmissionFact(Fact):
    """About who takes part, and trusted with what."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ADMISSION


class AccessFact(Fact):
    """About who was let in."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY


@dataclass(frozen=True, slots=True)
class ParticipantApplied(AdmissionFact):
    """An organisation asks to be admitted, in the roles it wants."""

    participant_id: ParticipantId
    revision: int
    name: str
    uscc: str
    roles: frozenset[Role]

    @classmethod
    def of(cls, participant: Participant) -> "ParticipantApplied":
        return cls(participant.id, participant.revision, participant.name, participant.uscc, participant.roles)


@dataclass(frozen=True, slots=True)
class ClearanceProposed(AdmissionFact):
    """The first of two operators names a clearance; the second decides."""

    participant_id: ParticipantId
    revision: int
    clearance: Clearance
    reason: str


@dataclass(frozen=True, slots=True)
class ParticipantAdmitted(AdmissionFact):
    """An organisation may take part, in these roles and with this clearance."""

    participant_id: ParticipantId
    revision: int
    roles: frozenset[Role]
    clearance: Clearance
    reason: str


@dataclass(frozen=True, slots=True)
class ClearanceChanged(AdmissionFact):
    """A participant is trusted with more, or with less, from now on."""

    participant_id: ParticipantId
    revision: int
    clearance: Clearance
    reason_code: str
    reason: str


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
    """A suspended participant may act again."""

    participant_id: ParticipantId
    revision: int
    reason_code: str
    reason: str | None = None


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
class UserCreated(AdmissionFact):
    """A person may log in: for a participant, or as staff of the exchange."""

    user_id: UserId
    roles: frozenset[Role]
    is_administrator: bool
    participant_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class UserDisabled(AdmissionFact):
    """A person may log in no longer."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class ApiClientCreated(AdmissionFact):
    """A participant's own program may act for it."""

    api_client_id: ApiClientId
    participant_id: ParticipantId
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class ApiClientDisabled(AdmissionFact):
    """A program may act for its participant no longer."""

    api_client_id: ApiClientId


@dataclass(frozen=True, slots=True)
class SecondFactorEnrolled(AccessFact):
    """A person's log-in needs a code from now on, or one of another authenticator than before."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class SecondFactorRefused(AccessFact):
    """The first code of a new second factor was not right."""

    outcome: ClassVar[Outcome] = "deny"
    user_id: UserId


@dataclass(frozen=True, slots=True)
class SecondFactorReset(AccessFact):
    """Somebody else took a person's second factor away: it was lost, or says so who asked."""

    is_high_risk: ClassVar[bool] = True
    user_id: UserId


@dataclass(frozen=True, slots=True)
class PasswordChanged(AccessFact):
    """A person has a new password, by the old one."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class ClientKeyRegistered(AdmissionFact):
    """A participant's program shows who it is by this key; the thumbprint is its name (RFC 7638)."""

    is_high_risk: ClassVar[bool] = True
    api_client_id: ApiClientId
    client_key_id: ClientKeyId
    algorithm: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class ClientKeyRevoked(AdmissionFact):
    """What is signed with this key from now on lets no program in."""

    api_client_id: ApiClientId
    client_key_id: ClientKeyId


@dataclass(frozen=True, slots=True)
class SigningKeyRegistered(AdmissionFact):
    """A participant signs its contracts with this key."""

    is_high_risk: ClassVar[bool] = True
    participant_id: ParticipantId
    key_id: KeyId
    algorithm: str
    public_key: str


@dataclass(frozen=True, slots=True)
class SigningKeyRevoked(AdmissionFact):
    """What is signed with this key from now on does not count."""

    participant_id: ParticipantId
    key_id: KeyId


@dataclass(frozen=True, slots=True)
class TokenIssued(AccessFact):
    """A user, a program or a service was let in."""

    subject: str
    grant: str
    audience: str


@dataclass(frozen=True, slots=True)
class TokenFamilyRevoked(AccessFact):
    """A session has ended, with every token of it."""

    user_id: UserId
    family_id: TokenFamilyId
    reason_code: str


@dataclass(frozen=True, slots=True)
class LogInRefused(AccessFact):
    """Somebody tried to log in, in vain."""

    outcome: ClassVar[Outcome] = "deny"
    login: Commitment
    reason_code: str
    user_id: UserId | None = None
    fact_id: FactId | None = None


@dataclass(frozen=True, slots=True)
class ClientRefused(AccessFact):
    """A program or a service tried to get a token, in vain."""

    outcome: ClassVar[Outcome] = "deny"
    subject: str
    reason_code: str
