"""The facts of certificates. With these and those of filings, which tell the licences, each file can be made again."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.rules.asset import Asset
from services.catalog.rules.certificate import Signed
from services.catalog.rules.filing import Type
from services.catalog.rules.rights import Right
from shared.facts import Category, Fact, Retention
from shared.grades import Grade
from shared.ids import AssetId, CertificateId, FilingId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class RegisterFact(Fact):
    category: ClassVar[Category] = Category.ASSET
    retention: ClassVar[Retention] = Retention.REGISTRATION
    asset_id: AssetId
    provider_id: ParticipantId


@dataclass(frozen=True, slots=True)
class CertificateIssued(RegisterFact):
    """The register certifies who holds which rights in which content; the digest is of the signed document."""

    certificate_id: CertificateId
    query_code: str
    type: Type
    filing_id: FilingId | None
    version_id: VersionId
    rights_holder_id: ParticipantId
    title: str
    content_hash: str
    grade: Grade
    rights: tuple[Right, ...]
    licences_count: int
    valid_from: datetime
    valid_until: datetime | None
    supersedes: CertificateId | None
    document_digest: str
    key_id: str
    signature: str

    @classmethod
    def of(cls, asset: Asset, signed: Signed) -> Self:
        one = signed.certificate
        return cls(
            asset.id, asset.provider_id, one.id, one.query_code, one.type, one.filing_id,
            one.version_id, one.rights_holder_id, one.title, one.content_hash, one.grade, one.rights, len(one.licences),
            one.registered_at, one.valid_until, one.supersedes, signed.digest, signed.key_id, signed.signature,
        )  # fmt: skip
