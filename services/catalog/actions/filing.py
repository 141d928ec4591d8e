"""What happens to a filing for a registered asset: handed in, consented to, decided, taken back, or a revocation."""

from dataclasses import replace
from datetime import datetime

from services.catalog.actions.catalog import Catalog, require_overseen, viewer
from services.catalog.actions.register import enter, lapse_objections, make_moot, present_certificates
from services.catalog.events.filing import (
    FilingAgreed,
    FilingConsented,
    FilingDeclined,
    FilingDenied,
    FilingRefused,
    FilingSubmitted,
    FilingWithdrawn,
    NoticeOpened,
)
from services.catalog.rules import effect as effect_rules
from services.catalog.rules import filing as filing_rules
from services.catalog.rules import objection as objection_rules
from services.catalog.rules import registration, viewing
from services.catalog.rules.asset import Asset, Entry, NoSuchAsset, UnderReview
from services.catalog.rules.filing import (
    Filing,
    FilingOpen,
    Grounds,
    NoSuchFiling,
    Particulars,
    PartyNotAdmitted,
    Type,
)
from services.catalog.rules.registration import IdentityUnverified, OwnershipConflict, ReviewsOwnAsset
from services.catalog.schemas.filings import ChangeRequest
from services.catalog.store import entries as store
from services.catalog.store import filings as filing_store
from services.catalog.store.filings import Noticed, WantedFilings
from shared import tenancy
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import AssetId, FilingId

REVOCATION_FILED = "revocation_filed"


async def file(
    catalog: Catalog, applicant: Member, asset_id: AssetId, kind: Type, asked: Particulars | ChangeRequest, once: Once
) -> Filing:
    """Ask for a licence, transfer, change or renewal. Whose data are in dispute is refused, and that is recorded."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        before, now = await store.entry_for_update(tx, asset_id), await catalog.database.now(tx)
        asset = before.asset
        filing_rules.require_applicant(asset, kind, applicant.participant_id)
        catalog.standing.require_fresh(asset.grade)
        particulars = asked if isinstance(asked, Particulars) else asked.particulars(asset.about)
        filing = filing_rules.file(FilingId.new(), kind, particulars, asset, applicant.participant_id, now)
        if filing.counterparty_id and catalog.standing.clearance_of(filing.counterparty_id) is None:
            raise PartyNotAdmitted()
        await _require_no_other(tx, asset)
        present = (await present_certificates(tx, before)).values()
        if kind is Type.RENEWAL:
            effect_rules.require_renewable(present, now)
        if kind is Type.LICENCE:
            effect_rules.require_room(present, now)
        if asset.objected:
            fact: Fact = FilingDenied.of(asset, kind, applicant.participant_id, OwnershipConflict.code())
        else:
            await filing_store.add_filing(tx, filing)
            await once.remember(tx, filing)
            fact = FilingSubmitted.of(asset, filing)
        await catalog.outbox.record(tx, applicant.actor, now, fact)
    if asset.objected:
        raise OwnershipConflict()
    return filing


async def consent(catalog: Catalog, party: Member, filing_id: FilingId, once: Once) -> Filing:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        entry, filing, now = *await _locked(tx, filing_id), await catalog.database.now(tx)
        _require_party(catalog, filing, entry, party)
        consented = filing_rules.consent(filing, party.participant_id, now)
        await filing_store.save_filing(tx, filing, consented)
        await once.remember(tx, consented)
        await catalog.outbox.record(tx, party.actor, now, FilingConsented.of(entry.asset, consented))
    return consented


async def decline(catalog: Catalog, party: Member, filing_id: FilingId, reason: str, once: Once) -> Filing:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        entry, filing, now = *await _locked(tx, filing_id), await catalog.database.now(tx)
        _require_party(catalog, filing, entry, party)
        declined = filing_rules.decline(filing, party.participant_id, now)
        await filing_store.save_filing(tx, filing, declined)
        await once.remember(tx, declined)
        await catalog.outbox.record(tx, party.actor, now, FilingDeclined.because(entry.asset, declined, reason))
    return declined


async def withdraw(catalog: Catalog, applicant: Member, filing_id: FilingId, once: Once) -> Filing:
    """By its applicant, until it is decided; objections to it end with it."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        entry, filing, now = *await _locked(tx, filing_id), await catalog.database.now(tx)
        _require_party(catalog, filing, entry, applicant)
        if filing.applicant_id != applicant.participant_id:
            raise filing_rules.NotTheHolder()
        withdrawn = filing_rules.withdraw(filing, now)
        await filing_store.save_filing(tx, filing, withdrawn)
        facts = await lapse_objections(tx, entry.asset, filing.id)
        await once.remember(tx, withdrawn)
        facts.append(FilingWithdrawn.because(entry.asset, withdrawn, ""))
        await catalog.outbox.record(tx, applicant.actor, now, *facts)
    return withdrawn


async def agree(catalog: Catalog, operator: Caller, filing_id: FilingId, note: str, once: Once) -> Filing:
    """An operator's yes. From G4, and to a revocation, the second yes decides."""
    denied = None
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        entry, filing, now = *await _locked(tx, filing_id), await catalog.database.now(tx)
        require_overseen(catalog, operator, entry, NoSuchFiling)
        catalog.standing.require_fresh(entry.asset.grade)
        _require_independent(filing, operator)
        agreed = filing_rules.agree(filing, entry.asset, operator.subject, catalog.terms.notice, now)
        if filing.applicant_id and catalog.standing.clearance_of(filing.applicant_id) is None:
            raise IdentityUnverified()
        if entry.asset.objected and filing.type is not Type.REVOCATION:
            denied = OwnershipConflict()
            facts: list[Fact] = [FilingDenied.of(entry.asset, filing.type, filing.applicant_id, denied.code())]
        else:
            await filing_store.save_filing(tx, filing, agreed)
            facts = await _told(catalog, tx, entry, agreed, note, now)
            await once.remember(tx, agreed)
        await catalog.outbox.record(tx, operator.actor, now, *facts)
    if denied:
        raise denied
    return agreed


async def refuse(
    catalog: Catalog, operator: Caller, filing_id: FilingId, reason_code: str, reason: str, once: Once
) -> Filing:
    """An operator's no. A revocation that is refused leaves the entry as it was before."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        entry, filing, now = *await _locked(tx, filing_id), await catalog.database.now(tx)
        require_overseen(catalog, operator, entry, NoSuchFiling)
        _require_independent(filing, operator)
        refused = filing_rules.refuse(filing, reason_code, now)
        await filing_store.save_filing(tx, filing, refused)
        if filing.type is Type.REVOCATION:
            disputed = bool(await filing_store.open_objections(tx, entry.asset.id))
            after = replace(entry, asset=objection_rules.mark(entry.asset, disputed))
            await store.save_entry(tx, entry, after)
            entry = after
        await once.remember(tx, refused)
        await catalog.outbox.record(tx, operator.actor, now, FilingRefused.because(entry.asset, refused, reason))
    return refused


async def revoke(
    catalog: Catalog, operator: Caller, asset_id: AssetId, reason_code: str, reason: str, once: Once
) -> Filing:
    """The first of two yeses to taking an asset off the register; the second is given to the filing that this makes."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Filing):
            return earlier
        before, now = await store.entry_for_update(tx, asset_id), await catalog.database.now(tx)
        require_overseen(catalog, operator, before, NoSuchAsset)
        registration.require_independent(before.asset, operator.participant_id)
        facts = await begin_revocation(tx, before, operator.subject, Grounds(reason_code, reason), now)
        filing = await filing_store.open_filing(tx, asset_id)
        assert filing
        await once.remember(tx, filing)
        await catalog.outbox.record(tx, operator.actor, now, *facts)
    return filing


async def begin_revocation(
    tx: Transaction, before: Entry, operator: str, grounds: Grounds, now: datetime
) -> list[Fact]:  # fmt: skip
    """Make the filing with its first yes; the entry is not offered until the second operator has decided.

    What else is open for the asset ends. Requires the transaction that holds the asset's lock; returns the facts.
    """
    filed = filing_rules.file(
        FilingId.new(), Type.REVOCATION, Particulars(grounds=grounds), before.asset, None, now
    )  # fmt: skip
    open_filing = await filing_store.open_filing(tx, before.asset.id)
    if open_filing and open_filing.type is Type.REVOCATION:
        raise FilingOpen(filing_id=open_filing.id)
    facts = await make_moot(tx, before.asset, REVOCATION_FILED)
    after = registration.set_aside(before, REVOCATION_FILED, now) if before.asset.review else before
    after = replace(after, asset=objection_rules.mark(after.asset, True))
    await store.save_entry(tx, before, after)
    filing = replace(filed, operators=(operator,))
    await filing_store.add_filing(tx, filing)
    return [*facts, FilingSubmitted.of(after.asset, filing)]


async def deregister(
    catalog: Catalog, tx: Transaction, before: Entry, now: datetime
) -> tuple[Entry, list[Fact]]:  # fmt: skip
    """Take a registered asset off the register for its provider, with a certificate that says so.

    Requires the transaction that holds the asset's lock.
    """
    facts = await make_moot(tx, before.asset, filing_rules.ASSET_WITHDRAWN_MEANWHILE)
    filed = filing_rules.file(
        FilingId.new(), Type.DEREGISTRATION, Particulars(), before.asset, before.asset.provider_id, now
    )  # fmt: skip
    entered = filing_rules.enter(filed)
    await filing_store.add_filing(tx, entered)
    after, told = await enter(catalog, tx, before, entered, "", now)
    return after, [*facts, *told]


async def filings(
    catalog: Catalog, caller: Caller, wanted: WantedFilings, limit: int, before: str | None
) -> list[Filing]:
    """Newest first. Looks for one more than `limit`, so that the end is known."""
    async with catalog.database.read() as tx:
        return await filing_store.filings_of(tx, viewer(catalog, caller), wanted, limit + 1, before)


async def filing(catalog: Catalog, caller: Caller, filing_id: FilingId) -> Filing:
    async with catalog.database.read() as tx:
        found = await filing_store.filing(tx, filing_id)
        entry = await store.entry(tx, found.asset_id)
    if not viewing.is_party(found, entry, viewer(catalog, caller)):
        raise NoSuchFiling()
    return found


async def notices(catalog: Catalog, caller: Caller, limit: int, before: str | None) -> list[Noticed]:
    """What is under public notice, to everyone whom its grades show it to. Looks for one more than `limit`."""
    with tenancy.for_everyone():
        async with catalog.database.read() as tx:
            return await filing_store.under_notice(tx, viewer(catalog, caller), limit + 1, before)


async def _told(
    catalog: Catalog, tx: Transaction, entry: Entry, agreed: Filing, note: str, now: datetime
) -> list[Fact]:  # fmt: skip
    match agreed.state:
        case filing_rules.REGISTERED:
            return (await enter(catalog, tx, entry, agreed, note, now))[1]
        case filing_rules.UNDER_NOTICE:
            return [NoticeOpened.noted(entry.asset, agreed, note)]
        case _:
            return [FilingAgreed.noted(entry.asset, agreed, note)]


async def _require_no_other(tx: Transaction, asset: Asset) -> None:
    if asset.review is not None:
        raise UnderReview(deadline=asset.deadline)
    if open_filing := await filing_store.open_filing(tx, asset.id):
        raise FilingOpen(filing_id=open_filing.id)


async def _locked(tx: Transaction, filing_id: FilingId) -> tuple[Entry, Filing]:
    """Read again once the asset is locked: it may have been decided meanwhile."""
    seen = await filing_store.filing(tx, filing_id)
    entry = await store.entry_for_update(tx, seen.asset_id)
    return entry, await filing_store.filing(tx, filing_id)


def _require_party(catalog: Catalog, filing: Filing, entry: Entry, member: Member) -> None:
    """Raises NoSuchFiling for strangers, as for what is not there."""
    if not viewing.is_party(filing, entry, viewer(catalog, member)):
        raise NoSuchFiling()


def _require_independent(filing: Filing, operator: Caller) -> None:
    parties = {filing.provider_id, filing.applicant_id, filing.counterparty_id} - {None}
    if operator.participant_id in parties:
        raise ReviewsOwnAsset()
