"""What the acts of this service need, and who looks at what."""

from dataclasses import dataclass

from services.catalog.rules.viewing import ANYONE, Viewer
from shared.access import Caller, Member, Role
from shared.changes import FeedClient, Source
from shared.clock import Clock
from shared.core import Core
from shared.database import Database
from shared.outbox import Outbox
from shared.permission import OPERATORS
from shared.standing import StandingMirror

STAFF = frozenset(OPERATORS) | {Role.REGULATOR}


@dataclass(frozen=True, slots=True)
class Catalog:
    database: Database
    outbox: Outbox
    standing: StandingMirror
    clock: Clock
    trading_feed: Source

    @classmethod
    def of(cls, core: Core) -> "Catalog":
        return cls(core.database, core.outbox, core.standing, core.clock, FeedClient(core.peer("trading")))


def viewer(catalog: Catalog, caller: Caller | Member | None) -> Viewer:
    """What the caller may be shown, by their standing at this moment."""
    if isinstance(caller, Member):
        return viewer(catalog, caller.caller)
    if caller is None:
        return ANYONE
    clearance = catalog.standing.clearance_of(caller.participant_id)
    return Viewer(caller.participant_id, clearance, is_staff=bool(STAFF & caller.roles))
