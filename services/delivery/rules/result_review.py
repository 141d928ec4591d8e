"""The review of a result: a person looks at what was computed over important data (G5) before it goes out.

Owns: the states of a review, and from which grade on there is one.
Promises: a result is reviewed for each order that asks for it; whoever is of either side reviews nothing; what nobody
reviewed in time is not out, and may be asked for again; what was released or withheld stays so.
Source: reliability 5.2 (G5: results reviewed by a person).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.delivery.rules.cube import Level
from services.delivery.rules.cube_query import Question
from shared.errors import Conflict, Forbidden, NotFound
from shared.grades import G5, KEPT_TO, Condition, Grade, Mode
from shared.ids import CubeId, EntitlementId, ParticipantId, ResultReviewId, UseId, VersionId
from shared.lifecycle import Lifecycle

REVIEWED_FROM = G5
REVIEWED_WITHIN = timedelta(days=3)


class State(StrEnum):
    AWAITING_REVIEW = "awaiting_review"
    RELEASED = "released"
    WITHHELD = "withheld"
    LAPSED = "lapsed"


AWAITING_REVIEW, RELEASED, WITHHELD, LAPSED = State
RESULT_REVIEW = Lifecycle(start=AWAITING_REVIEW, moves={
    AWAITING_REVIEW: {RELEASED, WITHHELD, LAPSED},
    RELEASED:        set(),
    WITHHELD:        set(),
    LAPSED:          set(),  # whoever asks again is reviewed again
})  # fmt: skip
STANDING = (AWAITING_REVIEW, RELEASED, WITHHELD)


class Reason(StrEnum):
    REVIEW_DUE = "review_due"
    RELEASED = "released"
    WITHHELD = "withheld"
    NOT_REVIEWED_IN_TIME = "not_reviewed_in_time"


@dataclass(frozen=True, slots=True)
class ResultReview:
    """Of what one entitlement was answered. `answer_digest` tells the result that is looked at from any other."""

    id: ResultReviewId
    cube_id: CubeId
    version_id: VersionId
    provider_id: ParticipantId
    entitlement_id: EntitlementId
    buyer_id: ParticipantId
    use_id: UseId
    level: Level
    question: Question
    answer_digest: str
    epsilon_micro_charged: int
    state: State
    reason_code: Reason
    requested_at: datetime
    deadline: datetime | None
    reviewed_by: str | None = None
    reason: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return "operator" if self.state is AWAITING_REVIEW else None


class NoSuchResultReview(NotFound):
    """There is no such review, or it is not yours to see."""


class ResultAwaitsReview(Conflict):
    """The result is computed and waits for a person's review; ask the same again afterwards, at no further cost."""


class ResultWithheld(Forbidden):
    """Whoever reviewed this result did not let it out; the reason stands in the facts."""


class ReviewsOwnAffair(Forbidden):
    """Nobody reviews what their own organisation asked for or provides."""


class NotReviewedInTime(Conflict):
    """The time for this review is up; the buyer may ask again."""


def is_reviewed(grade: Grade) -> bool:
    """Whether results over data of this grade go out only after a review."""
    return grade >= REVIEWED_FROM


def kept_to(grade: Grade) -> frozenset[Condition]:
    """What computing over data of this grade is kept to here, so that it is on record."""
    kept = KEPT_TO[Mode.COMPUTE]
    return kept if is_reviewed(grade) else kept - {Condition.RESULT_REVIEW}


def deadline_of(requested_at: datetime) -> datetime:
    return requested_at + REVIEWED_WITHIN


def decide(
    review: ResultReview, by: str, organisation: ParticipantId | None, reason: str, now: datetime, *, releases: bool
) -> ResultReview:
    """A person's word on the result. Raises if their organisation is one of the two, or the time is up."""
    if organisation is not None and organisation in (review.buyer_id, review.provider_id):
        raise ReviewsOwnAffair()
    if is_late(review, now):
        raise NotReviewedInTime(deadline=review.deadline)
    state, code = (RELEASED, Reason.RELEASED) if releases else (WITHHELD, Reason.WITHHELD)
    return _moved(review, state, code, reviewed_by=by, reason=reason)


def lapse(review: ResultReview) -> ResultReview:
    """Requires that its deadline has passed."""
    return _moved(review, LAPSED, Reason.NOT_REVIEWED_IN_TIME)


def is_late(review: ResultReview, now: datetime) -> bool:
    return review.deadline is not None and now >= review.deadline


def require_released(review: ResultReview) -> None:
    """Raises ResultAwaitsReview or ResultWithheld."""
    if review.state is WITHHELD:
        raise ResultWithheld(result_review_id=review.id, reason=review.reason)
    if review.state is not RELEASED:
        raise ResultAwaitsReview(result_review_id=review.id, deadline=review.deadline, next_actor=review.next_actor)


def _moved(review: ResultReview, to: State, reason_code: Reason, **changes: Any) -> ResultReview:
    moved = {"state": RESULT_REVIEW.move(review.state, to), "reason_code": reason_code, "deadline": None}
    return replace(review, **moved, **changes, revision=review.revision + 1)
