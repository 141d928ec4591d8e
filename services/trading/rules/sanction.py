"""A joint sanction (联合惩戒): whose record has come to so many points neither bids, buys, asks nor offers for a time.

Promises: the subject is told first and heard, for five working days; an operator of security decides, no machine; it
ends by time, or at once when an appeal brings the record below the threshold; what nobody decides in time is dropped.
Does not: suspend its subject elsewhere. Identity follows what is announced of it and does, for as long as it binds.
Sources: matrix row 38 of the authorisation rules; 行政处罚法 art. 44, 45, 63, 64 (told and heard before);
社会信用体系建设 (国办发〔2020〕49号): sanctions only by a public list of grounds, in proportion, and for a time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.due_date import DueDate
from services.trading.rules.supervision import SupervisionRules
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import ParticipantId, SanctionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    NOTIFIED = "notified"
    AWAITING_DECISION = "awaiting_decision"
    IMPOSED = "imposed"
    DROPPED = "dropped"
    REVOKED = "revoked"
    ENDED = "ended"


NOTIFIED, AWAITING_DECISION, IMPOSED, DROPPED, REVOKED, ENDED = State

SANCTION = Lifecycle(start=NOTIFIED, moves={
    NOTIFIED:          {AWAITING_DECISION, DROPPED},
    AWAITING_DECISION: {IMPOSED, DROPPED},
    IMPOSED:           {REVOKED, ENDED},
    DROPPED:           set(),
    REVOKED:           set(),
    ENDED:             set(),
})  # fmt: skip
NEXT_ACTOR = {NOTIFIED: "subject", AWAITING_DECISION: "operator_security", IMPOSED: "nobody"}
RECORD_CLEARED, NOT_DECIDED, TIME_IS_UP = "record_cleared", "not_decided", "time_is_up"


@dataclass(frozen=True, slots=True)
class Sanction:
    """`points` is what the record came to when it was proposed; `statement` what the subject said to it."""

    id: SanctionId
    participant_id: ParticipantId
    points: int
    state: State
    notified_at: datetime
    deadline: datetime | None
    provisional: bool
    statement: str | None = None
    decided_by: str | None = None
    reason_code: str | None = None
    reason: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    def binds_at(self, moment: datetime) -> bool:
        return self.state is IMPOSED and self.deadline is not None and moment < self.deadline


class NoSuchSanction(NotFound):
    """There is no such sanction, or it is not yours."""


class Sanctioned(Conflict):
    """While a sanction binds you, you make no new bids, orders or offers; `until` says when it ends."""


class NotToBeHeard(Conflict):
    """A sanction is answered once, between its notice and its decision."""


class SubjectNotHeard(Conflict):
    """Nothing is decided before the subject has answered, or the time for that is over: `until` says when."""


class DecisionTooLate(Conflict):
    """Nobody decided on this in time: it is dropped."""


class NotIndependent(Forbidden):
    """Whoever belongs to a participant's organisation decides on no sanction."""


def require_independent(participant_id: ParticipantId | None) -> None:
    if participant_id is not None:
        raise NotIndependent()


def notify(
    sanction_id: SanctionId, participant_id: ParticipantId, points: int, hearing: DueDate, now: datetime
) -> Sanction:  # fmt: skip
    """The subject is told. Requires a record at or above the threshold, and no other sanction that stands."""
    return Sanction(
        sanction_id, participant_id, points, SANCTION.start, now, hearing.at, hearing.provisional
    )  # fmt: skip


def hear(sanction: Sanction, statement: str, decision: DueDate, now: datetime) -> Sanction:
    """What the subject has to say, once; then it is the operator's to decide, until `decision`."""
    if sanction.state is not NOTIFIED or _is_over(sanction, now):
        raise NotToBeHeard(state=sanction.state)
    return _move(sanction, AWAITING_DECISION, decision, statement=statement)


def impose(sanction: Sanction, official: str, reason: str, rules: SupervisionRules, now: datetime) -> Sanction:
    _require_heard(sanction, now)
    until = DueDate(now + timedelta(days=rules.sanction_days), provisional=False)
    return _move(sanction, IMPOSED, until, decided_by=official, reason=reason)


def drop(sanction: Sanction, official: str, reason: str, now: datetime) -> Sanction:
    _require_heard(sanction, now)
    return _move(sanction, DROPPED, None, decided_by=official, reason=reason)


def follow_record(sanction: Sanction, points: int, rules: SupervisionRules) -> Sanction:
    """After a correction: nothing stands on a record that is below the threshold again."""
    if points >= rules.threshold_points:
        return sanction
    return _move(sanction, REVOKED if sanction.state is IMPOSED else DROPPED, None, reason_code=RECORD_CLEARED)


def is_due(sanction: Sanction, now: datetime) -> bool:
    return _is_over(sanction, now)


def pass_deadline(sanction: Sanction, decision: DueDate) -> Sanction:
    """Requires that the deadline has passed. Whoever has said nothing is decided on until `decision`."""
    match sanction.state:
        case State.NOTIFIED:
            return _move(sanction, AWAITING_DECISION, decision)
        case State.AWAITING_DECISION:
            return _move(sanction, DROPPED, None, reason_code=NOT_DECIDED)
        case _:
            return _move(sanction, ENDED, None, reason_code=TIME_IS_UP)


def _require_heard(sanction: Sanction, now: datetime) -> None:
    if sanction.state is NOTIFIED:
        raise SubjectNotHeard(until=sanction.deadline)
    if sanction.state is AWAITING_DECISION and _is_over(sanction, now):
        raise DecisionTooLate(deadline=sanction.deadline)


def _is_over(sanction: Sanction, now: datetime) -> bool:
    return sanction.deadline is not None and now >= sanction.deadline


def _move(sanction: Sanction, to: State, due: DueDate | None, **changes: Any) -> Sanction:
    return replace(
        sanction, state=SANCTION.move(sanction.state, to), deadline=due and due.at,
        provisional=due.provisional if due else False, revision=sanction.revision + 1, **changes,
    )  # fmt: skip
