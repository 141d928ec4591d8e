"""The keys with which an organisation's API clients show who they are (RFC 7523)."""

from fastapi import Response

from services.identity.actions import client_key
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.accounts import ClientKeyView, NewClientKey
from shared.idempotency import Keyed
from shared.ids import ApiClientId, ClientKeyId
from shared.permission import AccountKeeper, Party
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=f"{PREFIX}/clients/{{client_id}}/keys")


@router.post("", status_code=201)
async def register(
    client_id: ApiClientId,
    new: NewClientKey,
    caller: AccountKeeper,
    once: Keyed,
    identity: IdentityService,
    response: Response,
) -> ClientKeyView:
    """Register a public key of a client. Several are good at once, so that one can follow another."""
    key = await client_key.register(identity, caller, client_id, new.jwk.members(), once)
    created(response, f"{PREFIX}/clients/{client_id}/keys/{key.id}")
    return ClientKeyView.model_validate(key)


@router.get("")
async def keys(
    client_id: ApiClientId, caller: Party, identity: IdentityService, page: PageQuery
) -> Listing[ClientKeyView]:
    """The keys of a client, with those that were revoked. Requires the organisation's administrator."""
    found = await client_key.keys(identity, caller, client_id, page)
    return Listing[ClientKeyView].of([ClientKeyView.model_validate(each) for each in found], page, lambda view: view.id)


@router.post("/{client_key_id}/revoke")
async def revoke(
    client_id: ApiClientId, client_key_id: ClientKeyId, caller: AccountKeeper, once: Keyed, identity: IdentityService
) -> ClientKeyView:
    """Let this key let nobody in any more."""
    return ClientKeyView.model_validate(await client_key.revoke(identity, caller, client_id, client_key_id, once))
