"""The part of trading's news that identity reads: which sanctions are in force against whom, and until when."""

from pydantic import BaseModel

from services.identity.rules.sanction import Sanction
from shared.changes import Microseconds
from shared.ids import ParticipantId, SanctionId


class ToldSanction(BaseModel):
    """What we need of the facts that a sanction was imposed, revoked, or is over."""

    sanction_id: SanctionId
    participant_id: ParticipantId
    revision: int
    deadline: Microseconds | None = None
    reason: str | None = None

    def in_force(self) -> Sanction:
        return Sanction(self.sanction_id, self.participant_id, self.revision, self.deadline, self.reason or "")

    def over(self) -> Sanction:
        return Sanction(self.sanction_id, self.participant_id, self.revision, None, self.reason or "")
