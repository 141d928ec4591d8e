"""What the acts of `pricing` need, and to whom a version shows."""

from dataclasses import dataclass

from services.catalog.client import CatalogClient, VersionView
from shared.access import Caller, Role
from shared.changes import Source
from shared.clock import Clock
from shared.database import Database
from shared.grades import C5, G5, Flag, Visibility, visibility
from shared.ids import ParticipantId
from shared.outbox import Outbox
from shared.oversight import oversight
from shared.permission import OPERATORS
from shared.standing import StandingMirror

STAFF = frozenset(OPERATORS) | {Role.REGULATOR}
REGISTERED, WITHDRAWN = "registered", "withdrawn"  # states of an asset, as the catalogue tells them


@dataclass(frozen=True, slots=True)
class Pricing:
    """What the acts of this service need."""

    database: Database
    outbox: Outbox
    standing: StandingMirror
    catalog: CatalogClient
    clock: Clock
    trading_feed: Source


async def shows(pricing: Pricing, caller: Caller, version: VersionView) -> bool:
    """Whether the catalogue's entry shows to the caller, in part at least. Asked before any transaction."""
    return shows_by_grade(pricing, caller, version) or await is_opened(pricing, caller, version)


async def is_opened(pricing: Pricing, caller: Caller, version: VersionView) -> bool:
    """Whether important data, which show to nobody by their grade, are open to the caller: while a request of theirs
    for access stands approved. Asked before any transaction."""
    if version.grade is not G5 or version.certificate_id is None or caller.participant_id is None:
        return False
    if pricing.standing.clearance_of(caller.participant_id) is not C5:
        return False
    return bool(await pricing.catalog.access(version.id, caller.participant_id))


def shows_by_grade(pricing: Pricing, caller: Caller, version: VersionView) -> bool:
    """To its provider always, to the staff by its offices, and from G4 on by name."""
    overseen = oversight(caller.roles, pricing.standing.charges_of(caller.subject))
    if _is(caller.participant_id, version.provider_id):
        return True
    if overseen.reaches(version.grade, version.asset_id, version.provider_id):
        return True
    if version.certificate_id is None or version.grade is None:
        return False
    clearance = pricing.standing.clearance_of(caller.participant_id)
    return visibility(version.grade, clearance) is not Visibility.NONE


def is_public(version: VersionView) -> bool:
    """Whether its price is capped: 公共数据."""
    return Flag.PUBLIC_DATA in version.flags


def _is(participant_id: ParticipantId | None, provider_id: ParticipantId) -> bool:
    return participant_id is not None and participant_id == provider_id
