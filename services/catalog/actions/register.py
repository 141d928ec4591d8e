"""What several acts on the register share: the gates, what is entered, and what ends with something else.

Requires of every function here: the transaction that holds the asset's lock. Each returns the facts to record.
"""

from collections.abc import Mapping
from datetime import datetime

from services.catalog.actions.catalog import Catalog
from services.catalog.actions.certificate import issue
from services.catalog.events.asset import AssetDescribed, AssetWithdrawn
from services.catalog.events.filing import FilingRegistered, FilingWithdrawn, ObjectionLapsed
from services.catalog.rules import effect as effect_rules
from services.catalog.rules import filing as filing_rules
from services.catalog.rules import fingerprint as fingerprint_rules
from services.catalog.rules import objection as objection_rules
from services.catalog.rules import registration
from services.catalog.rules.asset import WITHDRAWN, Asset, Entry
from services.catalog.rules.certificate import Certificate
from services.catalog.rules.filing import Filing, Type
from services.catalog.rules.important_data import OnFile
from services.catalog.rules.registration import NearDuplicate, OwnershipConflict
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store import filings as filing_store
from shared.database import Transaction
from shared.errors import Failure, Unavailable
from shared.facts import Fact
from shared.ids import CertificateId, FilingId, VersionId


class RegisterBusy(Unavailable):
    """Another registration is being entered at this moment; try again."""


async def denial(tx: Transaction, entry: Entry, on_file: OnFile) -> Failure | None:
    """Why the pending version is not registered here: its grade, a dispute, or what another provider has registered.

    Another's asset is not named: whoever tries what is on the register learns no more than that it is.
    """
    version = entry.pending
    denied = registration.denial(entry, on_file)
    if denied or version is None or version.content is None or version.graded is None:
        return denied
    provider_id = entry.asset.provider_id
    if await evidence_store.is_registered_by_another(tx, version.content.content_hash, provider_id):
        return OwnershipConflict()
    sketch = await evidence_store.sketch_of(tx, version.id)
    alike = await evidence_store.alike(tx, sketch, provider_id)
    if any(fingerprint_rules.overlap(sketch, other).is_near_duplicate for other in alike):
        return NearDuplicate()
    return None


async def take_the_register(catalog: Catalog, tx: Transaction) -> None:
    """Until the transaction ends, nobody else enters a version: so that two copies cannot pass the gates at once."""
    if not await catalog.database.claim(tx, "the register of versions"):
        raise RegisterBusy(retry_after_seconds=1)


async def save_first(tx: Transaction, before: Entry, after: Entry) -> Filing | None:
    """The entry, and its first registration as far as that has come. None for one of before filings were kept."""
    await store.save_entry(tx, before, after)
    filing = await filing_store.open_filing(tx, before.asset.id)
    if filing is None or filing.type is not Type.FIRST:
        return None
    followed = filing_rules.follow(filing, after)
    await filing_store.save_filing(tx, filing, followed)
    return followed


async def enter(
    catalog: Catalog, tx: Transaction, entry: Entry, filing: Filing, note: str, now: datetime
) -> tuple[Entry, list[Fact]]:
    """What the register says once this filing was entered. Requires that the filing is saved as entered."""
    present = await present_certificates(tx, entry)
    if filing.type is Type.RENEWAL:
        effect_rules.require_renewable(present.values(), now)
    ids = {version_id: CertificateId.new() for version_id in present}
    after, certificates = effect_rules.take_effect(entry, filing, present, ids, now, catalog.terms.validity)
    await store.save_entry(tx, entry, after)
    facts = await issue(catalog, tx, after.asset, certificates)
    given = tuple(certificate.id for certificate in certificates)
    facts.append(FilingRegistered.entered(after.asset, filing, note, given))
    if after.asset.about != entry.asset.about:
        facts.append(AssetDescribed.of(after.asset))
    if after.asset.state is WITHDRAWN:
        facts += await lapse_objections(tx, after.asset)
        facts.append(AssetWithdrawn.of(after.asset))
    return after, facts


async def present_certificates(tx: Transaction, entry: Entry) -> Mapping[VersionId, Certificate]:
    """By registered version."""
    ids = [version.certificate_id for version in entry.versions if version.certificate_id]
    return await evidence_store.present_certificates(tx, ids)


async def make_moot(tx: Transaction, asset: Asset, reason_code: str) -> list[Fact]:
    """End the open filing, if there is one, and the objections to it: the asset goes off the register."""
    filing = await filing_store.open_filing(tx, asset.id)
    if filing is None:
        return []
    ended = filing_rules.moot(filing, reason_code)
    await filing_store.save_filing(tx, filing, ended)
    return [*await lapse_objections(tx, asset, filing.id), FilingWithdrawn.because(asset, ended, "")]


async def lapse_objections(tx: Transaction, asset: Asset, filing_id: FilingId | None = None) -> list[Fact]:
    """End the open objections to a filing, or all of the asset's: what they were against is gone."""
    facts = list[Fact]()
    for objection in await filing_store.open_objections(tx, asset.id):
        if filing_id in {None, objection.filing_id}:
            lapsed = objection_rules.lapse(objection, objection_rules.GONE)
            await filing_store.save_objection(tx, objection, lapsed)
            facts.append(ObjectionLapsed.of(asset, lapsed))
    return facts
