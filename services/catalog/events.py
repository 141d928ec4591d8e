"""The facts that `catalog` announces: each is complete, so that an entry can be rebuilt from them without asking back.

What a fact rests on may be larger than a fact (16 KiB): then the strongest part stands in it, and the digest of all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.rules.asset import Asset, Description, Entry, Origin
from services.catalog.rules.evidence import Field, Kind
from services.catalog.rules.grading import Degree, Object, Reason
from services.catalog.rules.registration import Certificate
from services.catalog.rules.version import Version
from shared import canonical
from shared.facts import Category, Fact, Outcome, Retention, plain
from shared.grades import Flag, Grade
from shared.ids import AssetId, CertificateId, ParticipantId, UploadId, VersionId

REASONS_BYTES_MAX = 10 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """The evidence of a reason, without the sentence that is made from it."""

    rule: str
    grade: Grade
    object: Object | None
    degree: Degree | None
    rationale: str | None
    field: str | None
    kind: Kind | None
    name_hit: bool | None
    hit_basis_points: int | None
    checksum_basis_points: int | None
    with_field: str | None
    with_kind: Kind | None
    flag: Flag | None

    @classmethod
    def of(cls, reason: Reason) -> Self:
        return cls(*(getattr(reason, member.name) for member in fields(cls)))


@dataclass(frozen=True, slots=True)
class AssetFact(Fact):
    category: ClassVar[Category] = Category.ASSET
    retention: ClassVar[Retention] = Retention.REGISTRATION
    asset_id: AssetId
    provider_id: ParticipantId
    revision: int


@dataclass(frozen=True, slots=True)
class AssetDrafted(AssetFact):
    """A provider enters an asset, with its first version."""

    version_id: VersionId
    about: Description
    deadline: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        asset = entry.asset
        return cls(asset.id, asset.provider_id, asset.revision, entry.versions[0].id, asset.about, asset.deadline)


@dataclass(frozen=True, slots=True)
class AssetDescribed(AssetFact):
    """A provider describes its asset anew."""

    about: Description

    @classmethod
    def of(cls, asset: Asset) -> Self:
        return cls(asset.id, asset.provider_id, asset.revision, asset.about)


@dataclass(frozen=True, slots=True)
class SourceDeclared(AssetFact):
    """A provider declares where its data come from, and by what right it has them."""

    origin: Origin
    description: str
    legal_basis: str
    personal_information_basis: str | None
    evidence_hash: str | None

    @classmethod
    def of(cls, asset: Asset) -> Self:
        source = asset.source
        assert source
        return cls(
            asset.id, asset.provider_id, asset.revision, source.origin, source.description, source.legal_basis,
            source.personal_information_basis, source.evidence_hash,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssetWithdrawn(AssetFact):
    """By its provider, or because its draft expired. Trading takes off what it offers of it."""

    reason_code: str

    @classmethod
    def of(cls, asset: Asset) -> Self:
        assert asset.reason_code
        return cls(asset.id, asset.provider_id, asset.revision, asset.reason_code)


@dataclass(frozen=True, slots=True)
class VersionFact(AssetFact):
    version_id: VersionId


@dataclass(frozen=True, slots=True)
class VersionAdded(VersionFact):
    """A provider announces a further version of its asset."""

    number: int
    deadline: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        version = entry.versions[-1]
        return cls(*_head(entry.asset, version), version.number, version.deadline)


@dataclass(frozen=True, slots=True)
class VersionLapsed(VersionFact):
    """It did not become registered in time, or another took its place."""

    reason_code: str

    @classmethod
    def of(cls, asset: Asset, version: Version) -> Self:
        assert version.reason_code
        return cls(*_head(asset, version), version.reason_code)


@dataclass(frozen=True, slots=True)
class ContentInspected(VersionFact):
    """The bytes of a version were looked through; the digest is of all that was found in its fields."""

    category: ClassVar[Category] = Category.CONTENT
    upload_id: UploadId
    content_hash: str
    bytes: int
    rows: int
    media_type: str
    fields_count: int
    fields_digest: str
    inspector_version: str

    @classmethod
    def of(cls, asset: Asset, version: Version, found: tuple[Field, ...]) -> Self:
        content = version.content
        assert content
        return cls(
            *_head(asset, version), content.upload_id, content.content_hash, content.bytes, content.rows,
            content.media_type, len(found), canonical.digest(plain(found)), content.inspector_version,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContentRefused(VersionFact):
    """The bytes of a version cannot be taken."""

    category: ClassVar[Category] = Category.CONTENT
    upload_id: UploadId
    reason_code: str

    @classmethod
    def of(cls, asset: Asset, version: Version, upload_id: UploadId) -> Self:
        assert version.reason_code
        return cls(*_head(asset, version), upload_id, version.reason_code)


@dataclass(frozen=True, slots=True)
class GradeFact(VersionFact):
    category: ClassVar[Category] = Category.GRADE
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    rule_version: str
    reasons: tuple[Told, ...]
    reasons_count: int
    reasons_digest: str


@dataclass(frozen=True, slots=True)
class GradeProposed(GradeFact):
    """The grade that follows from what was declared and found, with the strongest of its reasons."""

    @classmethod
    def of(cls, asset: Asset, version: Version, reasons: tuple[Reason, ...]) -> Self:
        return cls(*_head(asset, version), *_grade(version, reasons))


@dataclass(frozen=True, slots=True)
class GradeRaised(GradeFact):
    """Trading suspends what the new grade no longer allows; delivery stops what is running."""

    reason: str

    @classmethod
    def of(cls, asset: Asset, version: Version, reasons: tuple[Reason, ...], reason: str) -> Self:
        return cls(*_head(asset, version), *_grade(version, reasons), reason)


@dataclass(frozen=True, slots=True)
class ReviewFact(VersionFact):
    grade: Grade
    grade_revision: int


@dataclass(frozen=True, slots=True)
class AssetSubmitted(ReviewFact):
    """A provider hands a version to the operators for review."""

    deadline: datetime | None

    @classmethod
    def of(cls, entry: Entry, version: Version) -> Self:
        return cls(*_head(entry.asset, version), *_graded(version), entry.asset.deadline)


@dataclass(frozen=True, slots=True)
class RegistrationAgreed(ReviewFact):
    """The first of two operators agrees; the second decides."""

    note: str

    @classmethod
    def of(cls, entry: Entry, version: Version, note: str) -> Self:
        return cls(*_head(entry.asset, version), *_graded(version), note)


@dataclass(frozen=True, slots=True)
class AssetRegistered(ReviewFact):
    """A version is registered, and its grade confirmed."""

    certificate_id: CertificateId
    content_hash: str
    operators: tuple[str, ...]
    note: str

    @classmethod
    def of(cls, entry: Entry, certificate: Certificate, note: str) -> Self:
        version = entry.version(certificate.version_id)
        return cls(
            *_head(entry.asset, version), *_graded(version), certificate.id, certificate.content_hash,
            certificate.operators, note,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegistrationDenied(ReviewFact):
    """The grade keeps it from being registered here at all."""

    outcome: ClassVar[Outcome] = "deny"
    reason_code: str

    @classmethod
    def of(cls, entry: Entry, version: Version, reason_code: str) -> Self:
        return cls(*_head(entry.asset, version), *_graded(version), reason_code)


@dataclass(frozen=True, slots=True)
class AssetRefused(VersionFact):
    """The operators do not register the version, and say why."""

    reason_code: str
    reason: str

    @classmethod
    def of(cls, entry: Entry, version: Version, reason: str) -> Self:
        assert entry.asset.reason_code
        return cls(*_head(entry.asset, version), entry.asset.reason_code, reason)


@dataclass(frozen=True, slots=True)
class ReviewLapsed(VersionFact):
    """Nobody reviewed it in time; it is its provider's turn again."""

    reason_code: str

    @classmethod
    def of(cls, entry: Entry, version: Version) -> Self:
        assert entry.asset.reason_code
        return cls(*_head(entry.asset, version), entry.asset.reason_code)


def _head(asset: Asset, version: Version) -> tuple[AssetId, ParticipantId, int, VersionId]:
    return asset.id, asset.provider_id, asset.revision, version.id


def _graded(version: Version) -> tuple[Grade, int]:
    assert version.graded
    return version.graded.grade, version.graded.revision


def _grade(
    version: Version, reasons: tuple[Reason, ...]
) -> tuple[Grade, frozenset[Flag], int, str, tuple[Told, ...], int, str]:
    graded = version.graded
    assert graded
    told = [Told.of(reason) for reason in reasons]
    return (
        graded.grade, graded.flags, graded.revision, graded.rule_version, _that_fit(told), len(told),
        canonical.digest(plain(told)),
    )  # fmt: skip


def _that_fit(told: Iterable[Told]) -> tuple[Told, ...]:
    """As many, the strongest first, as a fact can carry."""
    fitting, size = list[Told](), 0
    for one in told:
        size += len(canonical.encode(plain(one)))
        if size > REASONS_BYTES_MAX:
            break
        fitting.append(one)
    return tuple(fitting)
