"""The platform's own people: the log-ins that a development market starts with, and the command that adds one."""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from services import market
from services.identity import app as identity
from services.identity.actions.staff import bootstrap
from services.identity.rules.user import PasswordTooWeak, new_password
from shared.clock import SystemClock
from shared.core import core_of
from shared.errors import Failure
from shared.rest import Directory
from shared.settings import Settings, with_development_secrets

ROLES = {
    "business": "operator_business",
    "business2": "operator_business",
    "security": "operator_security",
    "security2": "operator_security",
    "system": "operator_system",
    "log": "operator_audit",
    "regulator": "regulator",
    "arbiter": "arbiter",
    "regulator2": "regulator",
}


@dataclass(frozen=True, slots=True)
class LogIn:
    login: str
    password: str = field(repr=False)
    role: str


class NotAdded(RuntimeError):
    """The log-in was not made; the message says why."""


def development_log_ins(settings: Settings) -> list[LogIn]:
    """The log-ins of this market, drawn at its first start and kept beside its keys. None outside development."""
    if settings.environment != "development":
        return []
    path = settings.var / "keys" / "development-log-ins.json"
    if not path.exists():
        drawn = [LogIn(login, password_for(login), role) for login, role in ROLES.items()]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump([asdict(log_in) for log_in in drawn], file, indent=2)
    return [LogIn(**fields) for fields in json.loads(path.read_text())]


def password_for(login: str) -> str:
    """Drawn at random, until it does not happen to contain so short a name as `log`: one in fifteen hundred does."""
    while True:
        with suppress(PasswordTooWeak):
            return new_password(secrets.token_urlsafe(18), login)


async def add(settings: Settings, log_in: LogIn) -> None:
    """Give someone their first log-in, directly in identity's tables. Requires that they are migrated.

    On SQLite the market must be closed meanwhile; on PostgreSQL it may be open. Raises NotAdded.
    """
    if settings.environment == "development":
        settings = with_development_secrets(settings)
    clock = SystemClock()
    core = core_of("identity", settings, clock, market.database_of("identity", settings, clock), Directory())
    core.database.open()
    try:
        await core.outbox.lease()
        made = await bootstrap(identity.build(core).state.service, [log_in])
        await core.outbox.release()
    except Failure as failure:
        raise NotAdded(f"{log_in.login}: {failure.__doc__}") from failure
    finally:
        await core.database.close()
    if not made:
        raise NotAdded(f"{log_in.login}: this log-in is there already, and keeps its password")
