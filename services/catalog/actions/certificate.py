"""What anyone may ask of a certificate, and how one is given out: signed, kept and told, in its transaction."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.events.certificate import CertificateIssued
from services.catalog.rules import certificate as certificate_rules
from services.catalog.rules import viewing
from services.catalog.rules.asset import Asset, Entry
from services.catalog.rules.certificate import Certificate, NoSuchCertificate, Signed, Status
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from shared.access import Caller
from shared.database import Transaction
from shared.facts import Fact
from shared.ids import CertificateId


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate, the asset that it is of, and what is so of it now."""

    signed: Signed
    entry: Entry
    status: Status

    @property
    def asset(self) -> Asset:
        return self.entry.asset


async def issue(
    catalog: Catalog, tx: Transaction, asset: Asset, certificates: Iterable[Certificate]
) -> list[Fact]:  # fmt: skip
    """Sign and keep them. Returns the facts to record."""
    facts = list[Fact]()
    for certificate in certificates:
        signed = catalog.certifier.sign(certificate, catalog.standing.of(certificate.rights_holder_id).name)
        await evidence_store.add_certificate(tx, signed)
        facts.append(CertificateIssued.of(asset, signed))
    return facts


async def certificate(catalog: Catalog, certificate_id: CertificateId) -> Shown:
    async with catalog.database.read() as tx:
        return await _shown(catalog, tx, await evidence_store.certificate(tx, certificate_id))


async def certificate_by_code(catalog: Catalog, query_code: str) -> Shown:
    async with catalog.database.read() as tx:
        return await _shown(catalog, tx, await evidence_store.certificate_by_code(tx, query_code))


async def file(catalog: Catalog, caller: Caller | None, certificate_id: CertificateId) -> bytes:
    """The file, with all that it says: for whom the entry shows at least by its title, and for its rights' holder.

    Raises NoSuchCertificate alike for what is not there, does not show, or was given out before they were signed.
    """
    shown, looking = await certificate(catalog, certificate_id), viewer(catalog, caller)
    holder = shown.signed.certificate.rights_holder_id
    theirs = looking.participant_id == holder or looking.is_inside(shown.entry)
    if not shown.signed.document or not (theirs or viewing.shows_title(shown.asset, shown.signed.certificate, looking)):
        raise NoSuchCertificate()
    return certificate_rules.file_of(shown.signed)


async def _shown(catalog: Catalog, tx: Transaction, signed: Signed) -> Shown:
    found, now = await store.entry(tx, signed.certificate.asset_id), await catalog.database.now(tx)
    version = found.version(signed.certificate.version_id)
    return Shown(signed, found, certificate_rules.status(signed.certificate, found.asset, version, now))


def keys(catalog: Catalog) -> list[tuple[str, bytes, bool]]:
    """Id, public key and whether it signs now: the present one first, then those that did before."""
    public_keys = catalog.certifier.public_keys
    return [(certificate_rules.key_id(key), key, key == public_keys[0]) for key in public_keys]
