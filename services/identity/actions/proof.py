"""Whether someone is who they say: a password and, where one is enrolled, a second factor.

Promises: an attempt is counted, of its name and of its network, before anything is looked at; an unknown name, a wrong
password, a wrong code and a disabled user cost one hash each; a code is used once, whatever it was used for.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from pydantic import SecretStr

from services.identity.actions.disuse import is_shut_out
from services.identity.actions.identity import Identity
from services.identity.events.sign_in import LogInRefused
from services.identity.rules import second_factor as factor_rules
from services.identity.rules import throttle as throttle_rules
from services.identity.rules.second_factor import PASSWORD, RECOVERY_CODE, TOTP, SecondFactor
from services.identity.rules.throttle import Counted
from services.identity.rules.user import User, is_usable, normalise, prepare_password
from services.identity.store import account
from services.identity.store import second_factor as factor_store
from services.identity.store import token as store
from shared.database import Transaction
from shared.disclosing import Disclosure
from shared.facts import SALT_BYTES, Actor, commit
from shared.ids import FactId, UserId
from shared.signing import code_at

SECURITY = "security"  # what the name of a failed log-in is kept for
ANONYMOUS = Actor("anonymous", "anonymous")


@dataclass(frozen=True, slots=True)
class Tried:
    """A name and a password as they came, from where, and whether they belonged together a moment ago."""

    login: str = field(repr=False)
    password: str = field(repr=False)
    network: str
    user_id: UserId | None
    password_hash: str | None = field(repr=False)
    matches: bool


@dataclass(frozen=True, slots=True)
class Proven:
    user: User
    authenticated_by: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why, for the log; whoever tried is not told."""

    user: User | None
    reason_code: str


async def try_password(identity: Identity, login: str, password: SecretStr, network: str) -> Tried:
    """One attempt, counted and hashed. Raises TooManyLogIns if the name or the network has had as many as it may."""
    login, prepared = normalise(login), prepare_password(password.get_secret_value())
    async with identity.database.transaction() as tx:
        await count_attempt(identity, tx, Counted.NETWORK, network, identity.log_ins_per_network_max)
        await count_attempt(identity, tx, Counted.NAME, login)
        user = await account.user_of_login(tx, login) if is_usable(login) else None  # a database may not know a NUL
        password_hash = await account.password_hash_of(tx, user.id) if user else None
    matches = await identity.passwords.matches(prepared, password_hash)
    return Tried(login, prepared, network, user.id if user else None, password_hash, matches)


async def judge(
    identity: Identity, tx: Transaction, tried: Tried, code: SecretStr | None, now: datetime
) -> Proven | Refused:
    """What comes of the attempt now, with the user locked. A code that was right is spent, the counts are cleared."""
    user = await account.user_for_update(tx, tried.user_id) if tried.user_id else None
    if user is None:
        return Refused(None, "unknown_user")
    if not tried.matches or await account.password_hash_of(tx, user.id) != tried.password_hash:
        return Refused(user, "wrong_password")
    if user.disabled_at is not None:
        return Refused(user, "user_disabled")
    if await is_shut_out(identity, tx, user, now):
        return Refused(user, "dormant")
    authenticated_by = await _second_factor(identity, tx, user, code, now)
    if authenticated_by is None:
        return Refused(user, "wrong_code")
    await give_back_attempt(tx, tried.network)
    await store.clear_throttle(tx, Counted.NAME.digest_of(tried.login))
    return Proven(user, authenticated_by)


async def record_refusal(identity: Identity, tx: Transaction, tried: Tried, refused: Refused, now: datetime) -> None:
    """Put it on record that somebody tried in vain. Last in the transaction. Where the name is a user's, what it stands
    for is kept to be disclosed."""
    user = refused.user
    if user is None:
        fact = LogInRefused(identity.commitment_to(tried.login), refused.reason_code)
    else:
        fact_id, salt = FactId.new(), secrets.token_bytes(SALT_BYTES)
        await identity.disclosures.keep(tx, Disclosure(fact_id, "login", tried.login, salt, user.id, SECURITY))
        fact = LogInRefused(commit("login", tried.login, salt), refused.reason_code, user.id, fact_id)
    await identity.outbox.record(tx, ANONYMOUS, now, fact)


async def count_attempt(
    identity: Identity, tx: Transaction, of: Counted, text: str, attempts_max: int = throttle_rules.ATTEMPTS_MAX
) -> None:
    """Raises TooManyLogIns if there were as many attempts as there may be, for now."""
    now, digest = await identity.database.now(tx), of.digest_of(text)
    before = await store.throttle_for_update(tx, digest, now)
    await store.save_throttle(tx, digest, throttle_rules.attempt(before, now, attempts_max))


async def count_attempt_from(identity: Identity, network: str) -> None:
    """Raises TooManyLogIns if the network has had as many as it may, for now."""
    async with identity.database.transaction() as tx:
        await count_attempt(identity, tx, Counted.NETWORK, network, identity.log_ins_per_network_max)


async def give_back_attempt(tx: Transaction, network: str) -> None:
    """What did not fail does not count."""
    await store.give_back_attempt(tx, Counted.NETWORK.digest_of(network))


def right_step(
    identity: Identity, user_id: UserId, sealed: bytes, code: str, last_step: int | None, now: datetime
) -> int | None:
    """The step that the code is of, by the secret that was sealed for this user."""
    secret = identity.factor_key.unwrap(sealed, user_id.encode())
    return factor_rules.fresh_step(lambda step: code_at(secret, step), code, last_step, now)


def recovery_digest(identity: Identity, user_id: UserId, recovery_code: str) -> bytes:
    """Under a key of ours: 80 bits alone would not be safe from whoever has the table and much time."""
    return hmac.new(identity.recovery_key, f"{user_id}\0{recovery_code}".encode(), sha256).digest()


async def _second_factor(
    identity: Identity, tx: Transaction, user: User, code: SecretStr | None, now: datetime
) -> str | None:
    """How the user is authenticated, once the password was right; None if the code that is needed was not."""
    factor = await factor_store.second_factor(tx, user.id)
    if factor is None or factor.secret is None:
        return PASSWORD
    typed = code.get_secret_value() if code else ""
    if await _is_fresh_code(identity, tx, factor, factor.secret, typed, now):
        return TOTP
    recovery_code = factor_rules.as_recovery_code(typed)
    if recovery_code is None:
        return None
    digest = recovery_digest(identity, user.id, recovery_code)
    return RECOVERY_CODE if await factor_store.spend_recovery_code(tx, user.id, digest, now) else None


async def _is_fresh_code(
    identity: Identity, tx: Transaction, factor: SecondFactor, secret: bytes, code: str, now: datetime
) -> bool:
    step = right_step(identity, factor.user_id, secret, code, factor.last_step, now)
    return step is not None and await factor_store.spend_step(tx, factor.user_id, step)
