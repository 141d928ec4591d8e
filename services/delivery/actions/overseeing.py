"""Which versions somebody of the staff sees what is said of: by their office, and from G4 on by name."""

from services.catalog.client import VersionView
from services.delivery.actions.depot import Depot
from shared.access import Caller
from shared.oversight import oversight


def oversees(depot: Depot, caller: Caller, version: VersionView) -> bool:
    overseen = oversight(caller.roles, depot.standing.charges_of(caller.subject))
    return overseen.reaches(version.grade, version.asset_id, version.provider_id)
