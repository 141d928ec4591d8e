"""What happens when someone objects to what is registered, or is about to be."""

from dataclasses import replace
from datetime import datetime

from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.actions.filing import begin_revocation
from services.catalog.actions.register import save_first
from services.catalog.events.filing import (
    FilingRefused,
    ObjectionDismissed,
    ObjectionRaised,
    ObjectionUpheld,
    ObjectionWithdrawn,
)
from services.catalog.events.review import AssetRefused
from services.catalog.rules import filing as filing_rules
from services.catalog.rules import objection as objection_rules
from services.catalog.rules import registration, viewing
from services.catalog.rules.asset import Entry, NoSuchAsset
from services.catalog.rules.filing import Filing, Grounds, Type
from services.catalog.rules.objection import OBJECTION_UPHELD, Ground, NoSuchObjection, Objection
from services.catalog.store import entries as store
from services.catalog.store import filings as filing_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import Fact
from shared.grades import Visibility
from shared.idempotency import Once
from shared.ids import AssetId, ObjectionId


async def object_to(
    catalog: Catalog,
    objector: Member,
    asset_id: AssetId,
    ground: Ground,
    statement: str,
    evidence_hash: str,
    once: Once,
) -> Objection:
    """Object to what is under notice, or else to the registered entry. Raises NoSuchAsset for what does not show."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before, filing = await store.entry_for_update(tx, asset_id), await filing_store.open_filing(tx, asset_id)
        now = await catalog.database.now(tx)
        looking = viewer(catalog, objector)
        noticed = filing is not None and viewing.shows_notice(filing, before, looking)
        if not noticed and viewing.shown(before, looking) is Visibility.NONE:
            raise NoSuchAsset()
        objection = objection_rules.raise_(
            ObjectionId.new(), before.asset, filing, objector.participant_id, ground, statement, evidence_hash, now
        )
        after = await _held(tx, before, filing, objection)
        await filing_store.add_objection(tx, objection)
        await once.remember(tx, objection)
        await catalog.outbox.record(tx, objector.actor, now, ObjectionRaised.of(after.asset, objection))
    return objection


async def withdraw(catalog: Catalog, objector: Member, objection_id: ObjectionId, once: Once) -> Objection:
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before, objection = await _locked(tx, objection_id)
        if objection.objector_id != objector.participant_id:
            raise NoSuchObjection()
        now = await catalog.database.now(tx)
        withdrawn = objection_rules.withdraw(objection, now)
        await filing_store.save_objection(tx, objection, withdrawn)
        after = await let_go(tx, before, withdrawn)
        await once.remember(tx, withdrawn)
        await catalog.outbox.record(tx, objector.actor, now, ObjectionWithdrawn.of(after.asset, withdrawn))
    return withdrawn


async def dismiss(
    catalog: Catalog, operator: Caller, objection_id: ObjectionId, reason_code: str, reason: str, once: Once
) -> Objection:
    """What it was against goes on, unless another objection to it is open."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before, objection = await _locked(tx, objection_id)
        now = await catalog.database.now(tx)
        _require_independent(before, objection, operator)
        dismissed = objection_rules.dismiss(objection, reason_code, reason, now)
        await filing_store.save_objection(tx, objection, dismissed)
        after = await let_go(tx, before, dismissed)
        await once.remember(tx, dismissed)
        await catalog.outbox.record(tx, operator.actor, now, ObjectionDismissed.of(after.asset, dismissed))
    return dismissed


async def uphold(
    catalog: Catalog, operator: Caller, objection_id: ObjectionId, reason: str, once: Once
) -> Objection:  # fmt: skip
    """A filing under notice is refused. Of a registered entry, this is the first of two yeses to its revocation."""
    async with catalog.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before, objection = await _locked(tx, objection_id)
        now = await catalog.database.now(tx)
        _require_independent(before, objection, operator)
        upheld = objection_rules.uphold(objection, reason, now)
        await filing_store.save_objection(tx, objection, upheld)
        if objection.filing_id:
            facts = await _turned_down(tx, before, upheld, reason, now)
        else:
            grounds = Grounds(OBJECTION_UPHELD, reason)
            facts = [*await begin_revocation(tx, before, operator.subject, grounds, now)]
            facts.append(ObjectionUpheld.of(before.asset, upheld))
        await once.remember(tx, upheld)
        await catalog.outbox.record(tx, operator.actor, now, *facts)
    return upheld


async def objections_to(
    catalog: Catalog, caller: Caller, asset_id: AssetId, limit: int, before: str | None
) -> list[Objection]:
    """All of them for who is inside; their own for an objector. Looks for one more than `limit`."""
    looking = viewer(catalog, caller)
    async with catalog.database.read() as tx:
        found = await store.entry(tx, asset_id)
        inside = looking.reads_files_of(found)
        if not inside and looking.participant_id is None:
            raise NoSuchAsset()
        own = None if inside else looking.participant_id
        objections = await filing_store.objections_to(tx, asset_id, own, limit + 1, before)
    if not inside and not objections and viewing.shown(found, looking) is Visibility.NONE:
        raise NoSuchAsset()
    return objections


async def objection(catalog: Catalog, caller: Caller, objection_id: ObjectionId) -> Objection:
    """For its objector, the asset's provider and the staff."""
    looking = viewer(catalog, caller)
    async with catalog.database.read() as tx:
        found = await filing_store.objection(tx, objection_id)
        entry = await store.entry(tx, found.asset_id)
    if looking.participant_id != found.objector_id and not looking.reads_files_of(entry):
        raise NoSuchObjection()
    return found


async def let_go(tx: Transaction, before: Entry, objection: Objection) -> Entry:
    """What an objection held up goes on, if no other one to the same is open. Requires that it is saved as ended."""
    others = await filing_store.open_objections(tx, before.asset.id)
    if any(other.filing_id == objection.filing_id for other in others):
        return before
    filing = await filing_store.open_filing(tx, before.asset.id)
    if objection.filing_id is None:
        under_revocation = filing is not None and filing.type is Type.REVOCATION
        after = replace(before, asset=objection_rules.mark(before.asset, under_revocation))
        await store.save_entry(tx, before, after)
        return after
    assert filing and filing.id == objection.filing_id
    if filing.type is not Type.FIRST:
        await filing_store.save_filing(tx, filing, filing_rules.resume(filing))
        return before
    after = registration.resume(before)
    await save_first(tx, before, after)
    return after


async def _held(tx: Transaction, before: Entry, filing: Filing | None, objection: Objection) -> Entry:
    assert objection.deadline
    if objection.filing_id is None:
        after = replace(before, asset=objection_rules.mark(before.asset, True))
        await store.save_entry(tx, before, after)
        return after
    assert filing
    if filing.type is not Type.FIRST:
        await filing_store.save_filing(tx, filing, filing_rules.hold(filing, objection.deadline))
        return before
    after = registration.hold(before, objection.deadline)
    await save_first(tx, before, after)
    return after


async def _turned_down(
    tx: Transaction, before: Entry, upheld: Objection, reason: str, now: datetime
) -> list[Fact]:  # fmt: skip
    """The filing refused, and with it every other objection to it settled."""
    filing = await filing_store.open_filing(tx, before.asset.id)
    assert filing and filing.id == upheld.filing_id
    settled = [upheld]
    for other in await filing_store.open_objections(tx, before.asset.id):
        if other.filing_id == filing.id:
            settled.append(objection_rules.settle(other))
            await filing_store.save_objection(tx, other, settled[-1])
    facts: list[Fact] = [ObjectionUpheld.of(before.asset, each) for each in settled]
    if filing.type is not Type.FIRST:
        refused = filing_rules.turn_down(filing, OBJECTION_UPHELD)
        await filing_store.save_filing(tx, filing, refused)
        return [*facts, FilingRefused.because(before.asset, refused, reason)]
    after = registration.turn_down(before, OBJECTION_UPHELD, now)
    await save_first(tx, before, after)
    assert filing.version_id
    return [*facts, AssetRefused.of(after, before.version(filing.version_id), reason)]


async def _locked(tx: Transaction, objection_id: ObjectionId) -> tuple[Entry, Objection]:
    """Read again once the asset is locked: it may have been decided meanwhile."""
    seen = await filing_store.objection(tx, objection_id)
    entry = await store.entry_for_update(tx, seen.asset_id)
    return entry, await filing_store.objection(tx, objection_id)


def _require_independent(entry: Entry, objection: Objection, operator: Caller) -> None:
    registration.require_independent(entry.asset, operator.participant_id)
    if operator.participant_id == objection.objector_id:
        raise registration.ReviewsOwnAsset()
