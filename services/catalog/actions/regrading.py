"""What happens when a registered version has to be graded again: reported, assessed, confirmed, or left too long."""

from dataclasses import replace
from datetime import datetime

from services.catalog.actions.catalog import Catalog, move_on, require_overseen, viewer
from services.catalog.actions.on_file import on_record
from services.catalog.events.grading import GradeRaised
from services.catalog.events.important_data import CoreDataStopped
from services.catalog.events.regrading import (
    RegradingAssessed,
    RegradingClosed,
    RegradingOpened,
    RegradingOverdue,
)
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import grading as grading_rules
from services.catalog.rules import registration
from services.catalog.rules import regrading as rules
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.grading import Grading, Grounds
from services.catalog.rules.regrading import NoSuchRegrading, Regrading, State, Trigger
from services.catalog.rules.version import NoSuchVersion, Version
from services.catalog.rules.viewing import EVERYTHING
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store import regradings as regrading_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.grades import G6
from shared.idempotency import Once
from shared.ids import RegradingId, VersionId
from shared.web import Page


async def report(
    catalog: Catalog, reporter: Caller, version_id: VersionId, trigger: Trigger, note: str, once: Once
) -> Regrading:
    """Say that something changed. Raises NoSuchVersion for whoever is neither its provider nor staff."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Regrading):
            return earlier
        entry = await store.entry_of_version_for_update(tx, version_id)
        if not viewer(catalog, reporter).reads_files_of(entry):
            raise NoSuchVersion()
        now = await catalog.database.now(tx)
        asset_rules.require_not_withdrawn(entry.asset)
        version = entry.version(version_id)
        owner, regrading_id = entry.asset.provider_id, RegradingId.new()
        regrading = rules.start(regrading_id, version, owner, trigger, note, reporter.subject, now)
        await regrading_store.add_regrading(tx, regrading)
        await once.remember(tx, regrading)
        await catalog.outbox.record(tx, reporter.actor, now, RegradingOpened.of(regrading))
    return regrading


async def assess(
    catalog: Catalog, provider: Member, regrading_id: RegradingId, said: Grounds, once: Once
) -> Regrading:  # fmt: skip
    """Assess one's version afresh. What is said is added to the grounds: if that raises the grade the duty is done;
    if not, an operator has to confirm that the grade stands."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Regrading):
            return earlier
        seen = await regrading_store.regrading(tx, regrading_id, viewer(catalog, provider))
        before = await store.entry_of_version_for_update(tx, seen.version_id, provider.participant_id)
        now = await catalog.database.now(tx)
        regrading = await regrading_store.regrading(tx, regrading_id, EVERYTHING)
        rules.require_in_time(regrading, now)
        version = before.version(regrading.version_id)
        known, found = await evidence_store.grounds_of(tx, version.id)
        grounds = replace(known, declared=(*known.declared, *said.declared), flags=known.flags | said.flags)
        grading = grading_rules.grade(grounds, found, version.rows)
        answered = rules.assess(regrading, said, now)
        facts: list[Fact] = [RegradingAssessed.of(answered)]
        await regrading_store.save_regrading(tx, answered)
        if version.graded and version_rules.raises(version.graded, grading):
            raised = version_rules.raise_grade(version, grading)
            after, closed = await regrade(tx, before, raised, grounds, grading, provider.subject, now)
            facts += [*await facts_of_raise(tx, after, raised.id, grading, str(regrading.trigger), now), *closed]
            answered = await regrading_store.regrading(tx, regrading_id, EVERYTHING)
        await once.remember(tx, answered)
        await catalog.outbox.record(tx, provider.actor, now, *facts)
    return answered


async def confirm(
    catalog: Catalog, operator: Caller, regrading_id: RegradingId, reason: str, once: Once
) -> Regrading:  # fmt: skip
    """Say that the grade stands, and why. Not by anyone of the provider's organisation."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Regrading):
            return earlier
        seen = await regrading_store.regrading(tx, regrading_id, EVERYTHING)
        before = await store.entry_of_version_for_update(tx, seen.version_id)
        now = await catalog.database.now(tx)
        require_overseen(catalog, operator, before, NoSuchRegrading)
        registration.require_independent(before.asset, operator.participant_id)
        regrading = await regrading_store.regrading(tx, regrading_id, EVERYTHING)
        rules.require_in_time(regrading, now)
        closed = rules.close(regrading, rules.UNCHANGED)
        await regrading_store.save_regrading(tx, closed)
        if not await regrading_store.open_regradings(tx, closed.version_id):
            after = before.replacing(version_rules.renew(before.version(closed.version_id), now))
            await store.save_entry(tx, before, after)
        await once.remember(tx, closed)
        await catalog.outbox.record(tx, operator.actor, now, RegradingClosed.of(closed, reason))
    return closed


async def regrading(catalog: Catalog, caller: Caller, regrading_id: RegradingId) -> Regrading:
    """For its provider, the operators and the regulator. Raises NoSuchRegrading for others."""
    async with catalog.database.read() as tx:
        return await regrading_store.regrading(tx, regrading_id, viewer(catalog, caller))


async def regradings(
    catalog: Catalog, caller: Caller, version_id: VersionId | None, state: State | None, page: Page
) -> list[Regrading]:
    """Newest first; one more than the page's limit."""
    looking, before = viewer(catalog, caller), page.after_id(RegradingId)
    async with catalog.database.read() as tx:
        return await regrading_store.page_of_regradings(tx, looking, version_id, state, before, page.limit + 1)


async def regrade(
    tx: Transaction, before: Entry, version: Version, grounds: Grounds, grading: Grading, given_by: str, now: datetime
) -> tuple[Entry, list[RegradingClosed]]:
    """Save a version under its new grade, with its grounds. A fresh grade ends every duty to grade it again."""
    closed = [rules.close(duty, rules.REGRADED) for duty in await regrading_store.open_regradings(tx, version.id)]
    for duty in closed:
        await regrading_store.save_regrading(tx, duty)
    after = before.replacing(version_rules.renew(version, now) if version.is_registered else version)
    after = replace(after, asset=registration.after_regrading(after))
    await store.save_entry(tx, before, after)
    await evidence_store.add_grading(tx, version, grounds, grading, given_by, now)
    return after, [RegradingClosed.of(duty) for duty in closed]


async def facts_of_raise(
    tx: Transaction, after: Entry, version_id: VersionId, grading: Grading, reason: str, now: datetime
) -> list[Fact]:
    """That the grade was raised; and, of a registered version that is core data now, that it is stopped."""
    version = after.version(version_id)
    conditions = await on_record(tx, after.asset.id, version_id, now)
    facts: list[Fact] = [GradeRaised.of(after.asset, version, grading.reasons, conditions, reason)]
    if version.is_registered and grading.grade is G6:
        facts.append(CoreDataStopped.of(after.asset, version))
    return facts


async def pass_regrading_deadlines(catalog: Catalog) -> None:
    """Open the yearly duties, mark the versions whose duties are late, and end those that nothing is left of."""
    async with catalog.database.read() as tx:
        now = await catalog.database.now(tx)
        yearly = await regrading_store.versions_to_regrade(tx, now)
        due = await regrading_store.due_regradings(tx, now)

    async def fall_due(version_id: VersionId) -> None:
        await _fall_due(catalog, version_id)

    async def pass_deadline(regrading_id: RegradingId) -> None:
        await _pass_deadline(catalog, regrading_id)

    await move_on(yearly, fall_due)
    await move_on(due, pass_deadline)


async def _fall_due(catalog: Catalog, version_id: VersionId) -> None:
    async with catalog.database.transaction() as tx:
        before = await store.entry_of_version_for_update(tx, version_id)
        now = await catalog.database.now(tx)
        version = before.version(version_id)
        if version.regrade_by is None or now < version.regrade_by:
            return
        await store.save_entry(tx, before, before.replacing(version_rules.fall_due(version)))
        if before.asset.state is asset_rules.REGISTERED:
            owner, regrading_id = before.asset.provider_id, RegradingId.new()
            duty = rules.start(regrading_id, version, owner, Trigger.TIME, rules.A_YEAR_PASSED, None, now)
            await regrading_store.add_regrading(tx, duty)
            await catalog.outbox.record(tx, catalog.outbox.itself, now, RegradingOpened.of(duty))


async def _pass_deadline(catalog: Catalog, regrading_id: RegradingId) -> None:
    async with catalog.database.transaction() as tx:
        seen = await regrading_store.regrading(tx, regrading_id, EVERYTHING)
        before = await store.entry_of_version_for_update(tx, seen.version_id)
        now = await catalog.database.now(tx)
        regrading = await regrading_store.regrading(tx, regrading_id, EVERYTHING)
        if regrading.deadline is None or now < regrading.deadline:
            return
        registered = before.asset.state is asset_rules.REGISTERED
        late = rules.pass_deadline(regrading, registered=registered, now=now)
        await regrading_store.save_regrading(tx, late)
        fact: Fact = RegradingClosed.of(late)
        if late.state is rules.OVERDUE:
            fact = RegradingOverdue.of(late)
            marked = before.replacing(version_rules.mark_overdue(before.version(late.version_id)))
            await store.save_entry(tx, before, marked)
        await catalog.outbox.record(tx, catalog.outbox.itself, now, fact)
