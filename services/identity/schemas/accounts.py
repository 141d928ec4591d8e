"""What crosses the wire about users, API clients and signing keys.

Promises: a password is never shown, not even by accident; a client's secret is shown once.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.identity.rules.role import Role
from services.identity.schemas.participants import ParticipantView
from services.identity.schemas.words import Login, Name, Password, TradingRoles
from shared.ids import ApiClientId, KeyId, ParticipantId, UserId
from shared.signing import public_key_of
from shared.web import Request, View


def _public_key(text: str) -> str:
    public_key_of(text)
    return text


PublicKey = Annotated[str, Field(min_length=44, max_length=44), AfterValidator(_public_key)]


class NewUser(Request):
    login: Login
    password: Password
    roles: TradingRoles


class NewClient(Request):
    name: Name
    roles: TradingRoles


class NewSigningKey(Request):
    algorithm: Literal["ed25519"]
    public_key: PublicKey


class UserView(View):
    id: UserId
    login: str
    roles: list[Role]
    participant_id: ParticipantId | None
    is_administrator: bool
    disabled_at: datetime | None


class ClientView(View):
    client_id: ApiClientId = Field(validation_alias="id")
    participant_id: ParticipantId
    name: str
    roles: list[Role]
    disabled_at: datetime | None


class NewClientView(ClientView):
    """The secret is in the first answer only. If that was lost, disable the client and make another."""

    client_secret: str | None = None


class SigningKeyView(View):
    id: KeyId
    participant_id: ParticipantId
    algorithm: Literal["ed25519"]
    public_key: str
    registered_at: datetime
    revoked_at: datetime | None


class MeView(View):
    """Whom a token speaks for, and how their organisation stands now."""

    subject: str
    kind: str
    roles: list[str]
    login: str | None
    is_administrator: bool
    participant: ParticipantView | None
