"""What crosses the wire about users, API clients and signing keys.

Promises: a password is never shown, not even by accident; a client's secret is shown once.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from services.identity.rules.client_key import Algorithm
from services.identity.rules.role import Role
from services.identity.rules.user import PASSWORD_LENGTH_MAX
from services.identity.schemas.participants import ParticipantView
from services.identity.schemas.words import Login, Name, Password, TradingRoles
from shared.assertion import check_key
from shared.ids import ApiClientId, ClientKeyId, KeyId, ParticipantId, TokenFamilyId, UserId
from shared.signing import public_key_of
from shared.web import Request, View


def _public_key(text: str) -> str:
    public_key_of(text)
    return text


Coordinate = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
Told = Annotated[SecretStr, Field(min_length=1, max_length=4 * PASSWORD_LENGTH_MAX)]
Code = Annotated[SecretStr, Field(min_length=1, max_length=64)]
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


class Jwk(Request):
    """A public key on P-256 (RFC 7518 6.2), or of Ed25519 (RFC 8037), which has no `y`. What else a JWK may hold is not
    taken, a private half least of all."""

    kty: Literal["EC", "OKP"]
    crv: Literal["P-256", "Ed25519"]
    x: Coordinate
    y: Coordinate | None = None

    @model_validator(mode="after")
    def _is_on_its_curve(self) -> Self:
        check_key(self.members())
        return self

    def members(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


class NewClientKey(Request):
    jwk: Jwk


class Proof(Request):
    """What a log-in takes, beside the name."""

    password: Told
    code: Code | None = None


class FirstCode(Request):
    code: Code


class NewPassword(Request):
    old_password: Told
    new_password: Password
    code: Code | None = None


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


class ClientKeyView(View):
    """`thumbprint` is the `kid` that an assertion names."""

    id: ClientKeyId
    client_id: ApiClientId
    algorithm: Algorithm
    thumbprint: str
    registered_at: datetime
    revoked_at: datetime | None


class FactorView(View):
    """`confirmed_at` is since when a log-in needs a code; `pending_until`, until when a new secret waits for one."""

    confirmed_at: datetime | None
    pending_until: datetime | None
    recovery_codes_left: int


class EnrolmentView(FactorView):
    """The URI, with the secret in it, is in the first answer only. If that was lost, enrol again."""

    otpauth_uri: str | None = None


class ConfirmationView(FactorView):
    """The recovery codes are in the first answer only, each good once. If that was lost, enrol again."""

    recovery_codes: list[str] | None = None


class SessionView(View):
    """One log-in, and what grew from it. `authenticated_at` is when the password and the code last came."""

    id: TokenFamilyId
    authenticated_by: str
    authenticated_at: datetime | None
    expires_at: datetime
    is_this: bool = False


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
