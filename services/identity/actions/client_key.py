"""What happens when an organisation's administrator changes with which keys its programs sign."""

from services.identity.actions.account import recall_for, require_administrator
from services.identity.actions.identity import Identity
from services.identity.events.accounts import ClientKeyRegistered, ClientKeyRevoked
from services.identity.rules import client_key as rules
from services.identity.rules import signing_key
from services.identity.rules.client_key import Algorithm, ClientKey
from services.identity.rules.user import AlreadyDisabled, ApiClient, NoSuchClient
from services.identity.store import account
from services.identity.store import client_key as store
from shared import assertion
from shared.access import Member
from shared.database import Transaction
from shared.idempotency import Once
from shared.ids import ApiClientId, ClientKeyId
from shared.web import Page


async def register(
    identity: Identity, caller: Member, client_id: ApiClientId, jwk: dict[str, str], once: Once
) -> ClientKey:
    """Requires a JWK that `assertion.check_key` took. Several keys are good at once, so that one can follow another."""
    algorithm: Algorithm = "ES256" if jwk["kty"] == "EC" else "EdDSA"
    if algorithm == "EdDSA":
        signing_key.require_strong(assertion.raw_key_of(jwk))
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, ClientKey):
            return earlier
        client = await _own_client(tx, caller, client_id)
        if client.disabled_at is not None:
            raise AlreadyDisabled()
        active_keys = await store.active_key_count(tx, client_id)
        now = await identity.database.now(tx)
        key = rules.register(ClientKeyId.new(), client_id, algorithm, assertion.text_of(jwk), active_keys, now)
        await store.add_key(tx, key)
        await once.remember(tx, key)
        registered = ClientKeyRegistered(client_id, key.id, key.algorithm, key.thumbprint)
        await identity.outbox.record(tx, caller.actor, now, registered)
    return key


async def keys(identity: Identity, caller: Member, client_id: ApiClientId, page: Page) -> list[ClientKey]:
    async with identity.database.transaction() as tx:
        await _own_client(tx, caller, client_id)
        return await store.keys_of(tx, client_id, page.after_id(ClientKeyId), page.limit + 1)


async def revoke(
    identity: Identity, caller: Member, client_id: ApiClientId, key_id: ClientKeyId, once: Once
) -> ClientKey:  # fmt: skip
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, ClientKey):
            return earlier
        await _own_client(tx, caller, client_id)
        key = await store.key_for_update(tx, key_id, client_id)
        now = await identity.database.now(tx)
        key = rules.revoke(key, now)
        await store.save_revoked_key(tx, key)
        await once.remember(tx, key)
        await identity.outbox.record(tx, caller.actor, now, ClientKeyRevoked(client_id, key.id))
    return key


async def _own_client(tx: Transaction, caller: Member, client_id: ApiClientId) -> ApiClient:
    """The client, locked. Raises NotAdministrator, and NoSuchClient for one of another organisation."""
    organisation = await require_administrator(tx, caller.caller)
    client = await account.client_for_update(tx, client_id)
    if client.participant_id != organisation:
        raise NoSuchClient()
    return client
