"""What happens with important data: where they are filed, and the catalogue that this makes."""

from services.catalog.actions.catalog import Catalog
from services.catalog.events.important_data import ImportantDataFiled
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import important_data as rules
from services.catalog.rules.important_data import Declaration, Filing
from services.catalog.store import entries as store
from services.catalog.store import important_data as important_store
from services.catalog.store.important_data import Important
from shared.access import Member
from shared.idempotency import Once
from shared.ids import AuthorityFilingId, VersionId
from shared.web import Page


async def file(
    catalog: Catalog, provider: Member, version_id: VersionId, declared: Declaration, once: Once
) -> Filing:  # fmt: skip
    """Tell where one's important data are filed. A later filing takes the place of an earlier one."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        entry = await store.entry_of_version_for_update(tx, version_id, provider.participant_id)
        now = await catalog.database.now(tx)
        asset_rules.require_not_withdrawn(entry.asset)
        filing = rules.file(AuthorityFilingId.new(), entry.version(version_id), entry.asset.provider_id, declared, now)
        await important_store.add_filing(tx, filing)
        await once.remember(tx, filing)
        await catalog.outbox.record(tx, provider.actor, now, ImportantDataFiled.of(filing))
    return filing


async def catalogue(catalog: Catalog, filed: bool | None, page: Page) -> list[Important]:
    """Newest first; one more than the page's limit."""
    before = page.after_id(VersionId)
    async with catalog.database.read() as tx:
        return await important_store.catalogue(tx, filed, before, page.limit + 1)
