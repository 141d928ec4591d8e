"""What crosses the wire of `delivery`, and the small part of trading's news that it reads."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field

from services.delivery.rules.delivery import Cut, Delivery
from services.delivery.rules.delivery import Reason as EndReason
from services.delivery.rules.delivery import State as DeliveryState
from services.delivery.rules.upload import Reason, State, Upload
from shared import web
from shared.grades import Grade, Mode, Sample
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UploadId, UseId, VersionId

INTEGER_MAX = 2**53 - 1


class NewUpload(web.Request):
    """A file that will be sent. `content_hash`: its SHA-256, 64 lowercase hex digits."""

    version_id: VersionId
    media_type: Annotated[str, Field(max_length=100)]
    bytes: Annotated[int, Field(ge=1, le=INTEGER_MAX)]
    content_hash: Annotated[str, Field(max_length=64)]
    file_name: Annotated[str, Field(max_length=255)] | None = None


class UploadView(web.View):
    id: UploadId
    version_id: VersionId
    media_type: str
    bytes: int
    content_hash: str
    file_name: str | None
    state: State
    reason_code: Reason | None
    deadline: datetime | None
    next_actor: str | None

    @classmethod
    def of(cls, upload: Upload) -> Self:
        return cls.model_validate(upload)


class SampleView(web.View):
    """Rows as text, null where there is no value; drawn by the platform, the same for everyone who may see them."""

    version_id: VersionId
    kind: Sample
    fields: list[str]
    rows: list[list[str | None]]


class DeliveryView(web.View):
    id: DeliveryId
    entitlement_id: EntitlementId
    contract_id: ContractId
    use_id: UseId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    content_hash: str
    bytes: int
    bytes_sent: int
    state: DeliveryState
    started_at: datetime
    ended_at: datetime | None
    reason_code: EndReason | None
    cut: Cut | None
    deadline: datetime | None
    next_actor: str | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls.model_validate(delivery)


class EntitlementGranted(BaseModel):
    """From trading's news: who may receive what, in which form."""

    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode


class EntitlementMoved(BaseModel):
    """From trading's news: an entitlement was suspended, resumed or ended."""

    entitlement_id: EntitlementId
