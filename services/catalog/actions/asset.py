"""What a provider does with an asset, and what anyone may read of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.actions.filing import deregister
from services.catalog.actions.on_file import on_record
from services.catalog.events.asset import AssetDescribed, AssetDrafted, AssetWithdrawn, SourceDeclared
from services.catalog.events.version import VersionAdded, VersionLapsed
from services.catalog.rules import access as access_rules
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import registration, viewing
from services.catalog.rules.asset import REGISTERED, Description, Entry, NoSuchAsset, SourceDeclaration
from services.catalog.rules.evidence import Field
from services.catalog.rules.version import Version
from services.catalog.rules.viewing import Known, Viewer
from services.catalog.schemas.assets import AssetChange
from services.catalog.store import access as access_store
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store import lineage as lineage_store
from services.catalog.store import quality as quality_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.grades import Visibility
from shared.idempotency import Once
from shared.ids import AssetId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry, and how much of it is shown to whom."""

    entry: Entry
    viewer: Viewer
    fields: Mapping[VersionId, tuple[Field, ...]] = field(default_factory=dict[VersionId, tuple[Field, ...]])


async def draft(catalog: Catalog, provider: Member, about: Description, once: Once) -> Entry:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        now = await catalog.database.now(tx)
        entry = asset_rules.draft(AssetId.new(), provider.participant_id, VersionId.new(), about, now)
        await store.add_entry(tx, entry)
        await once.remember(tx, entry)
        await catalog.outbox.record(tx, provider.actor, now, AssetDrafted.of(entry))
    return entry


async def describe(catalog: Catalog, provider: Member, asset_id: AssetId, change: AssetChange) -> Entry:
    """Needs no key: the same change again is no change, and nothing is recorded."""
    async with catalog.database.transaction() as tx:
        before = await store.entry_for_update(tx, asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        about = change.onto(before.asset.about)
        after = replace(before, asset=asset_rules.describe(before.asset, about, now))
        if after != before:
            await store.save_entry(tx, before, after)
            await catalog.outbox.record(tx, provider.actor, now, AssetDescribed.of(after.asset))
    return after


async def declare_source(
    catalog: Catalog, provider: Member, asset_id: AssetId, source: SourceDeclaration, once: Once
) -> Entry:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = await store.entry_for_update(tx, asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        after = asset_rules.declare_source(before, source, now)
        await store.save_entry(tx, before, after)
        await once.remember(tx, after)
        await catalog.outbox.record(tx, provider.actor, now, SourceDeclared.of(after.asset))
    return after


async def add_version(catalog: Catalog, provider: Member, asset_id: AssetId, once: Once) -> Entry:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = await store.entry_for_update(tx, asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        after = asset_rules.add_version(before, VersionId.new(), now)
        await store.save_entry(tx, before, after)
        await once.remember(tx, after)
        superseded = [after.version(before.pending.id)] if before.pending else []
        lapsed = [VersionLapsed.of(after.asset, version) for version in superseded]
        await catalog.outbox.record(tx, provider.actor, now, *lapsed, VersionAdded.of(after))
    return after


async def withdraw(catalog: Catalog, provider: Member, asset_id: AssetId, once: Once) -> Entry:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = await store.entry_for_update(tx, asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        if before.asset.state is REGISTERED:
            after, facts = await deregister(catalog, tx, before, now)
        else:
            after = replace(before, asset=asset_rules.withdraw(before.asset))
            await store.save_entry(tx, before, after)
            facts = [AssetWithdrawn.of(after.asset)]
        await once.remember(tx, after)
        await catalog.outbox.record(tx, provider.actor, now, *facts)
    return after


async def entry(catalog: Catalog, caller: Caller | None, asset_id: AssetId) -> Seen:
    """Raises NoSuchAsset alike for what is not there and for what does not show."""
    looking = viewer(catalog, caller)
    async with catalog.database.read() as tx:
        found = await store.entry(tx, asset_id)
        visibility = viewing.shown(found, looking)
        if visibility is Visibility.NONE:
            looking = await _approved(tx, found, looking, await catalog.database.now(tx))
            if not viewing.versions_shown(found, looking):
                raise NoSuchAsset()
        elif visibility is not Visibility.FULL:
            return Seen(found, looking)
        shown = viewing.versions_shown(found, looking)
        told = [version.id for version in shown if viewing.shows_fields(found.asset, version, looking)]
        told += await _opened(tx, shown, looking, await catalog.database.now(tx))
        return Seen(found, looking, await evidence_store.fields_of(tx, told))


async def version(catalog: Catalog, version_id: VersionId, recipient_id: ParticipantId | None = None) -> Known:
    """For a neighbouring service, which decides by itself what it shows of it; with what is on record towards one
    recipient, if it says for whom it asks."""
    async with catalog.database.read() as tx:
        found = await store.entry_of_version(tx, version_id)
        fields = (await evidence_store.fields_of(tx, [version_id])).get(version_id, ())
        now = await catalog.database.now(tx)
        conditions = await on_record(tx, found.asset.id, version_id, now, recipient_id)
        licence = (await lineage_store.terms_of(tx, [version_id])).get(version_id)
        report = await quality_store.last_report(tx, version_id)
    return Known(found.asset, found.version(version_id), fields, conditions, licence and licence[1], report)


async def _approved(tx: Transaction, entry: Entry, looking: Viewer, now: datetime) -> Viewer:
    """The viewer with the versions of important data that an approved request opens to them."""
    told_of = [version for version in entry.versions if viewing.may_be_told_of(entry, version, looking)]
    return replace(looking, approved=frozenset(await _opened(tx, told_of, looking, now)))


async def _opened(tx: Transaction, shown: Sequence[Version], looking: Viewer, now: datetime) -> list[VersionId]:
    """The versions whose field names an approved request opens to the viewer, though their grade may not."""
    if looking.participant_id is None:
        return []
    grades = {version.id: version.graded.grade for version in shown if version.graded}
    approved = await access_store.approved_of(tx, list(grades), looking.participant_id)
    return [one.version_id for one in approved if access_rules.stands(one, grades[one.version_id], now)]
