"""What happens with important data: where they are filed, the catalogue that this makes, and how it stood on a day."""

from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.events.important_data import CatalogueTaken, ImportantDataFiled
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import important_catalogue
from services.catalog.rules import important_data as rules
from services.catalog.rules.important_catalogue import Change, Snapshot
from services.catalog.rules.important_data import Declaration, Filing
from services.catalog.store import entries as store
from services.catalog.store import important_catalogue as snapshot_store
from services.catalog.store import important_data as important_store
from services.catalog.store.important_data import Important
from shared.access import Caller, Member
from shared.idempotency import Once
from shared.ids import AuthorityFilingId, CatalogueSnapshotId, VersionId
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


async def catalogue(catalog: Catalog, caller: Caller, filed: bool | None, page: Page) -> list[Important]:
    """Newest first, as far as it shows to the caller by name; one more than the page's limit."""
    before = page.after_id(VersionId)
    async with catalog.database.read() as tx:
        return await important_store.catalogue(tx, viewer(catalog, caller), filed, before, page.limit + 1)


async def take_snapshot(catalog: Catalog, operator: Caller, once: Once) -> Snapshot:
    """Keep the catalogue as it stands now, for the authority and for what will be compared with it."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, CatalogueSnapshotId):
            return await snapshot_store.snapshot(tx, earlier)
        now = await catalog.database.now(tx)
        rows = await snapshot_store.present_rows(tx)
        taken = important_catalogue.take(CatalogueSnapshotId.new(), rows, operator.subject, now)
        await snapshot_store.add_snapshot(tx, taken)
        await once.remember(tx, taken.id)
        await catalog.outbox.record(tx, operator.actor, now, CatalogueTaken.of(taken))
    return taken


async def snapshot(catalog: Catalog, snapshot_id: CatalogueSnapshotId) -> Snapshot:
    async with catalog.database.read() as tx:
        return await snapshot_store.snapshot(tx, snapshot_id)


async def snapshots(catalog: Catalog, page: Page) -> list[Snapshot]:
    """Newest first; one more than the page's limit."""
    before = page.after_id(CatalogueSnapshotId)
    async with catalog.database.read() as tx:
        return await snapshot_store.page_of_snapshots(tx, before, page.limit + 1)


async def changes_since(
    catalog: Catalog, snapshot_id: CatalogueSnapshotId, since_id: CatalogueSnapshotId | None
) -> tuple[Snapshot, list[Change]]:
    """What differs from an earlier catalogue, or from the last one before it. Raises NoSuchSnapshot."""
    async with catalog.database.read() as tx:
        taken = await snapshot_store.snapshot(tx, snapshot_id)
        reading = snapshot_store.snapshot(tx, since_id) if since_id else snapshot_store.snapshot_before(tx, snapshot_id)
        since = await reading
    return since, important_catalogue.changes(since.rows, taken.rows)
