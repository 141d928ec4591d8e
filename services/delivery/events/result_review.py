"""The facts of reviews of results: who let what out, and who did not. None quotes a number of a result."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.delivery.rules.cube import Level
from services.delivery.rules.result_review import Reason, ResultReview, State
from shared.facts import Category, Fact
from shared.grades import Grade
from shared.ids import CubeId, EntitlementId, ParticipantId, ResultReviewId, UseId, VersionId


@dataclass(frozen=True, slots=True)
class ResultReviewRequested(Fact):
    """A result over important data is computed and paid for, and waits for a person's review."""

    category: ClassVar[Category] = Category.DELIVERY
    result_review_id: ResultReviewId
    cube_id: CubeId
    version_id: VersionId
    provider_id: ParticipantId
    entitlement_id: EntitlementId
    buyer_id: ParticipantId
    use_id: UseId
    grade: Grade
    level: Level
    question_digest: str
    answer_digest: str
    epsilon_micro_charged: int

    @classmethod
    def of(cls, review: ResultReview, grade: Grade) -> Self:
        return cls(
            review.id, review.cube_id, review.version_id, review.provider_id, review.entitlement_id, review.buyer_id,
            review.use_id, grade, review.level, review.question.digest, review.answer_digest,
            review.epsilon_micro_charged,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResultReviewMoved(Fact):
    category: ClassVar[Category] = Category.DELIVERY
    result_review_id: ResultReviewId
    version_id: VersionId
    provider_id: ParticipantId
    entitlement_id: EntitlementId
    buyer_id: ParticipantId
    answer_digest: str
    state: State
    reason_code: Reason
    reason: str | None

    @classmethod
    def of(cls, review: ResultReview) -> Self:
        return cls(
            review.id, review.version_id, review.provider_id, review.entitlement_id, review.buyer_id,
            review.answer_digest, review.state, review.reason_code, review.reason,
        )  # fmt: skip


class ResultReleased(ResultReviewMoved):
    """A person looked at a result, and lets it out."""

    __slots__ = ()


class ResultWithheld(ResultReviewMoved):
    """A person looked at a result, and does not let it out."""

    __slots__ = ()


class ResultReviewLapsed(ResultReviewMoved):
    """Nobody looked at a result in time."""

    __slots__ = ()
