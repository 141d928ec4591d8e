"""What crosses the wire about the assignment of entries to officers."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.identity.rules.assignment import Assignment, Matter, State
from services.identity.schemas.words import Reason, ReasonCode
from shared.grades import Grade
from shared.ids import AssetId, AssignmentId, ParticipantId, UserId
from shared.web import Moment, Request, View


class NewAssignment(Request):
    """指派 · Of one entry or of one provider's, up to G4 or G5, to an officer of the business; up to G5 also to one for
    security."""

    highest: Annotated[Grade, Field(strict=False)]
    business_officer_id: UserId
    security_officer_id: UserId | None = None
    asset_id: AssetId | None = None
    provider_id: ParticipantId | None = None
    reason: Reason
    ends_at: Moment

    def matter(self) -> Matter:
        officers = (self.business_officer_id, self.security_officer_id)
        return Matter(self.highest, *officers, self.asset_id, self.provider_id)


class RevokedAssignment(Request):
    reason_code: ReasonCode


class AssignmentView(View):
    """指派 · Who answers by name for what, up to which grade, until when."""

    id: AssignmentId
    highest: Grade
    business_officer_id: UserId
    security_officer_id: UserId | None
    asset_id: AssetId | None
    provider_id: ParticipantId | None
    reason: str
    assigned_by: str
    ends_at: datetime
    state: State
    deadline: datetime | None
    next_actor: str | None
    reason_code: str | None

    @classmethod
    def of(cls, assignment: Assignment) -> Self:
        matter = assignment.matter
        return cls(
            id=assignment.id, highest=matter.highest, business_officer_id=matter.business_officer_id,
            security_officer_id=matter.security_officer_id, asset_id=matter.asset_id, provider_id=matter.provider_id,
            reason=assignment.reason, assigned_by=assignment.assigned_by, ends_at=assignment.ends_at,
            state=assignment.state, deadline=assignment.deadline, next_actor=assignment.next_actor,
            reason_code=assignment.reason_code,
        )  # fmt: skip
