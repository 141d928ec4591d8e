"""The part of trading's news that delivery reads."""

from pydantic import BaseModel

from shared.changes import Microseconds
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
    deadline: Microseconds | None = None
    territory: str | None = None
    provider_id: ParticipantId | None = None


class EntitlementUsed(BaseModel):
    """From trading's news: a use was charged. Revisions tell which was the last."""

    entitlement_id: EntitlementId
    uses_left: int
    revision: int = 0


class EntitlementAmended(BaseModel):
    """From trading's news: a right goes on under another contract, which says this instead."""

    entitlement_id: EntitlementId
    purposes: tuple[str, ...]
    uses_left: int
    deadline: Microseconds
    revision: int


class EntitlementMoved(BaseModel):
    """From trading's news: an entitlement was suspended, resumed or ended. Revisions tell which was the last."""

    entitlement_id: EntitlementId
    revision: int = 0
