"""What the register says once a filing is entered: the entry as it is then, and the certificates that follow.

Promises: whatever is entered gives every registered version a certificate of its own that follows on the one before;
an entry that goes off the register gets one certificate that says so; no certificate outlives a right on it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from services.catalog.rules import asset as asset_rules
from services.catalog.rules import certificate as certificate_rules
from services.catalog.rules import rights as rights_rules
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import REVOKED, WITHDRAWN_BY_PROVIDER, Asset, Entry
from services.catalog.rules.certificate import Certificate
from services.catalog.rules.filing import Filing, Type
from shared.errors import Conflict
from shared.ids import CertificateId, VersionId

Certificates = tuple[Certificate, ...]
LICENCES_MAX = 100
ENDS = {Type.DEREGISTRATION: WITHDRAWN_BY_PROVIDER, Type.REVOCATION: REVOKED}


class TooManyLicences(Conflict):
    """As many licences as a certificate can carry are in force."""


def take_effect(
    entry: Entry, filing: Filing, present: Mapping[VersionId, Certificate], ids: Mapping[VersionId, CertificateId],
    now: datetime, validity: timedelta,
) -> tuple[Entry, Certificates]:  # fmt: skip
    """Requires a filing that was just entered, and for each registered version its certificate and a fresh id."""
    if filing.type in ENDS:
        return _off_the_register(entry, filing, present, ids, now)
    asset = _changed(entry.asset, filing)
    entered = replace(entry, asset=asset)
    certificates = list[Certificate]()
    for version in entry.versions:
        if before := present.get(version.id):
            after = certificate_rules.following(before, version, asset, filing, ids[version.id], now)
            certificates.append(_with_terms(after, filing, now, validity))
            entered = entered.replacing(version_rules.recertify(version, ids[version.id]))
    ends = [certificate.valid_until for certificate in certificates if certificate.valid_until]
    return replace(entered, asset=replace(entered.asset, valid_until=max(ends, default=None))), tuple(certificates)


def require_room(present: Iterable[Certificate], now: datetime) -> None:
    """Raises TooManyLicences if no further one goes onto a certificate. Those that ended are left out of the next."""
    for certificate in present:
        if sum(licence.valid_until > now for licence in certificate.licences) >= LICENCES_MAX:
            raise TooManyLicences(licences_max=LICENCES_MAX)


def require_renewable(present: Iterable[Certificate], now: datetime) -> None:
    """Raises RightLapsed if a right on a certificate has lapsed: it is changed before it is renewed."""
    for certificate in present:
        if certificate.rights:
            rights_rules.require(certificate.rights, now)


def _off_the_register(
    entry: Entry, filing: Filing, present: Mapping[VersionId, Certificate], ids: Mapping[VersionId, CertificateId],
    now: datetime,
) -> tuple[Entry, Certificates]:  # fmt: skip
    off = replace(entry, asset=asset_rules.withdraw(entry.asset, ENDS[filing.type]))
    last = [version for version in entry.versions if version.id in present][-1:]
    said = [
        replace(
            certificate_rules.following(present[version.id], version, entry.asset, filing, ids[version.id], now),
            valid_until=None,
        )
        for version in last
    ]
    return off, tuple(said)


def _changed(asset: Asset, filing: Filing) -> Asset:
    asked = filing.particulars
    changes: dict[str, object] = {"revision": asset.revision + 1}
    if asked.new_holder_id:
        changes["holder_id"] = asked.new_holder_id
    if asked.change and asked.change.about:
        changes["about"] = asked.change.about
    if asked.change and asked.change.rights is not None and asset.source:
        changes["source"] = replace(asset.source, rights=asked.change.rights)
    return replace(asset, **changes)  # pyright: ignore[reportArgumentType]


def _with_terms(certificate: Certificate, filing: Filing, now: datetime, validity: timedelta) -> Certificate:
    asked = filing.particulars
    in_force = tuple(licence for licence in certificate.licences if licence.valid_until > now)
    certificate = replace(certificate, licences=in_force)
    if asked.licence:
        return replace(certificate, licences=(*in_force, asked.licence))
    if asked.change and asked.change.rights is not None:
        rights, end = asked.change.rights, certificate.valid_until
        return replace(certificate, rights=rights, valid_until=end and rights_rules.ends_at(rights, end))
    if filing.type is Type.RENEWAL:
        return replace(certificate, valid_until=rights_rules.ends_at(certificate.rights, now + validity))
    return certificate
