"""The part of trading's news that delivery reads."""

from pydantic import BaseModel

from shared.grades import Mode
from shared.ids import EntitlementId, ParticipantId, VersionId


class EntitlementGranted(BaseModel):
    """From trading's news: who may receive what, in which form."""

    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    purposes: tuple[str, ...] = ()


class EntitlementMoved(BaseModel):
    """From trading's news: an entitlement was suspended, resumed or ended."""

    entitlement_id: EntitlementId
