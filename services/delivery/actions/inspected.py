"""Uploads that passed inspection, as they are asked for at every delivery: they never change, and so are read once."""

from services.delivery.actions.depot import Depot
from services.delivery.rules.delivery import ContentMissing
from services.delivery.rules.upload import Upload
from services.delivery.store import uploads
from shared import tenancy
from shared.ids import VersionId

KNOWN_MAX = 1000


async def inspected(depot: Depot, version_id: VersionId) -> Upload:
    """The upload that is the version's content. Raises ContentMissing."""
    if known := depot.inspected.get(version_id):
        return known
    with tenancy.for_everyone():
        async with depot.database.read() as tx:
            found = await uploads.inspected_upload(tx, version_id)
    if found is None:
        raise ContentMissing()
    if len(depot.inspected) >= KNOWN_MAX:
        del depot.inspected[next(iter(depot.inspected))]
    depot.inspected[version_id] = found
    return found
