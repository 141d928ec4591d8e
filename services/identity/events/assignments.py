"""What happens to the assignments of entries to officers by name. Every service's mirror hears of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.identity.events.kinds import AccessFact
from services.identity.rules.assignment import Assignment, State
from shared.grades import Grade
from shared.ids import AssetId, AssignmentId, ParticipantId, UserId


@dataclass(frozen=True, slots=True)
class AssignmentMade(AccessFact):
    """Officers answer by name for an entry, or for all of a provider's, up to a grade and until then."""

    assignment_id: AssignmentId
    highest: Grade
    business_officer_id: UserId
    security_officer_id: UserId | None
    asset_id: AssetId | None
    provider_id: ParticipantId | None
    reason: str
    ends_at: datetime

    @classmethod
    def of(cls, made: Assignment) -> Self:
        matter = made.matter
        return cls(
            made.id, matter.highest, matter.business_officer_id, matter.security_officer_id, matter.asset_id,
            matter.provider_id, made.reason, made.ends_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssignmentEnded(AccessFact):
    """They do no longer: it was revoked, or its time is up."""

    assignment_id: AssignmentId
    state: State
    reason_code: str

    @classmethod
    def of(cls, ended: Assignment) -> Self:
        return cls(ended.id, ended.state, ended.reason_code or "")
