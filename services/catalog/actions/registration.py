"""What happens to an asset under review: submitted, registered, refused, or left until its time is up."""

import logging
from dataclasses import replace
from datetime import datetime

from services.catalog.actions.catalog import Catalog
from services.catalog.actions.on_file import on_file
from services.catalog.events.asset import AssetFact, AssetWithdrawn
from services.catalog.events.review import (
    AssetRefused,
    AssetRegistered,
    AssetSubmitted,
    RegistrationAgreed,
    RegistrationDenied,
    ReviewLapsed,
)
from services.catalog.events.version import VersionLapsed
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import registration
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.registration import IdentityUnverified, Late
from services.catalog.rules.version import Version
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from shared.access import Caller, Member
from shared.grades import Grade
from shared.idempotency import Once
from shared.ids import AssetId, CertificateId

log = logging.getLogger(__name__)


async def submit(catalog: Catalog, provider: Member, asset_id: AssetId, once: Once) -> Entry:
    """Hand the pending version to the operators. A grade that is not traded here is refused, and that is recorded."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = after = await store.entry_for_update(tx, asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        filed = await on_file(tx, before, now)
        if denied := registration.denial(before, filed):
            fact: AssetFact = _denied(before, denied.code())
        else:
            after = registration.submit(before, now, filed)
            fact = AssetSubmitted.of(after, _reviewed(after))
            await store.save_entry(tx, before, after)
            await once.remember(tx, after)
        await catalog.outbox.record(tx, provider.actor, now, fact)
    if denied:
        raise denied
    return after


async def register(
    catalog: Catalog, operator: Caller, asset_id: AssetId, named: Grade, note: str, once: Once
) -> Entry:  # fmt: skip
    """Say yes to what is under review, whose grade the operator names. From G4 the second yes registers."""
    catalog.standing.require_fresh(named)
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = after = await store.entry_for_update(tx, asset_id)
        now = await catalog.database.now(tx)
        registration.require_independent(before.asset, operator.participant_id)
        registration.require_in_time(before, now)
        if catalog.standing.clearance_of(before.asset.provider_id) is None:
            raise IdentityUnverified()
        filed = await on_file(tx, before, now)
        denied = registration.denial(before, filed) if before.asset.review else None
        if denied:
            fact: AssetFact = _denied(before, denied.code())
        else:
            certificate_id = CertificateId.new()
            after, certificate = registration.register(before, named, operator.subject, certificate_id, now, filed)
            await store.save_entry(tx, before, after)
            if certificate:
                await evidence_store.add_certificate(tx, certificate)
                fact = AssetRegistered.of(after, certificate, note)
            else:
                fact = RegistrationAgreed.of(after, _reviewed(after), note)
            await once.remember(tx, after)
        await catalog.outbox.record(tx, operator.actor, now, fact)
    if denied:
        raise denied
    return after


async def refuse(
    catalog: Catalog, operator: Caller, asset_id: AssetId, reason_code: str, reason: str, once: Once
) -> Entry:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = await store.entry_for_update(tx, asset_id)
        now = await catalog.database.now(tx)
        registration.require_independent(before.asset, operator.participant_id)
        registration.require_in_time(before, now)
        after = registration.refuse(before, reason_code, now)
        await store.save_entry(tx, before, after)
        await once.remember(tx, after)
        await catalog.outbox.record(tx, operator.actor, now, AssetRefused.of(after, _reviewed(before), reason))
    return after


async def pass_deadlines(catalog: Catalog) -> None:
    """Withdraw drafts that nobody finished, give back what nobody reviewed, and let late versions lapse."""
    async with catalog.database.read() as tx:
        due = await store.due(tx, await catalog.database.now(tx))
    for asset_id in due:
        try:
            await _pass_deadline(catalog, asset_id)
        except Exception:
            log.exception("%s could not be moved on; it is tried again", asset_id)


async def _pass_deadline(catalog: Catalog, asset_id: AssetId) -> None:
    async with catalog.database.transaction() as tx:
        before = await store.entry_for_update(tx, asset_id)
        now = await catalog.database.now(tx)
        if late := registration.late(before, now):
            after, fact = _passed(before, late, now)
            await store.save_entry(tx, before, after)
            await catalog.outbox.record(tx, catalog.outbox.itself, now, fact)


def _passed(before: Entry, late: Late, now: datetime) -> tuple[Entry, AssetFact]:
    match late:
        case Late.REVIEW:
            after = registration.review_overdue(before, now)
            return after, ReviewLapsed.of(after, _reviewed(before))
        case Late.DRAFT:
            after = replace(before, asset=asset_rules.expire(before.asset))
            return after, AssetWithdrawn.of(after.asset)
        case Late.VERSION:
            version = version_rules.lapse(_pending(before), asset_rules.DRAFT_EXPIRED)
            after = before.replacing(version)
            return after, VersionLapsed.of(after.asset, version)


def _reviewed(entry: Entry) -> Version:
    """Requires that one is under review."""
    assert entry.asset.review
    return entry.version(entry.asset.review.version_id)


def _pending(entry: Entry) -> Version:
    """Requires that there is one."""
    assert entry.pending
    return entry.pending


def _denied(entry: Entry, reason_code: str) -> RegistrationDenied:
    return RegistrationDenied.of(entry, _pending(entry), reason_code)
