"""The certificate 登记证书: what the register says of a version, and whether that is still so.

Owns: what a certificate tells, the document that is signed, the bytes of its file, and its status at a moment.
Promises: a certificate never changes, another follows on it; a document has one sequence of bytes, so that a file with
any other byte in it is not one of ours.
Sources: 发改数据规〔2025〕26号 (certificate, query code, disclosure); RFC 8785 (the bytes); RFC 8032 (the signature).
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from services.catalog.rules.asset import REGISTERED, REGISTRATION_EXPIRED, REVOKED, Asset
from services.catalog.rules.filing import Filing, Licence, Type
from services.catalog.rules.rights import Right
from services.catalog.rules.version import Version
from shared import canonical
from shared.errors import NotFound
from shared.facts import plain
from shared.grades import Grade
from shared.ids import AssetId, CertificateId, FilingId, ParticipantId, VersionId

QUERY_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that reads like another
QUERY_CODE_LENGTH = 12
PREFIX = b"yaosu certificate v1\n"  # so that the signature of a certificate is one of nothing else
KEY_ID_LENGTH = 16
FILE_BYTES_MAX = 256 * 1024


class Status(StrEnum):
    VALID = "valid"
    OBJECTED = "objected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Who holds which rights in which content. Whoever has the query code can look it up.

    Without `filing_id`, it was given out before certificates were signed. `supersedes`: the one that it follows on.
    """

    id: CertificateId
    query_code: str
    asset_id: AssetId
    version_id: VersionId
    rights_holder_id: ParticipantId
    title: str
    content_hash: str
    grade: Grade
    registered_at: datetime
    operators: tuple[str, ...]
    filing_id: FilingId | None = None
    type: Type = Type.FIRST
    rights: tuple[Right, ...] = ()
    licences: tuple[Licence, ...] = ()
    valid_until: datetime | None = None
    supersedes: CertificateId | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate with the document that was signed, as its canonical text, and the signature in base64."""

    certificate: Certificate
    document: str
    key_id: str
    signature: str

    @property
    def digest(self) -> str:
        """SHA-256 of the document, in hex."""
        return hashlib.sha256(self.document.encode()).hexdigest()


class NoSuchCertificate(NotFound):
    """There is no such certificate."""


class NotACertificate(ValueError):
    """The bytes are no certificate's file: the message says why."""


def certificate_of(version: Version, asset: Asset, certificate_id: CertificateId, now: datetime) -> Certificate:
    """The first certificate of a version with content and a grade. Its term is for `registration` to set."""
    assert version.content and version.graded
    return Certificate(
        certificate_id, query_code(certificate_id), asset.id, version.id, asset.rights_holder_id, asset.about.title,
        version.content.content_hash, version.graded.grade, now, (), rights=asset.source.rights if asset.source else (),
    )  # fmt: skip


def following(
    before: Certificate, version: Version, asset: Asset, filing: Filing, certificate_id: CertificateId, now: datetime
) -> Certificate:
    """The certificate that follows on another: of the same content, as the register has it after this filing."""
    assert version.graded
    return replace(
        before, id=certificate_id, query_code=query_code(certificate_id), rights_holder_id=asset.rights_holder_id,
        title=asset.about.title, grade=version.graded.grade, registered_at=now, operators=filing.operators,
        filing_id=filing.id, type=filing.type, supersedes=before.id,
    )  # fmt: skip


def status(certificate: Certificate, asset: Asset, version: Version, now: datetime) -> Status:
    """What is so at this moment. That a registration has ended does not end itself."""
    if certificate.type in {Type.DEREGISTRATION, Type.REVOCATION}:
        return Status.VALID
    if certificate.id != version.certificate_id:
        return Status.SUPERSEDED
    if asset.state is not REGISTERED:
        ended = {REVOKED: Status.REVOKED, REGISTRATION_EXPIRED: Status.EXPIRED}
        return ended.get(str(asset.reason_code), Status.WITHDRAWN)
    if certificate.valid_until is not None and certificate.valid_until <= now:
        return Status.EXPIRED
    return Status.OBJECTED if asset.objected else Status.VALID


def document(certificate: Certificate, issuer: str, holder_name: str | None) -> dict[str, Any]:
    """What is signed: closed, without null, moments in microseconds. Who decided is no one else's matter."""
    told = {
        "certificate_id": certificate.id, "type": certificate.type, "query_code": certificate.query_code,
        "asset_id": certificate.asset_id, "version_id": certificate.version_id, "filing_id": certificate.filing_id,
        "title": certificate.title, "content_hash": certificate.content_hash, "grade": certificate.grade,
        "rights_holder_id": certificate.rights_holder_id, "rights_holder": holder_name, "issuer": issuer,
        "rights": certificate.rights, "licences": certificate.licences, "valid_from": certificate.registered_at,
        "valid_until": certificate.valid_until, "supersedes": certificate.supersedes,
    }  # fmt: skip
    return plain(told)


def message(canonical_document: str) -> bytes:
    """What the signature is over."""
    return PREFIX + canonical_document.encode()


def key_id(public_key: bytes) -> str:
    """By what a certificate names the key that it is signed with."""
    return hashlib.sha256(PREFIX + public_key).hexdigest()[:KEY_ID_LENGTH]


def file_of(signed: Signed) -> bytes:
    """The file `certificate.json`: the document, the key's id and the signature, as canonical JSON."""
    parts = (signed.document, f'"{signed.key_id}"', f'"{signed.signature}"')
    return '{{"document":{},"key_id":{},"signature":{}}}'.format(*parts).encode()


def opened(parsed: object, file: bytes) -> tuple[Mapping[str, Any], str, bytes]:
    """Document, key id and signature of a file that was parsed. Raises NotACertificate unless its bytes are canonical.

    Says nothing of who signed it.
    """
    match parsed:
        case {"document": dict(), "key_id": str(named), "signature": str(text)}:
            members = cast(Mapping[str, Any], parsed)
            told: Mapping[str, Any] = members["document"]
        case _:
            raise NotACertificate("there must be a document, a key_id and a signature")
    try:
        if len(members) != 3 or canonical.encode(members) != file:
            raise NotACertificate("it is not written in the one way that certificates are")
        signature = base64.b64decode(text, validate=True)
    except (canonical.NotCanonical, binascii.Error) as error:
        raise NotACertificate(str(error)) from error
    if base64.b64encode(signature).decode() != text:  # the last sign has bits to spare
        raise NotACertificate("the signature is not in its one spelling")
    return told, named, signature


def query_code(certificate_id: CertificateId) -> str:
    """A code short enough to read out, that a certificate can be asked for by: `K3XW-9QTM-2C4H`."""
    number = int.from_bytes(hashlib.sha256(certificate_id.encode()).digest())
    letters = [QUERY_CODE_ALPHABET[number >> 5 * place & 31] for place in range(QUERY_CODE_LENGTH)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, QUERY_CODE_LENGTH, 4))
