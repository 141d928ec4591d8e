"""Users, API clients and signing keys of an organisation."""

from fastapi import Response

from services.identity.actions import account
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.accounts import (
    ClientView,
    MeView,
    NewClient,
    NewClientView,
    NewSigningKey,
    NewUser,
    SigningKeyView,
    UserView,
)
from services.identity.schemas.participants import ParticipantView
from services.identity.schemas.words import roles_of
from shared.idempotency import Keyed
from shared.ids import ApiClientId, KeyId, UserId
from shared.permission import AccountCloser, AccountKeeper, AccountReader, Myself, Party
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.get("/me")
async def me(caller: Myself, identity: IdentityService) -> MeView:
    """Whom your token speaks for, and how your organisation stands."""
    user, organisation = await account.me(identity, caller)
    return MeView(
        subject=caller.subject, kind=caller.kind, roles=sorted(caller.roles), login=user and user.login,
        is_administrator=bool(user and user.is_administrator),
        participant=organisation and ParticipantView.of(organisation),
    )  # fmt: skip


@router.post("/users", status_code=201)
async def create_user(
    new: NewUser, caller: AccountKeeper, once: Keyed, identity: IdentityService, response: Response
) -> UserView:
    """Give someone of your organisation a log-in. Requires its administrator."""
    user = await account.create_user(identity, caller, new.login, new.password, roles_of(new.roles), once)
    created(response, f"{PREFIX}/users/{user.id}")
    return UserView.model_validate(user)


@router.get("/users")
async def users(caller: AccountReader, identity: IdentityService, page: PageQuery) -> Listing[UserView]:
    """The users of your organisation. Requires its administrator."""
    found = await account.users(identity, caller, page)
    return Listing[UserView].of([UserView.model_validate(each) for each in found], page, lambda view: view.id)


@router.post("/users/{user_id}/disable")
async def disable_user(user_id: UserId, caller: AccountCloser, once: Keyed, identity: IdentityService) -> UserView:
    """Keep someone of your organisation out; anyone, for an operator for security."""
    return UserView.model_validate(await account.disable_user(identity, caller, user_id, once))


@router.post("/clients", status_code=201)
async def create_client(
    new: NewClient, caller: AccountKeeper, once: Keyed, identity: IdentityService, response: Response
) -> NewClientView:
    """Give a program of your organisation credentials. The secret is shown in this answer only."""
    client, secret = await account.create_client(identity, caller, new.name, roles_of(new.roles), once)
    created(response, f"{PREFIX}/clients/{client.id}")
    return NewClientView.model_validate(client).model_copy(update={"client_secret": secret})


@router.get("/clients")
async def clients(caller: AccountReader, identity: IdentityService, page: PageQuery) -> Listing[ClientView]:
    """The API clients of your organisation. Requires its administrator."""
    found = await account.clients(identity, caller, page)
    return Listing[ClientView].of(
        [ClientView.model_validate(each) for each in found], page, lambda view: view.client_id
    )


@router.post("/clients/{client_id}/disable")
async def disable_client(
    client_id: ApiClientId, caller: AccountCloser, once: Keyed, identity: IdentityService
) -> ClientView:
    """Take a client's access away."""
    return ClientView.model_validate(await account.disable_client(identity, caller, client_id, once))


@router.post("/signing-keys", status_code=201)
async def register_key(
    new: NewSigningKey, caller: AccountKeeper, once: Keyed, identity: IdentityService, response: Response
) -> SigningKeyView:
    """Register the public key with which your organisation will sign contracts. Requires its administrator."""
    key = await account.register_key(identity, caller, new.public_key, once)
    created(response, f"{PREFIX}/signing-keys/{key.id}")
    return SigningKeyView.model_validate(key)


@router.get("/signing-keys")
async def keys(caller: Party, identity: IdentityService, page: PageQuery) -> Listing[SigningKeyView]:
    """The signing keys of your organisation, with those that were revoked."""
    found = await account.keys(identity, caller, page)
    return Listing[SigningKeyView].of(
        [SigningKeyView.model_validate(each) for each in found], page, lambda view: view.id
    )


@router.post("/signing-keys/{key_id}/revoke")
async def revoke_key(key_id: KeyId, caller: AccountKeeper, once: Keyed, identity: IdentityService) -> SigningKeyView:
    """Sign nothing more with this key. What it signed before stays signed. Requires the administrator."""
    return SigningKeyView.model_validate(await account.revoke_key(identity, caller, key_id, once))
