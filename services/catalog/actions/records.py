"""What a provider puts on record, and takes back: either takes effect at once, wherever its data are delivered."""

from services.catalog.actions.catalog import Catalog, move_on, viewer
from services.catalog.actions.on_file import follow
from services.catalog.events.records import RecordAdded, RecordExpired, RecordWithdrawn
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import records as rules
from services.catalog.rules.records import Evidence, Record
from services.catalog.rules.version import NoSuchVersion
from services.catalog.rules.viewing import EVERYTHING
from services.catalog.store import entries as store
from services.catalog.store import records as record_store
from shared import jobs
from shared.access import Caller, Member
from shared.idempotency import Once
from shared.ids import AssetId, RecordId, VersionId
from shared.web import Page


async def add(
    catalog: Catalog, provider: Member, asset_id: AssetId, version_id: VersionId | None, evidence: Evidence, once: Once
) -> Record:
    """Put it on record for one version of one's own asset, or for all of them."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Record):
            return earlier
        before = await store.entry_for_update(tx, asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        asset_rules.require_not_withdrawn(before.asset)
        if version_id and version_id not in {version.id for version in before.versions}:
            raise NoSuchVersion()
        record = rules.put_on_record(RecordId.new(), before.asset, version_id, evidence, now)
        after, changes = await follow(tx, before, record, now)
        await store.save_entry(tx, before, after)
        await record_store.add_record(tx, record)
        await once.remember(tx, record)
        await catalog.outbox.record(tx, provider.actor, now, RecordAdded.of(record), *changes)
    return record


async def withdraw(catalog: Catalog, provider: Member, record_id: RecordId, reason_code: str, once: Once) -> Record:
    """In one commit it proves nothing any more, and whoever compares `grade_revision` sees that something changed."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Record):
            return earlier
        seen = await record_store.record(tx, record_id, viewer(catalog, provider))
        before = await store.entry_for_update(tx, seen.asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        record = rules.withdraw(await record_store.record(tx, record_id, EVERYTHING), reason_code)
        after, changes = await follow(tx, before, record, now)
        await store.save_entry(tx, before, after)
        await record_store.save_record(tx, record)
        await once.remember(tx, record)
        await catalog.outbox.record(tx, provider.actor, now, RecordWithdrawn.of(record), *changes)
    return record


async def record(catalog: Catalog, caller: Caller, record_id: RecordId) -> Record:
    """For its provider, the operators and the regulator. Raises NoSuchRecord for others."""
    async with catalog.database.read() as tx:
        return await record_store.record(tx, record_id, viewer(catalog, caller))


async def records(catalog: Catalog, caller: Caller, asset_id: AssetId | None, page: Page) -> list[Record]:
    """Newest first; one more than the page's limit."""
    async with catalog.database.read() as tx:
        before = page.after_id(RecordId)
        return await record_store.page_of_records(tx, viewer(catalog, caller), asset_id, before, page.limit + 1)


async def pass_record_deadlines(catalog: Catalog) -> None:
    """Notice the records whose time is up."""
    due = await jobs.due(catalog.database, record_store.due_records)

    async def expire(record_id: RecordId) -> None:
        async with catalog.database.transaction() as tx:
            seen = await record_store.record(tx, record_id, EVERYTHING)
            before = await store.entry_for_update(tx, seen.asset_id)
            now = await catalog.database.now(tx)
            record = await record_store.record(tx, record_id, EVERYTHING)
            if record.deadline is None or now < record.deadline:
                return
            expired = rules.expire(record)
            after, changes = await follow(tx, before, expired, now)
            await store.save_entry(tx, before, after)
            await record_store.save_record(tx, expired)
            await catalog.outbox.record(tx, catalog.outbox.itself, now, RecordExpired.of(expired), *changes)

    await move_on(due, expire)
