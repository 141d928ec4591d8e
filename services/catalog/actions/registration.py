"""What happens to a version before the operators: submitted, registered at once or after its notice, or refused."""

from dataclasses import replace
from datetime import datetime

from services.catalog.actions import quality
from services.catalog.actions.catalog import Catalog, require_overseen
from services.catalog.actions.certificate import issue
from services.catalog.actions.on_file import on_file
from services.catalog.actions.register import denial, save_first, take_the_register
from services.catalog.events.filing import NoticeOpened, RegistrationReopened
from services.catalog.events.review import (
    AssetRefused,
    AssetRegistered,
    AssetSubmitted,
    RegistrationAgreed,
    RegistrationDenied,
)
from services.catalog.rules import filing as filing_rules
from services.catalog.rules import registration
from services.catalog.rules.asset import Entry, NoSuchAsset
from services.catalog.rules.certificate import Certificate
from services.catalog.rules.filing import Filing, FilingOpen
from services.catalog.rules.registration import IdentityUnverified
from services.catalog.rules.version import Version
from services.catalog.store import entries as store
from services.catalog.store import filings as filing_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.grades import Grade
from shared.idempotency import Once
from shared.ids import AssetId, CertificateId, FilingId

NOTICE_ENDED = "公示期满，无未决异议"
GATE_CLOSED = "公示期内发现不予登记的情形"


async def submit(catalog: Catalog, provider: Member, asset_id: AssetId, once: Once) -> Entry:
    """Hand the pending version to the operators. What a gate does not let pass is refused, and that is recorded."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = after = await store.entry_for_update(tx, asset_id, provider.participant_id)
        now = await catalog.database.now(tx)
        registration.require_in_time(before, now)
        filed = await on_file(tx, before, now)
        if denied := await denial(tx, before, filed):
            fact: Fact = _denied(before, denied.code())
        else:
            after = registration.submit(before, now, filed)
            if await filing_store.open_filing(tx, asset_id):
                raise FilingOpen()
            fact = AssetSubmitted.of(after, _reviewed(after))
            await store.save_entry(tx, before, after)
            await filing_store.add_filing(tx, filing_rules.first(FilingId.new(), after, now))
            await once.remember(tx, after)
        await catalog.outbox.record(tx, provider.actor, now, fact)
    if denied:
        raise denied
    return after


async def register(
    catalog: Catalog, operator: Caller, asset_id: AssetId, named: Grade, note: str, once: Once
) -> Entry:  # fmt: skip
    """Say yes to what is under review, whose grade the operator names. From G4 the second yes registers, and where
    there is public notice, its end."""
    catalog.standing.require_fresh(named)
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Entry):
            return earlier
        before = after = await store.entry_for_update(tx, asset_id)
        require_overseen(catalog, operator, before, NoSuchAsset)
        now = await catalog.database.now(tx)
        registration.require_independent(before.asset, operator.participant_id)
        registration.require_in_time(before, now)
        if catalog.standing.clearance_of(before.asset.provider_id) is None:
            raise IdentityUnverified()
        await take_the_register(catalog, tx)
        filed = await on_file(tx, before, now)
        denied = await denial(tx, before, filed) if before.asset.review else None
        if denied:
            facts: list[Fact] = [_denied(before, denied.code())]
        else:
            after, certificate = registration.register(
                before, named, operator.subject, CertificateId.new(), now, catalog.terms, filed
            )
            filing = await save_first(tx, before, after)
            facts = await _told(catalog, tx, after, certificate, filing, note)
            await once.remember(tx, after)
        await catalog.outbox.record(tx, operator.actor, now, *facts)
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
        require_overseen(catalog, operator, before, NoSuchAsset)
        now = await catalog.database.now(tx)
        registration.require_independent(before.asset, operator.participant_id)
        registration.require_in_time(before, now)
        after = registration.refuse(before, reason_code, now)
        await save_first(tx, before, after)
        await once.remember(tx, after)
        await catalog.outbox.record(tx, operator.actor, now, AssetRefused.of(after, _reviewed(before), reason))
    return after


async def end_notice(catalog: Catalog, tx: Transaction, before: Entry, now: datetime) -> list[Fact]:
    """Register what was under notice; or refuse it, if a gate has closed; or have it reviewed again, if its grade rose.

    Requires that the notice's time is up and that no objection is open. Returns the facts to record.
    """
    version = _reviewed(before)
    catalog.standing.require_fresh(version.graded and version.graded.grade)
    await take_the_register(catalog, tx)
    filed = await on_file(tx, before, now)
    denied = await denial(tx, before, filed)
    if denied is None and catalog.standing.clearance_of(before.asset.provider_id) is None:
        denied = IdentityUnverified()
    if denied:
        after = registration.turn_down(before, denied.code(), now)
        await save_first(tx, before, after)
        return [AssetRefused.of(after, version, GATE_CLOSED)]
    after, certificate = registration.end_notice(before, CertificateId.new(), now, catalog.terms, filed)
    filing = await save_first(tx, before, after)
    return await _told(catalog, tx, after, certificate, filing, NOTICE_ENDED)


async def _told(
    catalog: Catalog, tx: Transaction, after: Entry, certificate: Certificate | None, filing: Filing | None, note: str
) -> list[Fact]:
    """The facts of a step towards registration; the certificate, if it led there, is given out."""
    if certificate:
        of_filing = replace(certificate, filing_id=filing and filing.id)
        given = await issue(catalog, tx, after.asset, [of_filing])
        await quality.rank(tx, after, certificate.version_id)
        return [*given, AssetRegistered.of(after, of_filing, note)]
    if filing and filing.state is filing_rules.UNDER_NOTICE:
        return [NoticeOpened.noted(after.asset, filing, note)]
    if filing and not filing.operators:
        return [RegistrationReopened.of(after.asset, filing)]
    return [RegistrationAgreed.of(after, _reviewed(after), note)]


def _reviewed(entry: Entry) -> Version:
    """Requires that one is under review."""
    assert entry.asset.review
    return entry.version(entry.asset.review.version_id)


def _denied(entry: Entry, reason_code: str) -> RegistrationDenied:
    """Requires a pending version."""
    assert entry.pending
    return RegistrationDenied.of(entry, entry.pending, reason_code)
