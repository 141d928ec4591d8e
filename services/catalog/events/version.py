"""The facts of a version and its content: added, lapsed, inspected, refused.

What was found in the content may be larger than a fact: its digest stands in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.events.asset import AssetFact
from services.catalog.rules.asset import Asset, Entry
from services.catalog.rules.evidence import Field
from services.catalog.rules.version import Version
from shared import canonical
from shared.facts import Category, plain
from shared.ids import AssetId, ParticipantId, UploadId, VersionId


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
        return cls(*head(entry.asset, version), version.number, version.deadline)


@dataclass(frozen=True, slots=True)
class VersionLapsed(VersionFact):
    """It did not become registered in time, or another took its place."""

    reason_code: str

    @classmethod
    def of(cls, asset: Asset, version: Version) -> Self:
        assert version.reason_code
        return cls(*head(asset, version), version.reason_code)


@dataclass(frozen=True, slots=True)
class ContentInspected(VersionFact):
    """The bytes of a version were looked through; the digests are of all that was found in its fields and rows."""

    schema_version: ClassVar[int] = 2
    category: ClassVar[Category] = Category.CONTENT
    upload_id: UploadId
    content_hash: str
    bytes: int
    rows: int
    media_type: str
    fields_count: int
    fields_digest: str
    inspector_version: str
    fingerprint_digest: str | None

    @classmethod
    def of(cls, asset: Asset, version: Version, found: tuple[Field, ...], fingerprint: Sequence[str]) -> Self:
        content = version.content
        assert content
        return cls(
            *head(asset, version), content.upload_id, content.content_hash, content.bytes, content.rows,
            content.media_type, len(found), canonical.digest(plain(found)), content.inspector_version,
            canonical.digest(list(fingerprint)) if fingerprint else None,
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
        return cls(*head(asset, version), upload_id, version.reason_code)


def head(asset: Asset, version: Version) -> tuple[AssetId, ParticipantId, int, VersionId]:
    """What every fact of a version begins with."""
    return asset.id, asset.provider_id, asset.revision, version.id
