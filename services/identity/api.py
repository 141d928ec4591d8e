"""What can be asked of `identity`."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Request as HttpRequest

from services.identity import schemas
from services.identity.actions import account, participant, token
from services.identity.actions.identity import Identity
from services.identity.schemas import (
    Admission,
    AffiliationView,
    ClientView,
    Decision,
    MeView,
    NewAffiliation,
    NewApplication,
    NewClient,
    NewClientView,
    NewSigningKey,
    NewUser,
    ParticipantView,
    ProviderMetadata,
    SigningKeyView,
    Status,
    TokenView,
    UserView,
    roles_of,
)
from shared import web
from shared.access import ALGORITHM
from shared.idempotency import Keyed
from shared.ids import ApiClientId, KeyId, ParticipantId, UserId
from shared.permission import Authenticated, OperatorSecurity, Party, Public, Staff
from shared.web import Listing, PageQuery, created

PREFIX = "/identity/v1"
FORMS = (f"{PREFIX}/token", f"{PREFIX}/token/revoke")
router = APIRouter(prefix="/identity")
IdentityService = Annotated[Identity, Depends(web.service)]


def form(*models: type[web.Request]) -> dict[str, Any]:
    """How OpenAPI tells of a body that is read as a form."""
    content = {"application/x-www-form-urlencoded": {"schema": {"oneOf": [_fields(model) for model in models]}}}
    return {"requestBody": {"required": True, "content": content}}


def _fields(model: type[web.Request]) -> dict[str, Any]:
    """The fields of a form as JSON schema: a grant's, the name of that grant too. In a form nothing is null."""
    told = model.model_json_schema()
    for name, field in told["properties"].items():
        told["properties"][name] = field.get("anyOf", [field])[0]
    for grant, its in schemas.GRANTS.items():
        if its is model:
            told["properties"]["grant_type"] = {"type": "string", "const": grant}
            told["required"].append("grant_type")
    return told


# --- participants


@router.post("/v1/applications", status_code=201)
async def apply(new: NewApplication, _: Public, identity: IdentityService, response: Response) -> ParticipantView:
    """Apply for admission. The administrator can log in at once, and see how the application stands."""
    applied = await participant.apply(
        identity,
        new.name,
        new.uscc,
        roles_of(new.roles),
        new.contact,
        new.administrator.login,
        new.administrator.password,
    )
    created(response, f"{PREFIX}/participants/{applied.id}")
    return ParticipantView.of(applied)


@router.get("/v1/participants")
async def participants(
    _: Staff, identity: IdentityService, page: PageQuery, status: Annotated[Status | None, Query()] = None
) -> Listing[ParticipantView]:
    """All participants, by age."""
    found = await participant.participants(identity, status, page)
    return Listing[ParticipantView].of([ParticipantView.of(each) for each in found], page, lambda view: view.id)


@router.get("/v1/participants/{participant_id}")
async def one_participant(
    participant_id: ParticipantId, caller: Authenticated, identity: IdentityService
) -> ParticipantView:
    """Your own organisation; any, for the platform's staff and the regulator."""
    return ParticipantView.of(await participant.participant(identity, caller, participant_id))


@router.post("/v1/participants/{participant_id}/admit")
async def admit(
    participant_id: ParticipantId, new: Admission, caller: OperatorSecurity, once: Keyed, identity: IdentityService
) -> ParticipantView:
    """Admit an applicant. For C4 and C5 this proposes, and takes effect when a second operator names the same."""
    admitted = await participant.admit(identity, caller, participant_id, new.clearance, new.reason, once)
    return ParticipantView.of(admitted)


@router.post("/v1/participants/{participant_id}/clearance")
async def change_clearance(
    participant_id: ParticipantId, new: Admission, caller: OperatorSecurity, once: Keyed, identity: IdentityService
) -> ParticipantView:
    """Change what a participant is trusted with, or confirm it for another half year. Up to C4 or C5 two must agree."""
    changed = await participant.change_clearance(identity, caller, participant_id, new.clearance, new.reason, once)
    return ParticipantView.of(changed)


@router.post("/v1/participants/{participant_id}/affiliations", status_code=201)
async def affiliate(
    participant_id: ParticipantId, new: NewAffiliation, caller: OperatorSecurity, once: Keyed,
    identity: IdentityService, response: Response,
) -> AffiliationView:  # fmt: skip
    """Put two participants on record as affiliates: neither may then buy of the other."""
    await participant.affiliate(identity, caller, participant_id, new.affiliate_id, once)
    created(response, f"{PREFIX}/participants/{participant_id}/affiliations")
    return AffiliationView(participant_id=participant_id, affiliate_id=new.affiliate_id)


@router.get("/v1/participants/{participant_id}/affiliations")
async def affiliations(
    participant_id: ParticipantId, caller: Authenticated, identity: IdentityService
) -> list[AffiliationView]:
    """Whose affiliate a participant is."""
    found = await participant.affiliates(identity, caller, participant_id)
    return [AffiliationView(participant_id=participant_id, affiliate_id=each) for each in found]


@router.post("/v1/participants/{participant_id}/{decision}")
async def decide(
    participant_id: ParticipantId, decision: Literal["refuse", "suspend", "reinstate", "exit"], new: Decision,
    caller: OperatorSecurity, once: Keyed, identity: IdentityService,
) -> ParticipantView:  # fmt: skip
    """Refuse an applicant; suspend, reinstate or let go a participant. Both sides see the reason's code."""
    decided = await participant.decide(identity, caller, participant_id, decision, new.reason_code, new.reason, once)
    return ParticipantView.of(decided)


# --- users and clients


@router.get("/v1/me")
async def me(caller: Authenticated, identity: IdentityService) -> MeView:
    """Whom your token speaks for, and how your organisation stands."""
    user, organisation = await account.me(identity, caller)
    return MeView(
        subject=caller.subject, kind=caller.kind, roles=sorted(caller.roles), login=user and user.login,
        is_administrator=bool(user and user.is_administrator),
        participant=organisation and ParticipantView.of(organisation),
    )  # fmt: skip


@router.post("/v1/users", status_code=201)
async def create_user(
    new: NewUser, caller: Party, once: Keyed, identity: IdentityService, response: Response
) -> UserView:
    """Give someone of your organisation a log-in. Requires its administrator."""
    user = await account.create_user(identity, caller, new.login, new.password, roles_of(new.roles), once)
    created(response, f"{PREFIX}/users/{user.id}")
    return UserView.model_validate(user)


@router.get("/v1/users")
async def users(caller: Authenticated, identity: IdentityService, page: PageQuery) -> Listing[UserView]:
    """The users of your organisation. Requires its administrator."""
    found = await account.users(identity, caller, page)
    return Listing[UserView].of([UserView.model_validate(each) for each in found], page, lambda view: view.id)


@router.post("/v1/users/{user_id}/disable")
async def disable_user(user_id: UserId, caller: Authenticated, once: Keyed, identity: IdentityService) -> UserView:
    """Keep someone of your organisation out; anyone, for an operator for security."""
    return UserView.model_validate(await account.disable_user(identity, caller, user_id, once))


@router.post("/v1/clients", status_code=201)
async def create_client(
    new: NewClient, caller: Party, once: Keyed, identity: IdentityService, response: Response
) -> NewClientView:
    """Give a program of your organisation credentials. The secret is shown in this answer only."""
    client, secret = await account.create_client(identity, caller, new.name, roles_of(new.roles), once)
    created(response, f"{PREFIX}/clients/{client.id}")
    return NewClientView.model_validate(client).model_copy(update={"client_secret": secret})


@router.get("/v1/clients")
async def clients(caller: Authenticated, identity: IdentityService, page: PageQuery) -> Listing[ClientView]:
    """The API clients of your organisation. Requires its administrator."""
    found = await account.clients(identity, caller, page)
    return Listing[ClientView].of(
        [ClientView.model_validate(each) for each in found], page, lambda view: view.client_id
    )


@router.post("/v1/clients/{client_id}/disable")
async def disable_client(
    client_id: ApiClientId, caller: Authenticated, once: Keyed, identity: IdentityService
) -> ClientView:
    """Take a client's access away."""
    return ClientView.model_validate(await account.disable_client(identity, caller, client_id, once))


# --- signing keys


@router.post("/v1/signing-keys", status_code=201)
async def register_key(
    new: NewSigningKey, caller: Party, once: Keyed, identity: IdentityService, response: Response
) -> SigningKeyView:
    """Register the public key with which your organisation will sign contracts. Requires its administrator."""
    key = await account.register_key(identity, caller, new.public_key, once)
    created(response, f"{PREFIX}/signing-keys/{key.id}")
    return SigningKeyView.model_validate(key)


@router.get("/v1/signing-keys")
async def keys(caller: Party, identity: IdentityService, page: PageQuery) -> Listing[SigningKeyView]:
    """The signing keys of your organisation, with those that were revoked."""
    found = await account.keys(identity, caller, page)
    return Listing[SigningKeyView].of(
        [SigningKeyView.model_validate(each) for each in found], page, lambda view: view.id
    )


@router.post("/v1/signing-keys/{key_id}/revoke")
async def revoke_key(key_id: KeyId, caller: Party, once: Keyed, identity: IdentityService) -> SigningKeyView:
    """Sign nothing more with this key. What it signed before stays signed. Requires the administrator."""
    return SigningKeyView.model_validate(await account.revoke_key(identity, caller, key_id, once))


# --- tokens


@router.post("/v1/token", openapi_extra=form(*schemas.GRANTS.values()))
async def issue_token(request: HttpRequest, _: Public, identity: IdentityService) -> TokenView:
    """Log in, renew, or authenticate a client (RFC 6749). A refresh token is good once; the answer has the next."""
    issued = await token.grant(identity, schemas.token_request(await request.body()))
    return TokenView.model_validate(issued, from_attributes=True)


@router.post("/v1/token/revoke", response_class=Response, openapi_extra=form(schemas.Revocation))
async def revoke_token(request: HttpRequest, _: Public, identity: IdentityService) -> Response:
    """Log out (RFC 7009): the refresh token and all that came of the same log-in are good no more."""
    await token.revoke(identity, schemas.revocation(await request.body()))
    return Response()


@router.get("/.well-known/jwks.json")
async def key_set(_: Public, identity: IdentityService) -> dict[str, Any]:
    """The keys with which tokens are signed (RFC 7517)."""
    return identity.issuer.key_set


@router.get("/.well-known/openid-configuration")
async def provider_metadata(_: Public, identity: IdentityService) -> ProviderMetadata:
    """Where everything is (OpenID Connect Discovery 1.0)."""
    issuer = identity.issuer_name
    return ProviderMetadata(
        issuer=issuer, jwks_uri=f"{issuer}/.well-known/jwks.json", token_endpoint=f"{issuer}/v1/token",
        revocation_endpoint=f"{issuer}/v1/token/revoke", grant_types_supported=list(schemas.GRANTS),
        response_types_supported=[], subject_types_supported=["public"],
        id_token_signing_alg_values_supported=[ALGORITHM],
        token_endpoint_auth_methods_supported=["client_secret_post"],
    )  # fmt: skip
