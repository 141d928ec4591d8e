"""The facts that `delivery` announces. None of them quotes the data."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.delivery.rules.delivery import Cut, Delivery, Reason
from services.delivery.rules.masking import MASK_POLICY
from services.delivery.rules.rendition import Rendition
from services.delivery.rules.upload import Reason as RefusalReason
from services.delivery.rules.upload import Upload
from shared.facts import Category, Fact, Outcome
from shared.grades import Decision, Grade, Mode
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UploadId, UseId, VersionId


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
    reason_code: RefusalReason

    @classmethod
    def of(cls, upload: Upload) -> Self:
        assert upload.reason_code is not None
        return cls(upload.id, upload.version_id, upload.provider_id, upload.content_hash, upload.reason_code)


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
    """A content was written with masks, or a sample drawn from it."""

    category: ClassVar[Category] = Category.CONTENT
    version_id: VersionId
    upload_id: UploadId
    policy_digest: str
    mask_policy: str
    source_hash: str
    content_hash: str
    bytes: int

    @classmethod
    def of(cls, made: Rendition, upload: Upload) -> Self:
        parts = (made.policy_digest, MASK_POLICY, upload.content_hash, made.content_hash, made.bytes)
        return cls(made.version_id, upload.id, *parts)


@dataclass(frozen=True, slots=True)
class SampleShown(Fact):
    """Somebody saw rows of a sample."""

    category: ClassVar[Category] = Category.CONTENT
    version_id: VersionId
    grade: Grade
    kind: str
    row_count: int
    policy_version: str


@dataclass(frozen=True, slots=True)
class SampleRefused(Fact):
    """Somebody asked for a sample that the grade does not allow them."""

    category: ClassVar[Category] = Category.CONTENT
    outcome: ClassVar[Outcome] = "deny"
    version_id: VersionId
    grade: Grade
    reason_code: str
    policy_version: str


@dataclass(frozen=True, slots=True)
class DeliveryStarted(Fact):
    """Recorded before the first byte leaves."""

    category: ClassVar[Category] = Category.DELIVERY
    delivery_id: DeliveryId
    entitlement_id: EntitlementId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    decision: Decision
    use_id: UseId
    content_hash: str
    bytes: int

    @classmethod
    def of(cls, delivery: Delivery, decision: Decision) -> Self:
        return cls(
            delivery.id, delivery.entitlement_id, delivery.contract_id, delivery.version_id, delivery.buyer_id,
            delivery.mode, delivery.grade, delivery.grade_revision, decision, delivery.use_id, delivery.content_hash,
            delivery.bytes,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeliveryRefused(Fact):
    """Somebody asked for a content that they may not have, or not in this form."""

    category: ClassVar[Category] = Category.DELIVERY
    outcome: ClassVar[Outcome] = "deny"
    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    decision: Decision
    reason_code: str


@dataclass(frozen=True, slots=True)
class DeliveryEnded(Fact):
    """How a delivery went: `bytes` are those that left."""

    category: ClassVar[Category] = Category.DELIVERY
    delivery_id: DeliveryId
    entitlement_id: EntitlementId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    use_id: UseId
    bytes: int
    content_hash: str
    reason_code: Reason
    cut: Cut | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        assert delivery.reason_code is not None
        return cls(
            delivery.id, delivery.entitlement_id, delivery.contract_id, delivery.version_id, delivery.buyer_id,
            delivery.use_id, delivery.bytes_sent, delivery.content_hash, delivery.reason_code, delivery.cut,
        )  # fmt: skip
