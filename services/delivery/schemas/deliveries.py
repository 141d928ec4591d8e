"""What crosses the wire about deliveries; the content itself is bytes and has no schema."""

from datetime import datetime
from typing import Self

from services.delivery.rules.delivery import Cut, Delivery, Reason, State
from shared import web
from shared.grades import Grade, Mode
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UseId, VersionId


class DeliveryView(web.View):
    id: DeliveryId
    entitlement_id: EntitlementId
    contract_id: ContractId
    use_id: UseId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    purpose: str | None
    grade: Grade
    content_hash: str
    bytes: int
    first_byte: int
    last_byte: int | None
    bytes_sent: int
    state: State
    started_at: datetime
    ended_at: datetime | None
    reason_code: Reason | None
    cut: Cut | None
    deadline: datetime | None
    next_actor: str | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls.model_validate(delivery)
