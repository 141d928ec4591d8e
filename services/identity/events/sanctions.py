"""What becomes of participants by the sanctions that trading imposes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.identity.events.kinds import AdmissionFact
from services.identity.rules.participant import Participant
from services.identity.rules.sanction import Binding
from shared.ids import ParticipantId, SanctionId


@dataclass(frozen=True, slots=True)
class ParticipantSanctioned(AdmissionFact):
    """A joint sanction binds a participant: until then it is suspended in every service, whatever else is decided."""

    participant_id: ParticipantId
    revision: int
    sanction_id: SanctionId
    sanctioned_until: datetime
    reason: str

    @classmethod
    def of(cls, bound: Participant, by: Binding) -> Self:
        return cls(bound.id, bound.revision, by.sanction_id, by.until, by.reason)


@dataclass(frozen=True, slots=True)
class ParticipantSanctionLifted(AdmissionFact):
    """No sanction binds a participant any more. What an operator suspended stays suspended."""

    participant_id: ParticipantId
    revision: int
    sanction_id: SanctionId

    @classmethod
    def of(cls, free: Participant, before: Participant) -> Self:
        assert before.sanction
        return cls(free.id, free.revision, before.sanction.sanction_id)
