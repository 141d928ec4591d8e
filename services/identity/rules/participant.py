"""A participant: an organisation, from its application to its exit.

Promises: every change of status is in the table; no status but an end is without a deadline, and what happens then is
in a table too; a clearance of C4 or more, at admission or later, takes two operators who agree on it; a deadline counts
by itself, whether or not the job has yet noticed it.
Does not: know that an organisation has one living application (an index decides that), or what a clearance permits.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.identity.rules.role import Role
from shared.errors import Conflict, NotFound
from shared.grades import Clearance
from shared.ids import ParticipantId
from shared.lifecycle import IllegalMove, Lifecycle


class Status(StrEnum):
    APPLIED = "applied"
    ADMITTED = "admitted"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    EXITED = "exited"


APPLIED, ADMITTED, SUSPENDED, REFUSED, EXITED = Status

PARTICIPANT = Lifecycle(start=APPLIED, moves={
    APPLIED:   {ADMITTED, REFUSED},
    ADMITTED:  {SUSPENDED, EXITED},
    SUSPENDED: {ADMITTED, EXITED},
    REFUSED:   set(),
    EXITED:    set(),
})  # fmt: skip

# How long a status lasts, and what follows, for which reason, if nobody decides in time.
LASTS = {
    APPLIED:   timedelta(days=30),
    ADMITTED:  timedelta(days=183),  # verified anew every six months: 网络交易监督管理办法 art. 24
    SUSPENDED: timedelta(days=183),
}  # fmt: skip
AT_DEADLINE = {
    APPLIED:   (REFUSED,   "not_decided_in_time"),
    ADMITTED:  (SUSPENDED, "verification_expired"),
    SUSPENDED: (EXITED,    "not_reinstated_in_time"),
}  # fmt: skip
TWO_PERSONS_FROM = Clearance.C4


@dataclass(frozen=True, slots=True)
class Proposal:
    """The first of two operators' word for a clearance."""

    clearance: Clearance
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Participant:
    id: ParticipantId
    name: str
    uscc: str  # 统一社会信用代码, GB 32100-2015
    roles: frozenset[Role]
    contact: str | None
    status: Status
    deadline: datetime | None
    clearance: Clearance | None = None
    proposal: Proposal | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> Role | None:
        """Whoever must act before the deadline."""
        return Role.OPERATOR_SECURITY if self.status in LASTS else None

    @property
    def proposed_clearance(self) -> Clearance | None:
        return self.proposal.clearance if self.proposal else None


@dataclass(frozen=True, slots=True)
class Affiliation:
    """Two participants under common control. It has no direction: the lower id stands first."""

    one_id: ParticipantId
    other_id: ParticipantId


class NoSuchParticipant(NotFound):
    """There is no such participant, or you may not see it."""


class AlreadyApplied(Conflict):
    """An organisation with this credit code has applied already; its administrator can log in and see how it stands."""


class ApplicationLapsed(Conflict):
    """Nobody decided on this application in time; the organisation must apply again."""


class SecondPersonRequired(Conflict):
    """You proposed this yourself; someone else must agree to it."""


class OnlyWhileAdmitted(Conflict):
    """Only an admitted participant's clearance can change."""


class OwnAffiliate(Conflict):
    """A participant is not its own affiliate."""


class AlreadyAffiliated(Conflict):
    """These two are on record as affiliates."""


def apply(
    participant_id: ParticipantId, name: str, uscc: str, roles: frozenset[Role], contact: str | None, now: datetime
) -> Participant:
    """Requires a credit code whose check digit is right, and at least one of the trading roles."""
    return Participant(participant_id, name, uscc, roles, contact, PARTICIPANT.start, now + LASTS[APPLIED])


def admit(participant: Participant, clearance: Clearance, operator: str, now: datetime) -> Participant:
    """Admitted with this clearance; still applied, with a proposal, if a second operator must agree first."""
    if participant.status is not APPLIED:
        raise IllegalMove(state=participant.status, to=ADMITTED)
    _require_in_time(participant, now)
    if clearance >= TWO_PERSONS_FROM and not _is_second(participant.proposal, clearance, operator):
        return _propose(participant, clearance, operator)
    return _move(participant, ADMITTED, now, clearance=clearance, proposal=None)


def refuse(participant: Participant, reason_code: str, now: datetime) -> Participant:
    refused = _move(participant, REFUSED, now, reason_code=reason_code, proposal=None)
    _require_in_time(participant, now)
    return refused


def suspend(participant: Participant, reason_code: str, now: datetime) -> Participant:
    return _move(participant, SUSPENDED, now, reason_code=reason_code, proposal=None)


def reinstate(participant: Participant, reason_code: str, now: datetime) -> Participant:
    """With the clearance it had. One that has only applied must be admitted instead."""
    if (status := _status_at(participant, now)) is not SUSPENDED:
        raise IllegalMove(state=status, to=ADMITTED)
    return _move(participant, ADMITTED, now, reason_code=reason_code)


def leave(participant: Participant, reason_code: str, now: datetime) -> Participant:
    return _move(participant, EXITED, now, reason_code=reason_code, proposal=None)


def change_clearance(participant: Participant, clearance: Clearance, operator: str, now: datetime) -> Participant:
    """With this clearance from now on, verified anew; up to C4 or more, first with a proposal until a second agrees."""
    if (status := _status_at(participant, now)) is not ADMITTED or participant.clearance is None:
        raise OnlyWhileAdmitted(status=status)
    raised = clearance > participant.clearance
    if raised and clearance >= TWO_PERSONS_FROM and not _is_second(participant.proposal, clearance, operator):
        return _propose(participant, clearance, operator)
    code = "raised" if raised else "lowered" if clearance < participant.clearance else "verified_anew"
    deadline = now + LASTS[ADMITTED]
    return _change(participant, clearance=clearance, proposal=None, reason_code=code, deadline=deadline)


def pass_deadline(participant: Participant, now: datetime) -> Participant:
    """Requires a status in `AT_DEADLINE`, and that the deadline has passed."""
    status, reason_code = AT_DEADLINE[participant.status]
    return _move(participant, status, now, reason_code=reason_code, proposal=None)


def affiliation(one_id: ParticipantId, other_id: ParticipantId) -> Affiliation:
    if one_id == other_id:
        raise OwnAffiliate()
    return Affiliation(*sorted((one_id, other_id)))


def _status_at(participant: Participant, now: datetime) -> Status:
    """The status that counts: what follows at the deadline, once that has passed, noticed or not."""
    is_late = participant.deadline is not None and now >= participant.deadline
    return AT_DEADLINE[participant.status][0] if is_late else participant.status


def _require_in_time(participant: Participant, now: datetime) -> None:
    if participant.deadline is not None and now >= participant.deadline:
        raise ApplicationLapsed(deadline=participant.deadline)


def _is_second(proposal: Proposal | None, clearance: Clearance, operator: str) -> bool:
    """Whether this operator is the second to name this clearance. Raises SecondPersonRequired if also the first."""
    if proposal is None or proposal.clearance != clearance:
        return False
    if proposal.proposed_by == operator:
        raise SecondPersonRequired(proposed_clearance=clearance)
    return True


def _propose(participant: Participant, clearance: Clearance, operator: str) -> Participant:
    return _change(participant, proposal=Proposal(clearance, operator))


def _move(participant: Participant, to: Status, now: datetime, **changes: Any) -> Participant:
    deadline = now + LASTS[to] if to in LASTS else None
    return _change(participant, status=PARTICIPANT.move(participant.status, to), deadline=deadline, **changes)


def _change(participant: Participant, **changes: Any) -> Participant:
    return replace(participant, revision=participant.revision + 1, **changes)
