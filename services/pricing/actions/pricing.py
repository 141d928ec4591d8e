"""What the acts of `pricing` need, and to whom a version shows."""

from dataclasses import dataclass

from services.catalog.client import CatalogClient, VersionView
from shared.access import Caller, Role
from shared.changes import Source
from shared.clock import Clock
from shared.database import Database
from shared.grades import Flag, Visibility, visibility
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


def shows(pricing: Pricing, caller: Caller, version: VersionView) -> bool:
    """Whether the catalogue's entry shows to the caller, in part at least; to its provider always, to the staff by its
    offices, and from G4 on by name."""
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
