"""The part of trading's news that delivery reads."""

from datetime import datetime

from pydantic import BaseModel, field_validator

from shared.facts import moment
from shared.grades import Mode
from shared.ids import EntitlementId, ParticipantId, VersionId


class EntitlementGranted(BaseModel):
    """From trading's news: who may receive what, in which form, for what, where, how often and until when."""

    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    purposes: tuple[str, ...]
    quota_uses: int
    deadline: datetime | None = None
    territory: str | None = None
    provider_id: ParticipantId | None = None

    @field_validator("deadline", mode="before")
    @classmethod
    def _from_microseconds(cls, told: object) -> object:
        return moment(told) if isinstance(told, int) else told


class EntitlementUsed(BaseModel):
    """From trading's news: a use was charged."""

    entitlement_id: EntitlementId
    uses_left: int


class EntitlementMoved(BaseModel):
    """From trading's news: an entitlement was suspended, resumed or ended. Revisions tell which was the last."""

    entitlement_id: EntitlementId
    revision: int = 0
