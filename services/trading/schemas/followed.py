"""The part of the catalogue's news that trading reads."""

from pydantic import BaseModel

from shared.changes import Microseconds
from shared.grades import Condition, Flag, Grade, Mode
from shared.ids import AccessRequestId, AssetId, ParticipantId, VersionId


class NewGrade(BaseModel):
    """What we need of the facts that a version's grade was raised or lowered, or what is on record for it changed."""

    version_id: VersionId
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    on_record: frozenset[Condition] = frozenset()


class WithdrawnAsset(BaseModel):
    """What we need of the fact that an asset was withdrawn."""

    asset_id: AssetId


class ToldApproval(BaseModel):
    """What we need of the facts that access to a version was approved, or that an approval ended. Before the second
    version of these facts the mode was not told: such an approval opens nothing here."""

    access_request_id: AccessRequestId
    version_id: VersionId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    revision: int
    deadline: Microseconds | None = None
    grade: Grade | None = None
    mode: Mode | None = None
    purpose: str | None = None
    reason_code: str | None = None
