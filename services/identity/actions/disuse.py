"""Whether a person's time is over, because they have not used their log-in for too long."""

from datetime import datetime

from services.identity.actions.identity import Identity
from services.identity.rules import dormancy as rules
from services.identity.rules.user import User
from services.identity.store import account
from services.identity.store import use as store
from shared.database import Transaction
from shared.ids import UserId


async def is_shut_out(identity: Identity, tx: Transaction, user: User, now: datetime) -> bool:
    """Whether it is, noticed or not. Requires that the user is locked, and to shut them out their organisation too."""
    use = await store.use_of(tx, user.id)
    if use is None or not rules.is_over(use, identity.dormancy, now):
        return False
    return not rules.keeps_a_door(user.id, await _keepers(tx, user))


async def _keepers(tx: Transaction, user: User) -> set[UserId]:
    if user.participant_id:
        return await account.administrators_of(tx, user.participant_id)
    return await account.keepers_of_the_exchange(tx)
