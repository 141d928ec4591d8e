"""What happens to users, API clients, their keys, and signing keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from services.identity.events.kinds import AdmissionFact
from services.identity.rules.role import Role
from shared.ids import (
    ApiClientId,
    ClientKeyId,
    InvitationId,
    KeyId,
    ParticipantId,
    UserId,
)


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
class AccountDormant(AdmissionFact):
    """Nobody has used a log-in or a program for long. It is told of once, until it is used again."""

    subject: str  # a user, or an API client
    used_at: datetime
    participant_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class UserEnabled(AdmissionFact):
    """A person who was locked out may log in again."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class AdministratorChanged(AdmissionFact):
    """A person administers their organisation from now on, or no longer."""

    user_id: UserId
    is_administrator: bool


@dataclass(frozen=True, slots=True)
class PersonInvited(AdmissionFact):
    """An organisation opens a way in for one person; who that is, it tells them alone."""

    invitation_id: InvitationId
    participant_id: ParticipantId
    roles: frozenset[Role]
    is_administrator: bool


@dataclass(frozen=True, slots=True)
class InvitationEnded(AdmissionFact):
    """A way in was used by a person, or is closed."""

    invitation_id: InvitationId
    participant_id: ParticipantId
    reason_code: str
    user_id: UserId | None = None


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
