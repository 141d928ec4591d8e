"""The facts of uploads, and of what is made of their contents. None of them quotes the data."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.delivery.rules.masking import MASK_POLICY
from services.delivery.rules.rendition import Rendition
from services.delivery.rules.upload import Reason, Upload
from shared.facts import Category, Fact
from shared.ids import ParticipantId, UploadId, VersionId


@dataclass(frozen=True, slots=True)
class UploadFact(Fact):
    category: ClassVar[Category] = Category.CONTENT
    upload_id: UploadId
    version_id: VersionId
    provider_id: ParticipantId
    media_type: str
    bytes: int
    content_hash: str

    @classmethod
    def of(cls, upload: Upload) -> Self:
        return cls(
            upload.id, upload.version_id, upload.provider_id, upload.media_type, upload.bytes, upload.content_hash
        )  # fmt: skip


class UploadDeclared(UploadFact):
    """A provider announced a file."""

    __slots__ = ()


class ContentReceived(UploadFact):
    """The bytes came, and are those that were announced."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ContentRefused(Fact):
    """The bytes did not come, are others than announced, or cannot be inspected."""

    category: ClassVar[Category] = Category.CONTENT
    upload_id: UploadId
    version_id: VersionId
    provider_id: ParticipantId
    content_hash: str
    reason_code: Reason
    reason_line: int | None = None

    @classmethod
    def of(cls, upload: Upload) -> Self:
        assert upload.reason_code is not None
        parts = (upload.content_hash, upload.reason_code, upload.reason_line)
        return cls(upload.id, upload.version_id, upload.provider_id, *parts)


@dataclass(frozen=True, slots=True)
class ContentInspected(Fact):
    """A content was looked through, and what it holds is told by kind, never by value."""

    category: ClassVar[Category] = Category.CONTENT
    upload_id: UploadId
    version_id: VersionId
    provider_id: ParticipantId
    content_hash: str
    bytes: int
    rows: int
    field_count: int
    kinds: tuple[str, ...]
    inspector_version: str


@dataclass(frozen=True, slots=True)
class RenditionMade(Fact):
    """A content was written with masks, and what that did was reported; or a sample was drawn, without a report."""

    category: ClassVar[Category] = Category.CONTENT
    version_id: VersionId
    upload_id: UploadId
    policy_digest: str
    mask_policy: str
    source_hash: str
    content_hash: str
    bytes: int
    report_digest: str | None

    @classmethod
    def of(cls, made: Rendition, upload: Upload, report_digest: str | None) -> Self:
        parts = (made.policy_digest, MASK_POLICY, upload.content_hash, made.content_hash, made.bytes)
        return cls(made.version_id, upload.id, *parts, report_digest)
