"""What happens to accounts that nobody uses: organisation and exchange are told, and in the end they are shut.

Promises: each is told of once until it is used again; one is shut behind the locks of whoever else could be the last.
"""

from services.identity.actions.account import require_administrator
from services.identity.actions.disuse import is_shut_out
from services.identity.actions.identity import Identity
from services.identity.actions.session import end_sessions
from services.identity.events.accounts import AccountDormant, ApiClientDisabled, UserDisabled
from services.identity.rules import dormancy as rules
from services.identity.rules import user as user_rules
from services.identity.rules.dormancy import DORMANT, NoSuchSubject, Subject, Use
from services.identity.rules.role import Role
from services.identity.store import account
from services.identity.store import participant as participant_store
from services.identity.store import use as store
from shared.access import Caller
from shared.database import Transaction
from shared.facts import Fact
from shared.ids import ApiClientId, UserId
from shared.web import BadCursor, Page


async def dormant(identity: Identity, caller: Caller, page: Page) -> list[Use]:
    """Those of one's own organisation, for its administrator; everyone's, for an operator for security."""
    after = _after(page)
    async with identity.database.read() as tx:
        by_exchange = Role.OPERATOR_SECURITY in caller.roles
        own = None if by_exchange else await require_administrator(tx, caller)
        since = rules.dormant_since(identity.dormancy, await identity.database.now(tx))
        return await store.dormant(tx, own, since, after, page.limit + 1)


async def tell(identity: Identity) -> None:
    """Put on record which accounts have become dormant."""
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        found = await store.to_tell(tx, rules.dormant_since(identity.dormancy, now))
        for use in found:
            await store.save_told(tx, rules.tell(use, now))
        told = [AccountDormant(str(use.subject), use.used_at, use.participant_id) for use in found]
        await identity.outbox.record(tx, identity.outbox.itself, now, *told)


async def shut(identity: Identity) -> None:
    """Disable every account that lay unused for too long."""
    if identity.dormancy.shut_after is None:
        return
    after: str | None = None
    while True:
        async with identity.database.read() as tx:
            since = await identity.database.now(tx) - identity.dormancy.shut_after
            found = await store.dormant(tx, None, since, after, store.DUE_MAX)
        for use in found:
            await _shut(identity, use.subject)
        if len(found) < store.DUE_MAX:
            return
        after = found[-1].subject


async def _shut(identity: Identity, subject: Subject) -> None:
    async with identity.database.transaction() as tx:
        facts = await (
            _shut_user(identity, tx, subject)
            if isinstance(subject, UserId)
            else _shut_client(identity, tx, ApiClientId(subject))
        )
        await identity.outbox.record(tx, identity.outbox.itself, await identity.database.now(tx), *facts)


async def _shut_user(identity: Identity, tx: Transaction, user_id: UserId) -> list[Fact]:
    user = await account.user_for_update(tx, user_id)
    if user.participant_id:  # so that of the last two, one stays
        await participant_store.participant_for_update(tx, user.participant_id)
    now = await identity.database.now(tx)
    if not await is_shut_out(identity, tx, user, now):
        return []
    await account.save_disabled_user(tx, user_rules.disable_user(user, DORMANT, now), now)
    return [UserDisabled(user.id), *await end_sessions(tx, user.id, "user_disabled", now)]


async def _shut_client(identity: Identity, tx: Transaction, client_id: ApiClientId) -> list[Fact]:
    client = await account.client_for_update(tx, client_id)
    use, now = await store.use_of(tx, client_id), await identity.database.now(tx)
    if use is None or not rules.is_over(use, identity.dormancy, now):
        return []
    await account.save_disabled_client(tx, user_rules.disable_client(client, now))
    return [ApiClientDisabled(client.id)]


def _after(page: Page) -> str | None:
    try:
        return None if page.after is None else rules.subject_of(page.after)
    except (NoSuchSubject, ValueError) as error:
        raise BadCursor() from error
