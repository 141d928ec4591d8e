"""What time brings about on the register, by the deadline itself, whenever the job comes round.

One step of an asset at a time: what follows on it is seen at the next look.
"""

import logging
from dataclasses import replace
from datetime import datetime

from services.catalog.actions.catalog import Catalog
from services.catalog.actions.objection import let_go
from services.catalog.actions.register import enter, lapse_objections, save_first
from services.catalog.actions.registration import NOTICE_ENDED, end_notice
from services.catalog.events.asset import AssetWithdrawn
from services.catalog.events.filing import FilingLapsed, FilingRefused, ObjectionLapsed
from services.catalog.events.review import ReviewLapsed
from services.catalog.events.version import VersionLapsed
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import filing as filing_rules
from services.catalog.rules import objection as objection_rules
from services.catalog.rules import registration
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import REGISTERED, Entry
from services.catalog.rules.filing import Filing, Type
from services.catalog.rules.registration import IdentityUnverified, Late
from services.catalog.store import entries as store
from services.catalog.store import filings as filing_store
from shared import jobs
from shared.database import Transaction
from shared.facts import Fact
from shared.ids import AssetId

log = logging.getLogger(__name__)


async def pass_deadlines(catalog: Catalog) -> None:
    """Withdraw drafts that nobody finished and what has expired, give back what nobody reviewed, end notices, and let
    late versions, filings and objections lapse."""
    due = await jobs.due(catalog.database, store.due)
    for asset_id in due:
        try:
            await _pass_deadline(catalog, asset_id)
        except Exception:
            log.exception("%s could not be moved on; it is tried again", asset_id)


async def _pass_deadline(catalog: Catalog, asset_id: AssetId) -> None:
    async with catalog.database.transaction() as tx:
        before = await store.entry_for_update(tx, asset_id)
        now = await catalog.database.now(tx)
        if facts := await _passed(catalog, tx, before, now):
            await catalog.outbox.record(tx, catalog.outbox.itself, now, *facts)


async def _passed(catalog: Catalog, tx: Transaction, before: Entry, now: datetime) -> list[Fact]:
    for objection in await filing_store.open_objections(tx, before.asset.id):
        if objection_rules.is_late(objection, now):
            lapsed = objection_rules.lapse(objection)
            await filing_store.save_objection(tx, objection, lapsed)
            after = await let_go(tx, before, lapsed)
            return [ObjectionLapsed.of(after.asset, lapsed)]
    match registration.late(before, now):
        case Late.NOTICE:
            return await end_notice(catalog, tx, before, now)
        case Late.REVIEW:
            version = before.version(before.asset.review.version_id) if before.asset.review else None
            after = registration.review_overdue(before, now)
            await save_first(tx, before, after)
            assert version
            return [ReviewLapsed.of(after, version)]
        case Late.DRAFT:
            after = replace(before, asset=asset_rules.expire(before.asset))
            await store.save_entry(tx, before, after)
            return [AssetWithdrawn.of(after.asset)]
        case Late.VERSION:
            assert before.pending
            version = version_rules.lapse(before.pending, asset_rules.DRAFT_EXPIRED)
            after = before.replacing(version)
            await store.save_entry(tx, before, after)
            return [VersionLapsed.of(after.asset, version)]
        case Late.OBJECTION | None:
            return await _passed_on_the_register(catalog, tx, before, now)


async def _passed_on_the_register(catalog: Catalog, tx: Transaction, before: Entry, now: datetime) -> list[Fact]:
    """A filing that is late; or, if none is open, a registration whose time is up."""
    filing, asset = await filing_store.open_filing(tx, before.asset.id), before.asset
    if filing and filing.type is not Type.FIRST and filing_rules.is_late(filing, now):
        return await _pass_filing(catalog, tx, before, filing, now)
    is_over = asset.state is REGISTERED and asset.valid_until is not None and asset.valid_until <= now
    if filing or not is_over:
        return []
    after = replace(before, asset=asset_rules.withdraw(asset, asset_rules.REGISTRATION_EXPIRED))
    await store.save_entry(tx, before, after)
    return [*await lapse_objections(tx, after.asset), AssetWithdrawn.of(after.asset)]


async def _pass_filing(
    catalog: Catalog, tx: Transaction, before: Entry, filing: Filing, now: datetime
) -> list[Fact]:  # fmt: skip
    if filing.state is filing_rules.UNDER_NOTICE:
        catalog.standing.require_fresh(before.asset.grade)
        if catalog.standing.clearance_of(filing.applicant_id) is None:
            refused = filing_rules.turn_down(filing, IdentityUnverified.code())
            await filing_store.save_filing(tx, filing, refused)
            return [FilingRefused.because(before.asset, refused, "申请人已不具备市场主体资格")]
    passed = filing_rules.pass_time(filing)
    await filing_store.save_filing(tx, filing, passed)
    if passed.state is filing_rules.REGISTERED:
        return (await enter(catalog, tx, before, passed, NOTICE_ENDED, now))[1]
    if filing.type is not Type.REVOCATION:
        return [FilingLapsed.because(before.asset, passed, "")]
    # Nobody agreed to the revocation: what is not disputed otherwise is offered again.
    disputed = bool(await filing_store.open_objections(tx, before.asset.id))
    after = replace(before, asset=objection_rules.mark(before.asset, disputed))
    await store.save_entry(tx, before, after)
    return [FilingLapsed.because(after.asset, passed, "")]
