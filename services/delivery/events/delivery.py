"""The facts of deliveries: what was decided before the first byte, and how many bytes left. None quotes the data."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.delivery.rules.delivery import Cut, Delivery, Entitled, Reason
from services.delivery.rules.permission import Requested
from shared.facts import Category, Fact, Outcome
from shared.grades import Decision, Grade, Mode
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UseId, VersionId


@dataclass(frozen=True, slots=True)
class DeliveryStarted(Fact):
    """Recorded before the first byte leaves: which bytes of the content, and the decision with all it rests on."""

    category: ClassVar[Category] = Category.DELIVERY
    is_high_risk: ClassVar[bool] = True
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
    purpose: str | None
    first_byte: int
    last_byte: int | None
    inputs: Requested

    @classmethod
    def of(cls, delivery: Delivery, requested: Requested, decision: Decision) -> Self:
        return cls(
            delivery.id, delivery.entitlement_id, delivery.contract_id, delivery.version_id, delivery.buyer_id,
            delivery.mode, delivery.grade, delivery.grade_revision, decision, delivery.use_id, delivery.content_hash,
            delivery.bytes, delivery.purpose, delivery.first_byte, delivery.last_byte, requested,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeliveryRefused(Fact):
    """Somebody asked for a content that they may not have, or not in this form, or not for this."""

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
    inputs: Requested

    @classmethod
    def of(cls, entitled: Entitled, grade_revision: int, requested: Requested, decision: Decision) -> Self:
        assert decision.reason_code is not None and requested.grade is not None
        return cls(
            entitled.entitlement_id, entitled.version_id, entitled.buyer_id, entitled.mode, requested.grade,
            grade_revision, decision, decision.reason_code, requested,
        )  # fmt: skip


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
