"""Tokens (RFC 6749, RFC 7009), the keys that sign them, and where everything is."""

from typing import Any

from fastapi import Request as HttpRequest
from fastapi import Response

from services.identity.actions import session, token
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.tokens import (
    GRANTS,
    AssertionGrant,
    Grant,
    ProviderMetadata,
    Revocation,
    TokenView,
    revocation,
    token_request,
)
from shared import web
from shared.access import ALGORITHM
from shared.network import Network
from shared.permission import Public
from shared.routing import Router

FORMS = (f"{PREFIX}/token", f"{PREFIX}/token/revoke")

router = Router(prefix="/identity")


def form(*models: type[web.Request]) -> dict[str, Any]:
    """How OpenAPI tells of a body that is read as a form."""
    content = {"application/x-www-form-urlencoded": {"schema": {"oneOf": [_fields(model) for model in models]}}}
    return {"requestBody": {"required": True, "content": content}}


def _fields(model: type[web.Request]) -> dict[str, Any]:
    """The fields of a form as JSON schema: a grant's, the name of that grant too. In a form nothing is null."""
    told = model.model_json_schema()
    for name, field in told["properties"].items():
        told["properties"][name] = field.get("anyOf", [field])[0]
    for grant, its in [*GRANTS.items(), (Grant.CLIENT_CREDENTIALS, AssertionGrant)]:
        if its is model:
            told["properties"]["grant_type"] = {"type": "string", "const": grant}
            told["required"].append("grant_type")
    return told


@router.post("/v1/token", openapi_extra=form(*GRANTS.values(), AssertionGrant))
async def issue_token(request: HttpRequest, _: Public, identity: IdentityService, network: Network) -> TokenView:
    """Log in, renew, step up, or authenticate a client (RFC 6749). A refresh token is good once; the answer has the
    next. Where a second factor is enrolled a log-in takes a code too; whatever is wrong, the answer is one."""
    issued = await token.grant(identity, token_request(await request.body()), network)
    return TokenView.model_validate(issued, from_attributes=True)


@router.post("/v1/token/revoke", response_class=Response, openapi_extra=form(Revocation))
async def revoke_token(request: HttpRequest, _: Public, identity: IdentityService) -> Response:
    """Log out (RFC 7009): the refresh token and all that came of the same log-in are good no more."""
    await session.revoke(identity, revocation(await request.body()))
    return Response()


@router.get("/.well-known/jwks.json")
async def key_set(_: Public, identity: IdentityService) -> dict[str, Any]:
    """The keys with which tokens are signed (RFC 7517)."""
    return identity.issuer.published(identity.clock.now())


@router.get("/.well-known/openid-configuration")
async def provider_metadata(_: Public, identity: IdentityService) -> ProviderMetadata:
    """Where everything is (OpenID Connect Discovery 1.0)."""
    issuer = identity.issuer_name
    return ProviderMetadata(
        issuer=issuer, jwks_uri=f"{issuer}/.well-known/jwks.json", token_endpoint=f"{issuer}/v1/token",
        revocation_endpoint=f"{issuer}/v1/token/revoke", grant_types_supported=list(GRANTS),
        response_types_supported=[], subject_types_supported=["public"],
        id_token_signing_alg_values_supported=[ALGORITHM],
        token_endpoint_auth_methods_supported=["client_secret_post", "private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=["ES256", "EdDSA"],
        acr_values_supported=["password", "totp", "key"],
    )  # fmt: skip
