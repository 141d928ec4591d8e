"""What happens when a program asks for a token: an organisation's, by secret or by signature, or a neighbour's.

Promises: a disabled client gets none, whatever it brings; an assertion is used once, in whichever process it comes;
whoever is refused is told nothing of why.
"""

import hmac
from datetime import datetime, timedelta

from services.identity.actions.identity import Identity
from services.identity.actions.proof import ANONYMOUS, count_attempt
from services.identity.actions.session import Issued
from services.identity.events.sign_in import ClientRefused, TokenIssued
from services.identity.rules import client_key as key_rules
from services.identity.rules import dormancy as dormancy_rules
from services.identity.rules import token as rules
from services.identity.rules.client_key import Assertion, ClientKey, NotAsserted
from services.identity.rules.role import Role
from services.identity.rules.throttle import Counted
from services.identity.rules.token import ACCESS_LIFETIME, SERVICE_LIFETIME, Grant, InvalidClient, InvalidRequest
from services.identity.rules.user import ApiClient
from services.identity.schemas.tokens import AssertionGrant, ClientCredentialsGrant
from services.identity.store import account, use
from services.identity.store import client_key as key_store
from shared import assertion
from shared.access import AUDIENCE, Claims
from shared.assertion import Signed
from shared.database import Transaction
from shared.facts import Actor
from shared.ids import ApiClientId
from shared.settings import SERVICES

SERVICE = "service:"
SECRET, SIGNATURE = "client_secret", "private_key_jwt"  # how a program was authenticated (`amr`)


async def authenticate(identity: Identity, request: ClientCredentialsGrant) -> Issued:
    """By a secret."""
    if request.client_id.startswith(SERVICE):
        return await _authenticate_service(identity, request)
    client_id = _client_id(request.client_id)
    async with identity.database.transaction() as tx:
        found = await account.client_and_digest(tx, client_id)
        if found is None:
            raise InvalidClient()
        client, digest = found
        right = hmac.compare_digest(rules.digest_of(request.client_secret.get_secret_value()), digest)
        if right and client.disabled_at is None:
            return await _issue(identity, tx, client, SECRET, request.audience)
    await _refuse(identity, client_id, "disabled" if right else "wrong_secret")
    raise InvalidClient()


async def authenticate_by_signature(identity: Identity, request: AssertionGrant) -> Issued:
    """By an assertion that the program signed (RFC 7523 2.2): read, then verified, then judged, then used up."""
    try:
        signed = assertion.read(request.client_assertion.get_secret_value())
        client_id, thumbprint = _client_id(str(signed.claims.get("sub"))), key_rules.key_id_of(signed.header)
    except ValueError as error:
        raise InvalidClient() from error
    if request.client_id not in {None, client_id}:
        raise InvalidClient()
    async with identity.database.transaction() as tx:
        if await account.client_and_digest(tx, client_id) is None:
            raise InvalidClient()
        client = await account.client_for_update(tx, client_id)
        now = await identity.database.now(tx)
        key = await key_store.active_key(tx, client_id, thumbprint)
        try:
            claimed = _claimed(identity, signed, key, now)
            if client.disabled_at is not None:
                raise NotAsserted("disabled")
            if not await key_store.spend_assertion(tx, claimed):
                raise NotAsserted("replayed")
            return await _issue(identity, tx, client, SIGNATURE, request.audience)
        except NotAsserted as refused:
            reason_code = f"assertion_{refused}"
    await _refuse(identity, client_id, reason_code)
    raise InvalidClient()


async def _authenticate_service(identity: Identity, request: ClientCredentialsGrant) -> Issued:
    """A token for one neighbour. Requires the neighbour's name as audience."""
    name = request.client_id.removeprefix(SERVICE)
    secret = identity.service_secrets.get(name)
    if secret is None:
        raise InvalidClient()
    told, known = request.client_secret.get_secret_value(), secret.get_secret_value()
    if not hmac.compare_digest(told.encode(), known.encode()):
        await _refuse(identity, request.client_id, "wrong_secret")
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


def _claimed(identity: Identity, signed: Signed, key: ClientKey | None, now: datetime) -> Assertion:
    """What an assertion says, if it is this key's and for us. Raises NotAsserted."""
    if key is None:
        raise NotAsserted("key")
    if not assertion.is_signed_with(assertion.jwk_of(key.public_key), signed):
        raise NotAsserted("signature")
    return key_rules.asserted(signed.header, signed.claims, key, identity.issuer_name, now)


async def _issue(identity: Identity, tx: Transaction, client: ApiClient, by: str, audience: str | None) -> Issued:
    """An access token, on record. Last in the transaction."""
    if audience not in {None, AUDIENCE}:
        raise InvalidRequest()
    now = await identity.database.now(tx)
    if (last := await use.use_of(tx, client.id)) and dormancy_rules.is_over(last, identity.dormancy, now):
        raise InvalidClient()
    await use.touch(tx, client.id, now)
    claims = Claims(
        client.id, client.id, frozenset(client.roles), client.participant_id, by, rules.STRENGTHS.get(by), now
    )  # fmt: skip
    issued = _signed(identity, claims, AUDIENCE, now, ACCESS_LIFETIME)
    actor = Actor("client", client.id, client.participant_id, by)
    await identity.outbox.record(tx, actor, now, TokenIssued(client.id, Grant.CLIENT_CREDENTIALS, AUDIENCE))
    return issued


async def _refuse(identity: Identity, client_id: str, reason_code: str) -> None:
    """Put on record what was wrong, so many times in a while. What is right is never throttled."""
    async with identity.database.transaction() as tx:
        await count_attempt(identity, tx, Counted.CLIENT, client_id)
        now = await identity.database.now(tx)
        await identity.outbox.record(tx, ANONYMOUS, now, ClientRefused(client_id, reason_code))


def _signed(identity: Identity, claims: Claims, audience: str, now: datetime, lifetime: timedelta) -> Issued:
    token, _ = identity.issuer.issue(claims, audience, now, lifetime)
    return Issued(token, int(lifetime.total_seconds()))


def _client_id(text: str) -> ApiClientId:
    try:
        return ApiClientId(text)
    except ValueError as error:
        raise InvalidClient() from error
