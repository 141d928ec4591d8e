"""What waits for somebody of the exchange to be named for it."""

from services.catalog.actions.catalog import Catalog
from services.catalog.store import unassigned as store
from services.catalog.store.unassigned import Unassigned
from shared.ids import AssetId
from shared.oversight import BUSINESS, oversight
from shared.web import Page


async def unassigned(catalog: Catalog, page: Page) -> list[Unassigned]:
    """Oldest first, one more than the page's limit: what all officers of the business together do not see."""
    assigned = oversight({BUSINESS}, catalog.standing.assigned())
    async with catalog.database.read() as tx:
        return await store.unassigned(tx, assigned, page.after_id(AssetId), page.limit + 1)
