"""What happens when a provider petitions for a version: a lower grade, or an accepted risk assessment."""

from datetime import datetime

from services.catalog.actions.catalog import Catalog, move_on, require_overseen, viewer
from services.catalog.actions.on_file import follow, on_record
from services.catalog.actions.regrading import regrade
from services.catalog.events.grading import GradeLowered
from services.catalog.events.petition import (
    PetitionAgreed,
    PetitionExpired,
    PetitionGranted,
    PetitionLapsed,
    PetitionRefused,
    PetitionSubmitted,
    PetitionWithdrawn,
)
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import grading as grading_rules
from services.catalog.rules import important_data, lowering, registration
from services.catalog.rules import petition as rules
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.grading import Grading, Grounds
from services.catalog.rules.lowering import Strike
from services.catalog.rules.petition import GRANTED, NoSuchPetition, Petition, RiskAssessment, State
from services.catalog.rules.registration import VersionNotGraded
from services.catalog.rules.version import Version
from services.catalog.rules.viewing import EVERYTHING
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store import petitions as petition_store
from shared import jobs
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import PetitionId, VersionId
from shared.web import Page

Asked = Strike | RiskAssessment


async def submit(
    catalog: Catalog, provider: Member, version_id: VersionId, asked: Asked, rationale: str, evidence_hash: str,
    once: Once,
) -> Petition:  # fmt: skip
    """Hand it to the operators. Raises what would keep it from being granted as things stand now."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Petition):
            return earlier
        entry = await store.entry_of_version_for_update(tx, version_id, provider.participant_id)
        now = await catalog.database.now(tx)
        asset_rules.require_not_withdrawn(entry.asset)
        version = entry.version(version_id)
        if isinstance(asked, Strike):
            await _lowered(tx, version, asked)
        else:
            important_data.require_important(version)
        petition_id, owner = PetitionId.new(), entry.asset.provider_id
        petition = rules.submit(petition_id, version, owner, asked, rationale, evidence_hash, now)
        await petition_store.add_petition(tx, petition)
        await once.remember(tx, petition)
        await catalog.outbox.record(tx, provider.actor, now, PetitionSubmitted.of(petition))
    return petition


async def agree(catalog: Catalog, operator: Caller, petition_id: PetitionId, note: str, once: Once) -> Petition:
    """An operator's yes. Where two are needed, the second grants it, and it takes effect in that commit."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Petition):
            return earlier
        entry, before = await _in_review(catalog, tx, petition_id, operator)
        now = await catalog.database.now(tx)
        asset_rules.require_not_withdrawn(entry.asset)
        graded = entry.version(before.version_id).graded
        assert graded  # or it could not have been submitted
        catalog.standing.require_fresh(graded.grade)
        petition = rules.agree(before, operator.subject, graded.grade, graded.revision, now)
        if petition.state is GRANTED:
            facts = await _take_effect(tx, entry, petition, note, now)
        else:
            facts = [PetitionAgreed.of(petition, note)]
        await petition_store.save_petition(tx, petition)
        await once.remember(tx, petition)
        await catalog.outbox.record(tx, operator.actor, now, *facts)
    return petition


async def refuse(
    catalog: Catalog, operator: Caller, petition_id: PetitionId, reason_code: str, reason: str, once: Once
) -> Petition:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Petition):
            return earlier
        _, before = await _in_review(catalog, tx, petition_id, operator)
        now = await catalog.database.now(tx)
        petition = rules.refuse(before, reason_code, now)
        await petition_store.save_petition(tx, petition)
        await once.remember(tx, petition)
        await catalog.outbox.record(tx, operator.actor, now, PetitionRefused.of(petition, reason))
    return petition


async def withdraw(catalog: Catalog, provider: Member, petition_id: PetitionId, once: Once) -> Petition:
    """Take one's own petition back, while nobody has decided it."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Petition):
            return earlier
        seen = await petition_store.petition(tx, petition_id, viewer(catalog, provider))
        await store.entry_for_update(tx, seen.asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        petition = rules.withdraw(await petition_store.petition(tx, petition_id, EVERYTHING), now)
        await petition_store.save_petition(tx, petition)
        await once.remember(tx, petition)
        await catalog.outbox.record(tx, provider.actor, now, PetitionWithdrawn.of(petition))
    return petition


async def petition(catalog: Catalog, caller: Caller, petition_id: PetitionId) -> Petition:
    """For its provider, the operators and the regulator. Raises NoSuchPetition for others."""
    async with catalog.database.read() as tx:
        return await petition_store.petition(tx, petition_id, viewer(catalog, caller))


async def petitions(
    catalog: Catalog, caller: Caller, version_id: VersionId | None, state: State | None, page: Page
) -> list[Petition]:
    """Newest first; one more than the page's limit."""
    looking, before = viewer(catalog, caller), page.after_id(PetitionId)
    async with catalog.database.read() as tx:
        return await petition_store.page_of_petitions(tx, looking, version_id, state, before, page.limit + 1)


async def pass_petition_deadlines(catalog: Catalog) -> None:
    """Let lapse what nobody decided, and end the assessments whose year is over."""
    due = await jobs.due(catalog.database, petition_store.due_petitions)

    async def pass_deadline(petition_id: PetitionId) -> None:
        await _pass_deadline(catalog, petition_id)

    await move_on(due, pass_deadline)


async def _pass_deadline(catalog: Catalog, petition_id: PetitionId) -> None:
    async with catalog.database.transaction() as tx:
        seen = await petition_store.petition(tx, petition_id, EVERYTHING)
        before = await store.entry_for_update(tx, seen.asset_id)
        now = await catalog.database.now(tx)
        petition = await petition_store.petition(tx, petition_id, EVERYTHING)
        if petition.deadline is None or now < petition.deadline:
            return
        ended = rules.pass_deadline(petition)
        facts: list[Fact] = [PetitionLapsed.of(ended)]
        if ended.state is rules.EXPIRED:
            after, changes = await follow(tx, before, ended, now)
            await store.save_entry(tx, before, after)
            facts = [PetitionExpired.of(ended), *changes]
        await petition_store.save_petition(tx, ended)
        await catalog.outbox.record(tx, catalog.outbox.itself, now, *facts)


async def _in_review(
    catalog: Catalog, tx: Transaction, petition_id: PetitionId, operator: Caller
) -> tuple[Entry, Petition]:
    """The locked entry and the petition. Raises NoSuchPetition where the entry does not show to the operator, and
    ReviewsOwnAsset for anyone of the provider's organisation."""
    seen = await petition_store.petition(tx, petition_id, EVERYTHING)
    entry = await store.entry_for_update(tx, seen.asset_id)
    require_overseen(catalog, operator, entry, NoSuchPetition)
    registration.require_independent(entry.asset, operator.participant_id)
    return entry, await petition_store.petition(tx, petition_id, EVERYTHING)


async def _take_effect(tx: Transaction, before: Entry, granted: Petition, note: str, now: datetime) -> list[Fact]:
    if not isinstance(granted.asked, Strike):
        after, changes = await follow(tx, before, granted, now)
        await store.save_entry(tx, before, after)
        return [PetitionGranted.of(granted, note), *changes]
    version, grounds, grading = await _lowered(tx, before.version(granted.version_id), granted.asked)
    after, closed = await regrade(tx, before, version, grounds, grading, granted.operators[-1], now)
    conditions = await on_record(tx, after.asset.id, version.id, now)
    told = after.version(version.id)
    return [GradeLowered.of(after.asset, told, grading.reasons, conditions, granted, note), *closed]


async def _lowered(tx: Transaction, version: Version, strike: Strike) -> tuple[Version, Grounds, Grading]:
    """The version as it would be graded without what is struck."""
    if version.graded is None:
        raise VersionNotGraded(state=version.state)
    known, found = await evidence_store.grounds_of(tx, version.id)
    grounds = lowering.without(known, found, strike)
    grading = grading_rules.grade(grounds, found, version.rows)
    return version_rules.lower_grade(version, grading), grounds, grading
