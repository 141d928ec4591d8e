"""What happens when content has been inspected, and when a grade is proposed or raised."""

from dataclasses import replace

from services.catalog.actions import lineage, quality
from services.catalog.actions.catalog import Catalog, require_overseen, viewer
from services.catalog.actions.on_file import on_record
from services.catalog.actions.regrading import facts_of_raise, regrade
from services.catalog.events.grading import GradeProposed
from services.catalog.events.version import ContentInspected, ContentRefused
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import grading as grading_rules
from services.catalog.rules import registration
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Asset
from services.catalog.rules.grading import Grading, Grounds, Impact
from services.catalog.rules.quality import Declaration
from services.catalog.rules.version import INSPECTOR, NoSuchVersion, NotTheInspector, Version
from services.catalog.rules.viewing import Known
from services.catalog.schemas.versions import InspectionReport
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store import quality as quality_store
from shared.access import Caller, Member, ServiceCaller
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import VersionId

Graded = tuple[Version, Grading]


async def report_inspection(
    catalog: Catalog, service: ServiceCaller, version_id: VersionId, report: InspectionReport, once: Once
) -> Known:
    """Take the inspector's word for what an upload holds. The same report again changes nothing."""
    if service.name != INSPECTOR:
        raise NotTheInspector(service=service.name)
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Known):
            return earlier
        before = await store.entry_of_version_for_update(tx, version_id)
        now = await catalog.database.now(tx)
        after, facts = before, list[Fact]()
        version = _reported(before.version(version_id), report)
        if version is not before.version(version_id):
            asset_rules.require_changeable(before.asset)
            registration.require_in_time(before, now)
            after = before.replacing(version)
            facts.append(_told(after.asset, version, report))
            if version.content:
                await evidence_store.add_fields(tx, version_id, report.found(), report.duplicate_rows)
                await evidence_store.add_sketch(tx, version_id, report.sketch())
                after, _, assessed = await quality.assess(tx, after, version_id, Declaration(), now)
                facts.append(assessed)
            await store.save_entry(tx, before, after)
        conditions = await on_record(tx, after.asset.id, version_id, now)
        judged = await quality_store.last_report(tx, version_id)
        inspected = Known(after.asset, version, report.found(), conditions, quality=judged)
        await once.remember(tx, inspected)
        await catalog.outbox.record(tx, service.actor, now, *facts)
    return inspected


async def propose_grade(
    catalog: Catalog, provider: Member, version_id: VersionId, grounds: Grounds, once: Once
) -> Graded:
    """Grade the version by its provider's assessment and by what was found. What operators added before stays."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Graded):
            return earlier
        before = await store.entry_of_version_for_update(tx, version_id, provider.participant_id)
        now = await catalog.database.now(tx)
        asset_rules.require_changeable(before.asset)
        registration.require_in_time(before, now)
        known, found = await evidence_store.grounds_of(tx, version_id)
        version = before.version(version_id)
        grounds = replace(grounds, added=known.added, struck=known.struck, derived=known.derived)
        grading = grading_rules.grade(grounds, found, version.rows)
        version = version_rules.propose_grade(version, grading)
        after = asset_rules.reopen(before.replacing(version), now)
        await store.save_entry(tx, before, after)
        await evidence_store.add_grading(tx, version, grounds, grading, provider.subject, now)
        await once.remember(tx, (version, grading))
        proposed = GradeProposed.of(after.asset, version, grading.reasons)
        await catalog.outbox.record(tx, provider.actor, now, proposed)
    return version, grading


async def raise_grade(
    catalog: Catalog, raiser: Caller, version_id: VersionId, impacts: tuple[Impact, ...], reason: str, once: Once
) -> Graded:
    """Add impacts that raise the grade. One commit: whoever compares `grade_revision` afterwards sees the new one."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Graded):
            return earlier
        before = await store.entry_of_version_for_update(tx, version_id)
        require_overseen(catalog, raiser, before, NoSuchVersion)
        now = await catalog.database.now(tx)
        known, found = await evidence_store.grounds_of(tx, version_id)
        grounds = replace(known, added=(*known.added, *impacts))
        version = before.version(version_id)
        grading = grading_rules.grade(grounds, found, version.rows)
        version = version_rules.raise_grade(version, grading)
        after, closed = await regrade(tx, before, version, grounds, grading, raiser.subject, now)
        raised = await facts_of_raise(tx, after, version_id, grading, reason, now)
        await once.remember(tx, (version, grading))
        await catalog.outbox.record(tx, raiser.actor, now, *raised, *closed)
    await lineage.raise_lagging(catalog)
    return version, grading


async def grade(catalog: Catalog, caller: Caller, version_id: VersionId) -> Graded:
    """The grade and all its reasons, for the provider and the platform's staff. Raises NoSuchVersion for others."""
    async with catalog.database.read() as tx:
        found = await store.entry_of_version(tx, version_id)
        last = await evidence_store.last_grading(tx, version_id)
    if last is None or not viewer(catalog, caller).reads_files_of(found):
        raise NoSuchVersion()
    return found.version(version_id), last[1]


async def reviewers(catalog: Catalog, version_id: VersionId) -> list[str]:
    """Whoever graded a version or had a part in registering it. Raises NoSuchVersion."""
    async with catalog.database.read() as tx:
        await store.entry_of_version(tx, version_id)
        return await evidence_store.reviewers_of(tx, version_id)


def _reported(known: Version, report: InspectionReport) -> Version:
    """The version after the report; the same one if this very content was reported before."""
    if content := report.content():
        return version_rules.report_content(known, content)
    return version_rules.report_refusal(known, str(report.refused))


def _told(asset: Asset, version: Version, report: InspectionReport) -> ContentInspected | ContentRefused:
    if version.content:
        return ContentInspected.of(asset, version, report.found(), report.fingerprint)
    return ContentRefused.of(asset, version, report.upload_id)
