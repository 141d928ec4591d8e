"""What happens when a person logs in, goes on, steps up, looks at their sessions, and ends them.

Promises: nothing is given on the word of an earlier answer, for status and roles are read at every issue; a refresh
never makes a log-in younger; a step-up takes all that a log-in takes.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from services.identity.actions import proof
from services.identity.actions.identity import Identity
from services.identity.actions.proof import ANONYMOUS, Refused
from services.identity.events.sign_in import TokenFamilyRevoked, TokenIssued
from services.identity.rules import profile
from services.identity.rules import token as rules
from services.identity.rules.role import Role
from services.identity.rules.second_factor import OnlyForPeople, roles_granted
from services.identity.rules.token import ACCESS_LIFETIME, Family, Grant, InvalidGrant, NoSuchSession, Redemption
from services.identity.rules.user import User
from services.identity.schemas.tokens import PasswordGrant, RefreshTokenGrant, Revocation, StepUpGrant
from services.identity.store import account, use
from services.identity.store import token as store
from shared.access import AUDIENCE, Caller, Claims
from shared.database import Transaction
from shared.facts import Actor, Fact
from shared.idempotency import Once
from shared.ids import TokenFamilyId, UserId
from shared.web import Page

FIRST_PARTY = "yaosu"  # the client of people who log in here themselves
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Issued:
    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(default=None, repr=False)


async def log_in(identity: Identity, request: PasswordGrant, network: str) -> Issued:
    """The first pair of tokens of a session. Raises InvalidGrant, in one shape, whatever was wrong."""
    tried = await proof.try_password(identity, request.username, request.password, network)
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        outcome = await proof.judge(identity, tx, tried, request.code, now)
        if isinstance(outcome, Refused):
            await proof.record_refusal(identity, tx, tried, outcome, now)
            issued = None
        else:
            family = rules.begin(TokenFamilyId.new(), outcome.user.id, outcome.authenticated_by, now)
            await store.add_family(tx, family)
            issued = await _issue(identity, tx, outcome.user, family, Grant.PASSWORD, now)
    if issued is None:
        raise InvalidGrant()
    await _renew_hash(identity, tried)
    return issued


async def refresh(identity: Identity, request: RefreshTokenGrant) -> Issued:
    """The next pair of tokens. A refresh token that comes a second time ends its family, for good."""
    digest = rules.digest_of(request.refresh_token.get_secret_value())
    issued = None
    async with identity.database.transaction() as tx:
        token = await store.refresh_token(tx, digest)
        if token is None:
            raise InvalidGrant()
        now = await identity.database.now(tx)
        # Not locked: who disables locks the user first and the families then, and so ends what is given here.
        family, redemption = await _redeem(tx, digest, token.family_id, now)
        user = await account.user_of_subject(tx, family.user_id)
        if redemption is Redemption.REUSED:
            await _end_reused(identity, tx, family, now)
        elif redemption is Redemption.ROTATED and user and user.disabled_at is None:
            issued = await _issue(identity, tx, user, family, Grant.REFRESH_TOKEN, now)
    if issued is None:
        raise InvalidGrant()
    return issued


async def step_up(identity: Identity, request: StepUpGrant, network: str) -> Issued:
    """The next pair of tokens, of a person who has shown again that it is they (RFC 9470). What is wrong beside the
    refresh token leaves that token good."""
    digest = rules.digest_of(request.refresh_token.get_secret_value())
    login, family_id = await _session_of(identity, digest)
    tried = await proof.try_password(identity, login, request.password, network)
    issued = None
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        outcome = await proof.judge(identity, tx, tried, request.code, now)
        if isinstance(outcome, Refused):
            await proof.record_refusal(identity, tx, tried, outcome, now)
        else:
            family, redemption = await _redeem(tx, digest, family_id, now)
            if redemption is Redemption.REUSED:
                await _end_reused(identity, tx, family, now)
            elif redemption is Redemption.ROTATED:
                family = rules.step_up(family, outcome.authenticated_by, now)
                await store.save_stepped_up(tx, family)
                issued = await _issue(identity, tx, outcome.user, family, Grant.STEP_UP, now)
    if issued is None:
        raise InvalidGrant()
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
        if family and await store.revoke_family(tx, family.id, now):
            fact = TokenFamilyRevoked(family.user_id, family.id, "logged_out")
            await identity.outbox.record(tx, Actor("user", family.user_id), now, fact)


async def sessions(identity: Identity, caller: Caller, page: Page) -> list[Family]:
    async with identity.database.read() as tx:
        user = await person(tx, caller)
        now = await identity.database.now(tx)
        return await store.sessions_of(tx, user.id, now, page.after_id(TokenFamilyId), page.limit + 1)


async def end_session(identity: Identity, caller: Caller, session_id: TokenFamilyId, once: Once) -> Family:
    """Log a device out: it refreshes no more, and its access token lives no longer than ten minutes."""
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Family):
            return earlier
        user = await person(tx, caller)
        now = await identity.database.now(tx)
        family = await store.session_for_update(tx, session_id, user.id)
        if family is None or not family.is_alive(now):
            raise NoSuchSession()
        await store.revoke_family(tx, family.id, now)
        await once.remember(tx, family)
        fact = TokenFamilyRevoked(user.id, family.id, "logged_out")
        await identity.outbox.record(tx, caller.actor, now, fact)
    return family


async def person(tx: Transaction, caller: Caller) -> User:
    """The user that the caller is. Raises OnlyForPeople for a program."""
    user = await account.user_of_subject(tx, caller.subject)
    if user is None:
        raise OnlyForPeople()
    return user


async def end_sessions(
    tx: Transaction, user_id: UserId, reason_code: str, now: datetime, *, but: str | None = None
) -> list[Fact]:
    """End every session of a user but one, and tell of each. Requires that the user is locked."""
    facts: list[Fact] = []
    for family in await store.living_families_of(tx, user_id):
        if family.id != but:
            await store.revoke_family(tx, family.id, now)
            facts.append(TokenFamilyRevoked(user_id, family.id, reason_code))
    return facts


async def _session_of(identity: Identity, digest: bytes) -> tuple[str, TokenFamilyId]:
    """The log-in name of the person to whom a refresh token was given, and the session. Raises InvalidGrant."""
    async with identity.database.read() as tx:
        token = await store.refresh_token(tx, digest)
        family = await store.family(tx, token.family_id) if token else None
        user = await account.user_of_subject(tx, family.user_id) if family else None
    if family is None or user is None:
        raise InvalidGrant()
    return user.login, family.id


async def _redeem(
    tx: Transaction, digest: bytes, family_id: TokenFamilyId, now: datetime
) -> tuple[Family, Redemption]:  # fmt: skip
    """What comes of a refresh token, decided and consumed with its family locked."""
    family = await store.family_for_update(tx, family_id)
    token = await store.refresh_token(tx, digest)
    if family is None or token is None:
        raise InvalidGrant()
    redemption = rules.redeem(family, token, now)
    if redemption is Redemption.ROTATED and not await store.consume_refresh_token(tx, digest, now):
        redemption = Redemption.REUSED
    return family, redemption


async def _end_reused(identity: Identity, tx: Transaction, family: Family, now: datetime) -> None:
    await store.revoke_family(tx, family.id, now)
    revoked = TokenFamilyRevoked(family.user_id, family.id, "refresh_token_reused")
    await identity.outbox.record(tx, ANONYMOUS, now, revoked)


async def _issue(
    identity: Identity, tx: Transaction, user: User, family: Family, grant: Grant, now: datetime
) -> Issued:
    """An access token and the family's next refresh token, on record. Last in the transaction."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    discipline = profile.discipline_of(identity.profile, user.roles)
    await store.add_refresh_token(tx, rules.next_token(family, secret, now, discipline.idle_max))
    by = family.authenticated_by
    roles = roles_granted(user, by, identity.second_factor_required_of)
    ages = discipline.password_age_max is not None
    if ages and profile.is_outdated(await account.password_set_at(tx, user.id), discipline, now):
        roles = frozenset[Role]()  # it is good to set another, and for nothing else
    claims = Claims(
        user.id, FIRST_PARTY, roles, user.participant_id, by, rules.STRENGTHS.get(by), family.authenticated_at,
        family.id,
    )  # fmt: skip
    token, _ = identity.issuer.issue(claims, AUDIENCE, now, ACCESS_LIFETIME)
    await use.touch(tx, user.id, now)
    actor = Actor("user", user.id, user.participant_id, by)
    await identity.outbox.record(tx, actor, now, TokenIssued(user.id, grant, AUDIENCE))
    return Issued(token, int(ACCESS_LIFETIME.total_seconds()), secret)


async def _renew_hash(identity: Identity, tried: proof.Tried) -> None:
    """Hash the password that was just right with today's parameters, where it still has older ones."""
    if tried.user_id and tried.password_hash and identity.passwords.is_outdated(tried.password_hash):
        renewed = await identity.passwords.hash(tried.password)
        async with identity.database.transaction() as tx:
            await account.replace_password_hash(tx, tried.user_id, tried.password_hash, renewed)
