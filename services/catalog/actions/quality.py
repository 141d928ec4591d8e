"""What happens when content is measured, when its provider says what it should hold, and when a report has expired."""

from dataclasses import replace
from datetime import datetime

from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.events.quality import QualityAssessed
from services.catalog.rules import quality as quality_rules
from services.catalog.rules import viewing
from services.catalog.rules.asset import Entry
from services.catalog.rules.quality import Declaration, Measured, NoQualityReport, NothingMeasured, Report
from services.catalog.rules.version import NoSuchVersion
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store import quality as quality_store
from services.catalog.store import search as search_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.idempotency import Once
from shared.ids import VersionId


async def declare(
    catalog: Catalog, provider: Member, version_id: VersionId, declared: Declaration, once: Once
) -> Report:
    """Requires one's own version with inspected content. The report that follows takes the place of the one before."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Report):
            return earlier
        before = await store.entry_of_version_for_update(tx, version_id, provider.participant_id)
        now = await catalog.database.now(tx)
        after, report, fact = await assess(tx, before, version_id, declared, now)
        await store.save_entry(tx, before, after)
        await once.remember(tx, report)
        await catalog.outbox.record(tx, provider.actor, now, fact)
    return report


async def report(catalog: Catalog, caller: Caller, version_id: VersionId) -> Report:
    """The report that counts. Raises NoQualityReport alike where there is none and where it does not show."""
    looking = viewer(catalog, caller)
    async with catalog.database.read() as tx:
        try:
            entry = await store.entry_of_version(tx, version_id)
        except NoSuchVersion as absent:
            raise NoQualityReport() from absent
        found = await quality_store.last_report(tx, version_id)
    version = entry.version(version_id)
    shown, grade = viewing.version_shown(entry, version, looking), version.graded.grade if version.graded else None
    if found is None or not quality_rules.is_shown(grade, shown):
        raise NoQualityReport()
    return found


async def assessment(catalog: Catalog, version_id: VersionId) -> Report:
    """The last report, for a neighbour who hands it to whoever has bought the version. Raises NoQualityReport."""
    async with catalog.database.read() as tx:
        found = await quality_store.last_report(tx, version_id)
    if found is None:
        raise NoQualityReport()
    return found


async def renew_expired(catalog: Catalog) -> None:
    """Assess anew, on the same measurements and what was declared: the data have grown older."""
    async with catalog.database.read() as tx:
        expired = await quality_store.expired(tx, await catalog.database.now(tx))
    for version_id in expired:
        async with catalog.database.transaction() as tx:
            before = await store.entry_of_version_for_update(tx, version_id)
            now = await catalog.database.now(tx)
            last = await quality_store.last_report(tx, version_id)
            if last is not None and last.expires_at <= now:
                after, _, fact = await assess(tx, before, version_id, last.declaration, now)
                await store.save_entry(tx, before, after)
                await catalog.outbox.record(tx, catalog.outbox.itself, now, fact)


async def rank(tx: Transaction, entry: Entry, version_id: VersionId) -> None:
    """Let the entry be sorted by the quality of a version that is registered now."""
    report = await quality_store.last_report(tx, version_id)
    await search_store.score_quality(tx, entry.asset.id, report and report.score_basis_points)


async def assess(
    tx: Transaction, entry: Entry, version_id: VersionId, declared: Declaration, now: datetime
) -> tuple[Entry, Report, QualityAssessed]:
    """Keep a report. Requires that the entry is locked, and saved as it comes back: each of its facts has its own
    revision. Raises NothingMeasured where nothing was inspected."""
    version = entry.version(version_id)
    fields = (await evidence_store.fields_of(tx, [version_id])).get(version_id)
    if version.content is None or fields is None:
        raise NothingMeasured(state=version.state)
    measured = Measured(version.content.rows, await evidence_store.duplicate_rows_of(tx, version_id), fields)
    found = quality_rules.report(entry.asset.about, measured, declared, now)
    await quality_store.add_report(tx, version_id, found)
    if version.is_registered:
        await search_store.score_quality(tx, entry.asset.id, found.score_basis_points)
    after = replace(entry, asset=replace(entry.asset, revision=entry.asset.revision + 1))
    return after, found, QualityAssessed.of(after.asset, version, found)
