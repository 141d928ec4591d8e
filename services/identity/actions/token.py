"""What happens when someone asks for a token: log-in, a client's credentials, a refresh; and its end.

Promises: an unknown name, a wrong password and a disabled user get the same answer after the same work; nothing is
given on the word of an earlier answer, for status and roles are read at every issue.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.identity.actions.identity import Identity
from services.identity.events import ClientRefused, LogInRefused, TokenFamilyRevoked, TokenIssued
from services.identity.rules import throttle as throttle_rules
from services.identity.rules import token as rules
from services.identity.rules.role import Role
from services.identity.rules.token import (
    ACCESS_LIFETIME,
    SERVICE_LIFETIME,
    Family,
    Grant,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    Redemption,
)
from services.identity.rules.user import User, is_usable, normalise, prepare_password
from services.identity.schemas.tokens import ClientCredentialsGrant, PasswordGrant, RefreshTokenGrant, Revocation
from services.identity.store import account
from services.identity.store import token as store
from shared.access import AUDIENCE, Claims
from shared.database import Transaction
from shared.disclosing import Disclosure
from shared.facts import SALT_BYTES, Actor, commit
from shared.ids import ApiClientId, FactId, TokenFamilyId
from shared.settings import SERVICES

FIRST_PARTY = "yaosu"  # the client of people who log in here themselves
SERVICE = "service:"
SECRET_BYTES = 32
SECURITY = "security"  # what the name of a failed log-in is kept for


@dataclass(frozen=True, slots=True)
class Issued:
    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(default=None, repr=False)


async def grant(
    identity: Identity, request: PasswordGrant | ClientCredentialsGrant | RefreshTokenGrant
) -> Issued:  # fmt: skip
    match request:
        case PasswordGrant():
            return await log_in(identity, request)
        case ClientCredentialsGrant() if request.client_id.startswith(SERVICE):
            return await authenticate_service(identity, request)
        case ClientCredentialsGrant():
            return await authenticate_client(identity, request)
        case RefreshTokenGrant():
            return await refresh(identity, request)


async def log_in(identity: Identity, request: PasswordGrant) -> Issued:
    login = normalise(request.username)
    password = prepare_password(request.password.get_secret_value())
    async with identity.database.transaction() as tx:
        await _count_attempt(identity, tx, login)
        user = await account.user_of_login(tx, login) if is_usable(login) else None  # a database may not know a NUL
        password_hash = await account.password_hash_of(tx, user.id) if user else None
    matches = await identity.passwords.matches(password, password_hash)
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        present = await account.user_for_update(tx, user.id) if user else None
        reason_code = _refusal(present, matches)
        if present is None or reason_code is not None:
            refused = await _refused(identity, tx, login, present, reason_code or "")
            await identity.outbox.record(tx, Actor("anonymous", "anonymous"), now, refused)
            issued = None
        else:
            await store.clear_throttle(tx, _name_digest(login))
            family = rules.begin(TokenFamilyId.new(), present.id, Grant.PASSWORD, now)
            await store.add_family(tx, family)
            issued = await _issue_to_user(identity, tx, present, family, Grant.PASSWORD, now)
    if issued is None or present is None:
        raise InvalidGrant()
    await _renew_hash(identity, present, password, password_hash)
    return issued


async def _refused(
    identity: Identity, tx: Transaction, login: str, user: User | None, reason_code: str
) -> LogInRefused:  # fmt: skip
    """The fact that somebody tried in vain. Where the name is a user's, what it stands for is kept to be disclosed."""
    if user is None:
        return LogInRefused(identity.commitment_to(login), reason_code)
    fact_id, salt = FactId.new(), secrets.token_bytes(SALT_BYTES)
    await identity.disclosures.keep(tx, Disclosure(fact_id, "login", login, salt, user.id, SECURITY))
    return LogInRefused(commit("login", login, salt), reason_code, user.id, fact_id)


async def tell_disclosures(identity: Identity) -> None:
    await identity.disclosures.tell()


async def refresh(identity: Identity, request: RefreshTokenGrant) -> Issued:
    """The next pair of tokens. A refresh token that comes a second time ends its family, for good."""
    digest = rules.digest_of(request.refresh_token.get_secret_value())
    issued = None
    async with identity.database.transaction() as tx:
        token = await store.refresh_token(tx, digest)
        if token is None:
            raise InvalidGrant()
        family = await store.family_for_update(tx, token.family_id)
        token = await store.refresh_token(tx, digest) or token  # as it is now that its family is locked
        now = await identity.database.now(tx)
        # Not locked: who disables locks the user first and the families then, and so ends what is given here.
        user = await account.user_of_subject(tx, family.user_id)
        redemption = rules.redeem(family, token, now)
        if redemption is Redemption.ROTATED and not await store.consume_refresh_token(tx, digest, now):
            redemption = Redemption.REUSED
        if redemption is Redemption.REUSED:
            await store.revoke_family(tx, family.id, now)
            revoked = TokenFamilyRevoked(family.user_id, family.id, "refresh_token_reused")
            await identity.outbox.record(tx, Actor("anonymous", "anonymous"), now, revoked)
        elif redemption is Redemption.ROTATED and user and user.disabled_at is None:
            issued = await _issue_to_user(identity, tx, user, family, Grant.REFRESH_TOKEN, now)
    if issued is None:
        raise InvalidGrant()
    return issued


async def authenticate_client(identity: Identity, request: ClientCredentialsGrant) -> Issued:
    async with identity.database.transaction() as tx:
        found = await account.client_and_digest(tx, _client_id(request.client_id))
        if found is None:
            raise InvalidClient()
        client, digest = found
        right = hmac.compare_digest(rules.digest_of(request.client_secret.get_secret_value()), digest)
        now = await identity.database.now(tx)
        if right and client.disabled_at is None:
            if request.audience not in {None, AUDIENCE}:
                raise InvalidRequest()
            claims = Claims(client.id, client.id, frozenset(client.roles), client.participant_id, "client_secret")
            issued = _signed(identity, claims, AUDIENCE, now, ACCESS_LIFETIME)
            actor = Actor("client", client.id, client.participant_id, "client_secret")
            fact = TokenIssued(client.id, Grant.CLIENT_CREDENTIALS, AUDIENCE)
            await identity.outbox.record(tx, actor, now, fact)
            return issued
    await _refuse_client(identity, request.client_id, "disabled" if right else "wrong_secret")
    raise InvalidClient()


async def authenticate_service(identity: Identity, request: ClientCredentialsGrant) -> Issued:
    """A token for one neighbour. Requires the neighbour's name as audience."""
    name = request.client_id.removeprefix(SERVICE)
    secret = identity.service_secrets.get(name)
    if secret is None:
        raise InvalidClient()
    told, known = request.client_secret.get_secret_value(), secret.get_secret_value()
    if not hmac.compare_digest(told.encode(), known.encode()):
        await _refuse_client(identity, request.client_id, "wrong_secret")
        raise InvalidClient()
    if request.audience not in SERVICES:
        raise InvalidRequest()
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        claims = Claims(request.client_id, request.client_id, frozenset({Role.SERVICE}))
        issued = _signed(identity, claims, request.audience, now, SERVICE_LIFETIME)
        fact = TokenIssued(request.client_id, Grant.CLIENT_CREDENTIALS, request.audience)
        await identity.outbox.record(tx, Actor("service", name), now, fact)
    return issued


async def revoke(identity: Identity, request: Revocation) -> None:
    """End the family of a refresh token. A token that is not known is as good as revoked (RFC 7009 2.2)."""
    digest = rules.digest_of(request.token.get_secret_value())
    async with identity.database.transaction() as tx:
        token = await store.refresh_token(tx, digest)
        if token is None:
            return
        family = await store.family_for_update(tx, token.family_id)
        now = await identity.database.now(tx)
        if await store.revoke_family(tx, family.id, now):
            fact = TokenFamilyRevoked(family.user_id, family.id, "logged_out")
            await identity.outbox.record(tx, Actor("user", family.user_id), now, fact)


async def forget_expired(identity: Identity) -> None:
    async with identity.database.transaction() as tx:
        await store.forget_expired(tx, await identity.database.now(tx))


async def _count_attempt(identity: Identity, tx: Transaction, name: str) -> None:
    """Raises TooManyLogIns if the name was tried as often as it may be, for now."""
    now = await identity.database.now(tx)
    before = await store.throttle_for_update(tx, _name_digest(name), now)
    await store.save_throttle(tx, _name_digest(name), throttle_rules.attempt(before, now))


async def _refuse_client(identity: Identity, client_id: str, reason_code: str) -> None:
    """Put a wrong secret on record, so many times in a while. The right secret is never throttled."""
    async with identity.database.transaction() as tx:
        await _count_attempt(identity, tx, client_id)
        now = await identity.database.now(tx)
        refused = ClientRefused(client_id, reason_code)
        await identity.outbox.record(tx, Actor("anonymous", "anonymous"), now, refused)


async def _issue_to_user(
    identity: Identity, tx: Transaction, user: User, family: Family, grant: Grant, now: datetime
) -> Issued:
    """An access token and the family's next refresh token, on record. Last in the transaction."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    await store.add_refresh_token(tx, rules.next_token(family, secret, now))
    claims = Claims(user.id, FIRST_PARTY, frozenset(user.roles), user.participant_id, family.authenticated_by)
    issued = _signed(identity, claims, AUDIENCE, now, ACCESS_LIFETIME, secret)
    actor = Actor("user", user.id, user.participant_id, family.authenticated_by)
    await identity.outbox.record(tx, actor, now, TokenIssued(user.id, grant, AUDIENCE))
    return issued


def _signed(
    identity: Identity, claims: Claims, audience: str, now: datetime, lifetime: timedelta, refresh: str | None = None
) -> Issued:
    token, _ = identity.issuer.issue(claims, audience, now, lifetime)
    return Issued(token, int(lifetime.total_seconds()), refresh)


async def _renew_hash(identity: Identity, user: User, password: str, password_hash: str | None) -> None:
    """Hash the password that was just right with today's parameters, where it still has older ones."""
    if password_hash and identity.passwords.is_outdated(password_hash):
        renewed = await identity.passwords.hash(password)
        async with identity.database.transaction() as tx:
            await account.replace_password_hash(tx, user.id, password_hash, renewed)


def _refusal(user: User | None, matches: bool) -> str | None:
    if user is None:
        return "unknown_user"
    if not matches:
        return "wrong_password"
    if user.disabled_at is not None:
        return "user_disabled"
    return None


def _name_digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _client_id(text: str) -> ApiClientId:
    try:
        return ApiClientId(text)
    except ValueError as error:
        raise InvalidClient() from error
