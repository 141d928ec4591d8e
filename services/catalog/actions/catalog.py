"""What the acts of this service need, and who looks at what."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from services.catalog.rules.viewing import ANYONE, Viewer
from shared.access import Caller, Member, Role
from shared.core import Core
from shared.database import Database
from shared.ids import Id
from shared.outbox import Outbox
from shared.permission import OPERATORS
from shared.standing import StandingMirror

STAFF = frozenset(OPERATORS) | {Role.REGULATOR}
EVERYTHING = Viewer(is_staff=True)  # what the service itself looks at, before it decides who else may
AnyId = TypeVar("AnyId", bound=Id)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Catalog:
    database: Database
    outbox: Outbox
    standing: StandingMirror

    @classmethod
    def of(cls, core: Core) -> "Catalog":
        return cls(core.database, core.outbox, core.standing)


def viewer(catalog: Catalog, caller: Caller | Member | None) -> Viewer:
    """What the caller may be shown, by their standing at this moment."""
    if isinstance(caller, Member):
        return viewer(catalog, caller.caller)
    if caller is None:
        return ANYONE
    clearance = catalog.standing.clearance_of(caller.participant_id)
    return Viewer(caller.participant_id, clearance, is_staff=bool(STAFF & caller.roles))


async def move_on(due: Iterable[AnyId], move: Callable[[AnyId], Awaitable[None]]) -> None:
    """Move each on whose deadline has passed. One that cannot be keeps no other waiting."""
    for each in due:
        try:
            await move(each)
        except Exception:
            log.exception("%s could not be moved on; it is tried again", each)
