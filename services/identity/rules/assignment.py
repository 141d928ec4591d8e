"""Who of the exchange answers by name for data that harm many if they leak: an assignment 指派 of entries to officers.

Promises: up to G4 one officer of the business is named, up to G5 another for security beside them; nobody assigns
anything to themselves, and each officer holds the office and can log in; an assignment ends by itself within ninety
days, or when it is revoked, and never begins again.
Does not: say what shows by it (`shared.oversight`), or what of an asset there is to see.
Source: reliability 5.2, the row of the operator's metadata: "O-biz assigned" at G4, "O-biz + O-sec named" at G5. The
term and who assigns are ours: the operators for security, who keep accounts and policy.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.identity.rules.role import Role
from services.identity.rules.user import User
from shared.errors import Conflict, Forbidden, Malformed, NotFound
from shared.grades import G4, G5, Grade
from shared.ids import AssetId, AssignmentId, ParticipantId, UserId
from shared.lifecycle import Lifecycle

LASTS_MAX = timedelta(days=90)
ASSIGNED_UP_TO = (G4, G5)
EXPIRED_BY_ITSELF = "assignment_expired"


class State(StrEnum):
    IN_FORCE = "in_force"
    REVOKED = "revoked"
    EXPIRED = "expired"


IN_FORCE, REVOKED, EXPIRED = State
ASSIGNMENT = Lifecycle(start=IN_FORCE, moves={
    IN_FORCE: {REVOKED, EXPIRED},
    REVOKED:  set(),
    EXPIRED:  set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matter:
    """What is assigned: one entry, or all of one provider's; up to a grade. `officers` are for the business, and from
    G5 on for security too."""

    highest: Grade
    business_officer_id: UserId
    security_officer_id: UserId | None = None
    asset_id: AssetId | None = None
    provider_id: ParticipantId | None = None

    @property
    def officers(self) -> frozenset[UserId]:
        named = (self.business_officer_id, self.security_officer_id)
        return frozenset(each for each in named if each)


@dataclass(frozen=True, slots=True)
class Assignment:
    id: AssignmentId
    matter: Matter
    reason: str
    assigned_by: str
    ends_at: datetime
    state: State
    deadline: datetime | None
    reason_code: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return Role.OPERATOR_SECURITY if self.state is IN_FORCE else None


class NoSuchAssignment(NotFound):
    """There is no such assignment, or you may not see it."""


class MatterUnclear(Malformed):
    """An assignment is of one entry or of one provider's entries."""


class NotAssignable(Malformed):
    """What is assigned is of G4 or G5: below, every office sees it, and of G6 nobody of the exchange does."""


class OfficersUnfit(Malformed):
    """Up to G4 one officer of the business is named; up to G5 another person for security, beside them."""


class AssignmentPeriodNotPossible(Malformed):
    """An assignment ends after now, and within ninety days."""


class AssignsToThemselves(Forbidden):
    """Nobody is assigned anything by themselves: another operator for security does it."""


class NotAnOfficer(Conflict):
    """Whoever is named cannot log in, or does not hold this office."""


def assign(
    assignment_id: AssignmentId, matter: Matter, business: User, security: User | None, by: str, reason: str,
    ends_at: datetime, now: datetime,
) -> Assignment:  # fmt: skip
    """Requires the officers that the matter names, as they are now."""
    if (matter.asset_id is None) == (matter.provider_id is None):
        raise MatterUnclear()
    if matter.highest not in ASSIGNED_UP_TO:
        raise NotAssignable(grades=list(ASSIGNED_UP_TO))
    if (matter.highest is G5) != (security is not None):
        raise OfficersUnfit(highest=matter.highest)
    if security is not None and security.id == business.id:
        raise OfficersUnfit(highest=matter.highest)
    if not now < ends_at <= now + LASTS_MAX:
        raise AssignmentPeriodNotPossible(days_max=LASTS_MAX.days)
    if by in {business.id, security and security.id}:
        raise AssignsToThemselves()
    _require_office(business, Role.OPERATOR_BUSINESS)
    if security is not None:
        _require_office(security, Role.OPERATOR_SECURITY)
    return Assignment(assignment_id, matter, reason, by, ends_at, ASSIGNMENT.start, ends_at)


def revoke(assignment: Assignment, reason_code: str) -> Assignment:
    """By any operator for security, also one who is named: it only takes away."""
    return _end(assignment, REVOKED, reason_code)


def pass_deadline(assignment: Assignment) -> Assignment:
    """Requires that its deadline has passed."""
    return _end(assignment, EXPIRED, EXPIRED_BY_ITSELF)


def _require_office(officer: User, office: Role) -> None:
    if office not in officer.roles or officer.disabled_at is not None:
        raise NotAnOfficer(user_id=officer.id, office=office)


def _end(assignment: Assignment, to: State, reason_code: str) -> Assignment:
    ended: dict[str, Any] = {"state": ASSIGNMENT.move(assignment.state, to), "deadline": None}
    return replace(assignment, **ended, reason_code=reason_code, revision=assignment.revision + 1)
