"""What happens when a person enrols a second factor, changes the password, or has their factor reset by another.

Promises: a secret and recovery codes are told once and kept by nobody else; who holds a token alone changes neither;
a new factor and a new password end every other session; a reset is on record, and ends them all.
"""

import secrets

from pydantic import SecretStr

from services.identity.actions import proof
from services.identity.actions.account import recall_for, require_may_disable
from services.identity.actions.identity import Identity
from services.identity.actions.proof import Refused, Tried
from services.identity.actions.session import end_sessions, person
from services.identity.events.sign_in import (
    PasswordChanged,
    SecondFactorEnrolled,
    SecondFactorRefused,
    SecondFactorReset,
)
from services.identity.rules import second_factor as rules
from services.identity.rules import user as user_rules
from services.identity.rules.profile import discipline_of, require_varied
from services.identity.rules.second_factor import FactorState, NotProven
from services.identity.rules.throttle import Counted
from services.identity.rules.user import NoSuchUser, User
from services.identity.store import account
from services.identity.store import participant as participant_store
from services.identity.store import second_factor as store
from services.identity.store import token as token_store
from shared.access import Caller
from shared.database import Transaction
from shared.idempotency import Once
from shared.ids import UserId
from shared.signing import code_uri, new_code_secret

ISSUER = "Yaosu"  # what an authenticator app shows beside the name


async def state(identity: Identity, caller: Caller) -> FactorState:
    async with identity.database.read() as tx:
        user = await person(tx, caller)
        return await _state(tx, user.id)


async def enrol(
    identity: Identity, caller: Caller, password: SecretStr, code: SecretStr | None, network: str, once: Once
) -> tuple[FactorState, str | None]:
    """A new secret, told once, that waits for its first code. Requires what a log-in requires."""
    tried = await _try_own_password(identity, caller, password, network)
    secret = new_code_secret()
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, FactorState):
            return earlier, None
        now = await identity.database.now(tx)
        outcome = await proof.judge(identity, tx, tried, code, now)
        if isinstance(outcome, Refused):
            await proof.record_refusal(identity, tx, tried, outcome, now)
            enrolled = None
        else:
            user = outcome.user
            sealed = identity.factor_key.wrap(secret, user.id.encode())
            await store.save_second_factor(
                tx, rules.enrol(user.id, await store.second_factor(tx, user.id), sealed, now)
            )  # fmt: skip
            enrolled = await _state(tx, user.id)
            await once.remember(tx, enrolled)
    if enrolled is None:
        raise NotProven()
    return enrolled, code_uri(secret, tried.login, ISSUER)


async def confirm(
    identity: Identity, caller: Caller, code: SecretStr, once: Once
) -> tuple[FactorState, list[str] | None]:  # fmt: skip
    """The new secret in force, by its first code; and recovery codes, told once, in place of all earlier ones."""
    codes = [_new_recovery_code() for _ in range(rules.RECOVERY_CODES)]
    async with identity.database.transaction() as tx:
        login = (await person(tx, caller)).login
        await proof.count_attempt(identity, tx, Counted.NAME, login)
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, FactorState):
            return earlier, None
        user = await account.user_for_update(tx, UserId(caller.subject))
        now = await identity.database.now(tx)
        factor = await store.second_factor(tx, user.id)
        pending = rules.pending_secret(factor, now)
        step = proof.right_step(identity, user.id, pending, code.get_secret_value(), None, now)
        if factor is None or step is None:
            await identity.outbox.record(tx, caller.actor, now, SecondFactorRefused(user.id))
            confirmed = None
        else:
            await store.save_second_factor(tx, rules.confirm(factor, step, now))
            digests = [proof.recovery_digest(identity, user.id, each) for each in codes]
            await store.replace_recovery_codes(tx, user.id, digests)
            await token_store.clear_throttle(tx, Counted.NAME.digest_of(user.login))
            ended = await end_sessions(tx, user.id, "second_factor_enrolled", now, but=caller.session_id)
            confirmed = await _state(tx, user.id)
            await once.remember(tx, confirmed)
            await identity.outbox.record(tx, caller.actor, now, SecondFactorEnrolled(user.id), *ended)
    if confirmed is None:
        raise NotProven()
    return confirmed, [rules.shown(each) for each in codes]


async def reset(identity: Identity, caller: Caller, user_id: UserId, once: Once) -> User:
    """Take somebody's second factor away who lost it: by their administrator, or an operator for security."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, User):
            return earlier
        user = await account.user_for_update(tx, user_id)
        await require_may_disable(tx, caller, user.participant_id, NoSuchUser())
        rules.require_may_reset(user, caller.subject)
        if await store.second_factor(tx, user.id) is None:
            raise rules.NoSecondFactor()
        await store.forget_second_factor(tx, user.id)
        now = await identity.database.now(tx)
        ended = await end_sessions(tx, user.id, "second_factor_reset", now)
        await once.remember(tx, user)
        await identity.outbox.record(tx, caller.actor, now, SecondFactorReset(user.id), *ended)
    return user


async def change_password(
    identity: Identity, caller: Caller, old: SecretStr, code: SecretStr | None, new: SecretStr, network: str, once: Once
) -> User:
    """Requires what a log-in requires. Every other session ends; a log-in with the old password on its way fails."""
    async with identity.database.read() as tx:
        user = await person(tx, caller)
        context = [] if user.participant_id is None else [
            (await participant_store.participant(tx, user.participant_id)).name
        ]  # fmt: skip
    prepared = user_rules.new_password(new.get_secret_value(), user.login, context)
    require_varied(prepared, discipline_of(identity.profile, user.roles))
    tried = await _try_own_password(identity, caller, old, network)
    password_hash = await identity.passwords.hash(prepared)
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, User):
            return earlier
        now = await identity.database.now(tx)
        outcome = await proof.judge(identity, tx, tried, code, now)
        if isinstance(outcome, Refused):
            await proof.record_refusal(identity, tx, tried, outcome, now)
            changed = None
        else:
            changed = outcome.user
            await account.save_password(tx, changed.id, password_hash, now)
            ended = await end_sessions(tx, changed.id, "password_changed", now, but=caller.session_id)
            await once.remember(tx, changed)
            await identity.outbox.record(tx, caller.actor, now, PasswordChanged(changed.id), *ended)
    if changed is None:
        raise NotProven()
    return changed


async def _try_own_password(identity: Identity, caller: Caller, password: SecretStr, network: str) -> Tried:
    async with identity.database.read() as tx:
        login = (await person(tx, caller)).login
    return await proof.try_password(identity, login, password, network)


async def _state(tx: Transaction, user_id: UserId) -> FactorState:
    factor = await store.second_factor(tx, user_id)
    unused = await store.unused_recovery_code_count(tx, user_id)
    if factor is None:
        return FactorState(None, None, unused)
    return FactorState(factor.confirmed_at, factor.pending_until, unused)


def _new_recovery_code() -> str:
    return "".join(secrets.choice(rules.RECOVERY_SIGNS) for _ in range(rules.RECOVERY_LENGTH))
