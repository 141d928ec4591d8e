"""What happens when an organisation's administrator, or an operator for security, changes who may act for it."""

import secrets

from pydantic import SecretStr

from services.identity.actions.identity import Identity
from services.identity.events.accounts import (
    ApiClientCreated,
    ApiClientDisabled,
    SigningKeyRegistered,
    SigningKeyRevoked,
    UserCreated,
    UserDisabled,
)
from services.identity.events.sign_in import TokenFamilyRevoked
from services.identity.rules import signing_key as key_rules
from services.identity.rules import user as rules
from services.identity.rules.participant import Participant
from services.identity.rules.role import Role
from services.identity.rules.signing_key import SigningKey
from services.identity.rules.token import digest_of
from services.identity.rules.user import ApiClient, NoSuchClient, NoSuchUser, NotAdministrator, User
from services.identity.store import account as store
from services.identity.store import participant as participant_store
from services.identity.store import token as token_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Answer, Once
from shared.ids import ApiClientId, KeyId, ParticipantId, UserId
from shared.signing import public_key_of
from shared.web import Page

SECRET_BYTES = 32


# --- users


async def me(identity: Identity, caller: Caller) -> tuple[User | None, Participant | None]:
    """The caller as we know them now, and their organisation. No user for a client."""
    async with identity.database.read() as tx:
        user = await store.user_of_subject(tx, caller.subject)
        if caller.participant_id is None:
            return user, None
        return user, await participant_store.participant(tx, caller.participant_id)


async def create_user(
    identity: Identity, caller: Member, login: str, password: SecretStr, roles: frozenset[Role], once: Once
) -> User:
    login = rules.new_login(login)
    context = [caller.standing.name] if caller.standing.name else []
    password_hash = await identity.passwords.hash(rules.new_password(password.get_secret_value(), login, context))
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, User):
            return earlier
        await require_administrator(tx, caller.caller)
        organisation = await participant_store.participant(tx, caller.participant_id)
        user = rules.new_member(UserId.new(), login, roles, organisation.id, organisation.roles)
        now = await identity.database.now(tx)
        await store.add_user(tx, user, password_hash, now)
        await once.remember(tx, user)
        created = UserCreated(user.id, user.roles, is_administrator=False, participant_id=organisation.id)
        await identity.outbox.record(tx, caller.actor, now, created)
    return user


async def users(identity: Identity, caller: Caller, page: Page) -> list[User]:
    async with identity.database.read() as tx:
        administrator = await require_administrator(tx, caller)
        return await store.users_of(tx, administrator, page.after_id(UserId), page.limit + 1)


async def disable_user(identity: Identity, caller: Caller, user_id: UserId, once: Once) -> User:
    """Keep someone out: new log-ins at once, their tokens as soon as the news is known everywhere."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, User):
            return earlier
        user = await store.user_for_update(tx, user_id)
        if user.participant_id:  # so that two who lock each other out do so one after the other
            await participant_store.participant_for_update(tx, user.participant_id)
        await require_may_disable(tx, caller, user.participant_id, NoSuchUser())
        now = await identity.database.now(tx)
        user = rules.disable_user(user, caller.subject, now)
        await store.save_disabled_user(tx, user, now)
        facts: list[Fact] = [UserDisabled(user.id)]
        for family in await token_store.living_families_of(tx, user.id):
            await token_store.revoke_family(tx, family.id, now)
            facts.append(TokenFamilyRevoked(user.id, family.id, "user_disabled"))
        await once.remember(tx, user)
        await identity.outbox.record(tx, caller.actor, now, *facts)
    return user


# --- API clients


async def create_client(
    identity: Identity, caller: Member, name: str, roles: frozenset[Role], once: Once
) -> tuple[ApiClient, str | None]:
    """The client and its secret. The secret is not kept, so it is told once: None where the answer is repeated."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, ApiClient):
            return earlier, None
        await require_administrator(tx, caller.caller)
        organisation = await participant_store.participant(tx, caller.participant_id)
        client = rules.new_client(ApiClientId.new(), name, roles, organisation.id, organisation.roles)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = await identity.database.now(tx)
        await store.add_client(tx, client, digest_of(secret), now)
        await once.remember(tx, client)
        created = ApiClientCreated(client.id, client.participant_id, client.roles)
        await identity.outbox.record(tx, caller.actor, now, created)
    return client, secret


async def clients(identity: Identity, caller: Caller, page: Page) -> list[ApiClient]:
    async with identity.database.read() as tx:
        organisation = await require_administrator(tx, caller)
        return await store.clients_of(tx, organisation, page.after_id(ApiClientId), page.limit + 1)


async def disable_client(identity: Identity, caller: Caller, client_id: ApiClientId, once: Once) -> ApiClient:
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, ApiClient):
            return earlier
        client = await store.client_for_update(tx, client_id)
        await require_may_disable(tx, caller, client.participant_id, NoSuchClient())
        now = await identity.database.now(tx)
        client = rules.disable_client(client, now)
        await store.save_disabled_client(tx, client)
        await once.remember(tx, client)
        await identity.outbox.record(tx, caller.actor, now, ApiClientDisabled(client.id))
    return client


# --- signing keys


async def register_key(identity: Identity, caller: Member, public_key: str, once: Once) -> SigningKey:
    """Requires an Ed25519 public key in base64."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, SigningKey):
            return earlier
        await require_administrator(tx, caller.caller)
        await participant_store.participant_for_update(tx, caller.participant_id)  # so that the count below holds
        active_keys = await store.active_key_count(tx, caller.participant_id)
        now = await identity.database.now(tx)
        key = key_rules.register(
            KeyId.new(), caller.participant_id, public_key_of(public_key), public_key, active_keys, now
        )
        await store.add_signing_key(tx, key)
        await once.remember(tx, key)
        registered = SigningKeyRegistered(key.participant_id, key.id, key.algorithm, key.public_key)
        await identity.outbox.record(tx, caller.actor, now, registered)
    return key


async def keys(identity: Identity, caller: Member, page: Page) -> list[SigningKey]:
    async with identity.database.read() as tx:
        return await store.signing_keys_of(tx, caller.participant_id, page.after_id(KeyId), page.limit + 1)


async def revoke_key(identity: Identity, caller: Member, key_id: KeyId, once: Once) -> SigningKey:
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, SigningKey):
            return earlier
        await require_administrator(tx, caller.caller)
        key = await store.signing_key_for_update(tx, key_id, caller.participant_id)
        now = await identity.database.now(tx)
        key = key_rules.revoke(key, now)
        await store.save_revoked_key(tx, key)
        await once.remember(tx, key)
        await identity.outbox.record(tx, caller.actor, now, SigningKeyRevoked(key.participant_id, key.id))
    return key


async def recall_for(tx: Transaction, caller: Caller, once: Once, kind: type[Answer]) -> Answer | None:
    """What this act was answered when it was first sent: to whoever still administers, and to an operator for security.
    Raises NotAdministrator."""
    earlier = await once.recall(tx, kind)
    if earlier is not None and Role.OPERATOR_SECURITY not in caller.roles:
        await require_administrator(tx, caller)
    return earlier


async def require_administrator(tx: Transaction, caller: Caller) -> ParticipantId:
    """The organisation that the caller administers. Raises NotAdministrator."""
    user = await store.user_of_subject(tx, caller.subject)
    if user is None or user.participant_id is None or not user.is_administrator or user.disabled_at is not None:
        raise NotAdministrator()
    return user.participant_id


async def require_may_disable(
    tx: Transaction, caller: Caller, organisation: ParticipantId | None, absent: NoSuchUser | NoSuchClient
) -> None:
    """An operator for security may disable anyone, an administrator their own; to others there is nothing there."""
    if Role.OPERATOR_SECURITY in caller.roles:
        return
    if organisation is None or caller.participant_id != organisation:
        raise absent
    await require_administrator(tx, caller)
