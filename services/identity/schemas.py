"""What crosses the wire of `identity`.

Promises: a credit code that passes has the form and the check digit of GB 32100-2015; a password is never shown, not
even by accident; a token request has exactly the fields of its grant, each once.
"""

from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar
from unicodedata import category
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationError
from stdnum.cn import uscc

from services.identity.rules.participant import Participant, Status
from services.identity.rules.role import Role
from services.identity.rules.token import Grant, InvalidRequest, UnsupportedGrantType
from services.identity.rules.user import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from shared.grades import Clearance
from shared.ids import ApiClientId, KeyId, ParticipantId, UserId
from shared.signing import public_key_of
from shared.web import Request, View

FORM_FIELDS_MAX = 16
Model = TypeVar("Model", bound=Request)
ONE_LINE = r"^\S(.*\S)?$"
HIDDEN = {"Cc", "Cf", "Zl", "Zp"}  # controls, zero widths and directions, other ends of a line


def _credit_code(text: str) -> str:
    """As it is printed on a licence: the library alone would also take it with blanks or in small letters."""
    if not uscc.is_valid(text) or uscc.compact(text) != text:
        raise ValueError("not a unified social credit code (GB 32100-2015)")
    return text


def _visible(text: str) -> str:
    """Requires a name that reads the same to everyone: without what is not seen, or breaks the line."""
    if any(category(sign) in HIDDEN for sign in text):
        raise ValueError("a name has no signs that cannot be seen")
    return text


def _public_key(text: str) -> str:
    public_key_of(text)
    return text


CreditCode = Annotated[str, AfterValidator(_credit_code)]
PublicKey = Annotated[str, Field(min_length=44, max_length=44), AfterValidator(_public_key)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE), AfterValidator(_visible)]
Login = Annotated[str, Field(min_length=1, max_length=200)]
Password = Annotated[SecretStr, Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,63}$")]
Cleared = Annotated[Clearance, Field(strict=False)]
TradingRoles = Annotated[list[Literal["buyer", "provider"]], Field(min_length=1, max_length=2)]
FormText = Annotated[str, Field(min_length=1, max_length=256)]
FormSecret = Annotated[SecretStr, Field(min_length=1)]


def roles_of(names: TradingRoles) -> frozenset[Role]:
    return frozenset(map(Role, names))


class Administrator(Request):
    login: Login
    password: Password


class NewApplication(Request):
    name: Name
    uscc: CreditCode
    roles: TradingRoles
    contact: Name | None = None
    administrator: Administrator


class Admission(Request):
    clearance: Cleared
    reason: Reason


class Decision(Request):
    reason_code: ReasonCode
    reason: Reason


class NewAffiliation(Request):
    affiliate_id: ParticipantId


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


class PasswordGrant(Request):
    username: FormText
    password: FormSecret


class ClientCredentialsGrant(Request):
    client_id: FormText
    client_secret: FormSecret
    audience: FormText | None = None


class RefreshTokenGrant(Request):
    refresh_token: FormSecret


class Revocation(Request):
    token: FormSecret
    token_type_hint: Literal["refresh_token", "access_token"] | None = None


TokenRequest = PasswordGrant | ClientCredentialsGrant | RefreshTokenGrant
GRANTS: dict[str, type[TokenRequest]] = {
    Grant.PASSWORD: PasswordGrant,
    Grant.CLIENT_CREDENTIALS: ClientCredentialsGrant,
    Grant.REFRESH_TOKEN: RefreshTokenGrant,
}


def token_request(body: bytes) -> TokenRequest:
    """The request in a form. Raises InvalidRequest or UnsupportedGrantType."""
    fields = _form(body)
    if "grant_type" not in fields:
        raise InvalidRequest()
    grant = GRANTS.get(fields.pop("grant_type"))
    if grant is None:
        raise UnsupportedGrantType()
    return _read(grant, fields)


def revocation(body: bytes) -> Revocation:
    return _read(Revocation, _form(body))


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=FORM_FIELDS_MAX,
        )  # fmt: skip
    except ValueError as error:
        raise InvalidRequest() from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidRequest()
    return fields


def _read(model: type[Model], fields: dict[str, str]) -> Model:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest() from error


class ParticipantView(View):
    """`contact` is how the operator reaches the organisation; only its own people and the platform's staff see it."""

    id: ParticipantId
    name: str
    uscc: str
    roles: list[Role]
    contact: str | None
    status: Status
    clearance: Clearance | None
    proposed_clearance: Clearance | None
    reason_code: str | None
    deadline: datetime | None
    next_actor: Role | None

    @classmethod
    def of(cls, participant: Participant) -> Self:
        return cls.model_validate(participant, from_attributes=True)


class AffiliationView(View):
    participant_id: ParticipantId
    affiliate_id: ParticipantId


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


class TokenView(View):
    """RFC 6749 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    refresh_token: str | None = None


class MeView(View):
    """Whom a token speaks for, and how their organisation stands now."""

    subject: str
    kind: str
    roles: list[str]
    login: str | None
    is_administrator: bool
    participant: ParticipantView | None


class ProviderMetadata(View):
    """OpenID Connect Discovery 1.0 and RFC 8414, as far as there is something to tell."""

    issuer: str
    jwks_uri: str
    token_endpoint: str
    revocation_endpoint: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
