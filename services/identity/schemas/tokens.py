"""What crosses the wire about tokens: forms, not JSON (RFC 6749), so read by hand.

Promises: a token request has exactly the fields of its grant, each once.
"""

from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import Field, SecretStr, ValidationError

from services.identity.rules.token import Grant, InvalidRequest, UnsupportedGrantType
from shared.web import Request, View

FORM_FIELDS_MAX = 16
Model = TypeVar("Model", bound=Request)
FormText = Annotated[str, Field(min_length=1, max_length=256)]
FormSecret = Annotated[SecretStr, Field(min_length=1)]


FormCode = Annotated[SecretStr, Field(min_length=1, max_length=64)]


class PasswordGrant(Request):
    """`code` is of an authenticator app, or a recovery code. Where none is enrolled, it is not looked at."""

    username: FormText
    password: FormSecret
    code: FormCode | None = None


class StepUpGrant(Request):
    """All that a log-in takes, within the session of a refresh token (RFC 9470)."""

    refresh_token: FormSecret
    password: FormSecret
    code: FormCode | None = None


class ClientCredentialsGrant(Request):
    client_id: FormText
    client_secret: FormSecret
    audience: FormText | None = None


class AssertionGrant(Request):
    """Client credentials, by what the client signed instead of a secret (RFC 7523 2.2)."""

    client_assertion_type: Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    client_assertion: FormSecret
    client_id: FormText | None = None
    audience: FormText | None = None


class RefreshTokenGrant(Request):
    refresh_token: FormSecret


class Revocation(Request):
    token: FormSecret
    token_type_hint: Literal["refresh_token", "access_token"] | None = None


TokenRequest = PasswordGrant | ClientCredentialsGrant | AssertionGrant | RefreshTokenGrant | StepUpGrant
GRANTS: dict[str, type[TokenRequest]] = {
    Grant.PASSWORD: PasswordGrant,
    Grant.CLIENT_CREDENTIALS: ClientCredentialsGrant,
    Grant.REFRESH_TOKEN: RefreshTokenGrant,
    Grant.STEP_UP: StepUpGrant,
}


def token_request(body: bytes) -> TokenRequest:
    """The request in a form. Raises InvalidRequest or UnsupportedGrantType. One that brings both a secret and an
    assertion is refused (RFC 6749 2.3), for each form has its own fields only."""
    fields = _form(body)
    if "grant_type" not in fields:
        raise InvalidRequest()
    grant = GRANTS.get(fields.pop("grant_type"))
    if grant is None:
        raise UnsupportedGrantType()
    if grant is ClientCredentialsGrant and "client_assertion" in fields:
        grant = AssertionGrant
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


class TokenView(View):
    """RFC 6749 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    refresh_token: str | None = None


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
    token_endpoint_auth_signing_alg_values_supported: list[str]
    acr_values_supported: list[str]
