"""What crosses the wire about reviews of results."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.delivery.rules.cube import Cube, Level
from services.delivery.rules.cube_query import Answered, Certificate
from services.delivery.rules.result_review import Reason, ResultReview, State
from services.delivery.schemas.cubes import CubeAnswerView
from shared import web
from shared.ids import CubeId, EntitlementId, ParticipantId, ResultReviewId, UseId, VersionId


class ResultDecision(web.Request):
    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class ResultReviewView(web.View):
    """`result`: what would go out, for whoever oversees the data; null for the two sides of the deal."""

    id: ResultReviewId
    cube_id: CubeId
    version_id: VersionId
    provider_id: ParticipantId
    entitlement_id: EntitlementId
    buyer_id: ParticipantId
    use_id: UseId
    level: Level
    question_digest: str
    answer_digest: str
    epsilon_micro_charged: int
    state: State
    reason_code: Reason
    next_actor: str | None
    requested_at: datetime
    deadline: datetime | None
    reason: str | None
    result: CubeAnswerView | None

    @classmethod
    def of(cls, review: ResultReview, result: tuple[Cube, Answered, Certificate] | None = None) -> Self:
        return cls(
            id=review.id, cube_id=review.cube_id, version_id=review.version_id, provider_id=review.provider_id,
            entitlement_id=review.entitlement_id, buyer_id=review.buyer_id, use_id=review.use_id, level=review.level,
            question_digest=review.question.digest, answer_digest=review.answer_digest,
            epsilon_micro_charged=review.epsilon_micro_charged, state=review.state, reason_code=review.reason_code,
            next_actor=review.next_actor, requested_at=review.requested_at, deadline=review.deadline,
            reason=review.reason, result=result and _result(review, *result),
        )  # fmt: skip


def _result(review: ResultReview, cube: Cube, answered: Answered, certificate: Certificate) -> CubeAnswerView:
    return CubeAnswerView.of(
        cube, review.entitlement_id, review.use_id, review.level, review.question.grouping, review.question.asked,
        answered, certificate, review.epsilon_micro_charged,
    )  # fmt: skip
