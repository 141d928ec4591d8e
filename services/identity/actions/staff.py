"""How the platform's own people get their first log-in: by whoever runs it, never over the API."""

from collections.abc import Iterable
from typing import Protocol

from services.identity.actions.identity import Identity
from services.identity.events.accounts import UserCreated
from services.identity.rules import user as rules
from services.identity.rules.profile import discipline_of, require_varied
from services.identity.rules.role import Role
from services.identity.rules.user import LoginTaken, User
from services.identity.store import account as store
from shared import tenancy
from shared.ids import UserId


class LogIn(Protocol):
    """What is told of each person. `role` is one of an operator's, the regulator's or an arbiter's."""

    @property
    def login(self) -> str: ...

    @property
    def password(self) -> str: ...

    @property
    def role(self) -> str: ...


async def bootstrap(identity: Identity, staff: Iterable[LogIn]) -> list[User]:
    """Make the log-ins that are not there yet, and return those. Safe to repeat: a person keeps the first password.

    Raises LoginTaken if a name is someone else's: of an organisation, or with another role. Requires that the outbox
    holds a lease.
    """
    with tenancy.for_everyone():
        return [user for log_in in staff if (user := await _make(identity, log_in))]


async def _make(identity: Identity, log_in: LogIn) -> User | None:
    login = rules.new_login(log_in.login)
    user = rules.new_staff(UserId.new(), login, {Role(log_in.role)})
    password = rules.new_password(log_in.password, login)
    require_varied(password, discipline_of(identity.profile, user.roles))
    async with identity.database.read() as tx:
        known = await store.user_of_login(tx, login)
    if known and known.participant_id is None and known.roles == user.roles:
        return None
    if known:
        raise LoginTaken(login=login)
    password_hash = await identity.passwords.hash(password)
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        await store.add_user(tx, user, password_hash, now)
        created = UserCreated(user.id, user.roles, is_administrator=False)
        await identity.outbox.record(tx, identity.outbox.itself, now, created)
    return user
