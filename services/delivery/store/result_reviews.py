"""How reviews of results are kept."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import ColumnElement, Row, insert, select, update

from services.delivery.rules.cube import Level
from services.delivery.rules.cube_query import Question
from services.delivery.rules.result_review import (
    AWAITING_REVIEW,
    STANDING,
    NoSuchResultReview,
    Reason,
    ResultReview,
    State,
)
from services.delivery.tables.result_reviews import result_reviews
from shared.database import Transaction, for_update
from shared.ids import CubeId, EntitlementId, ParticipantId, ResultReviewId, VersionId

QUESTION: TypeAdapter[Question] = TypeAdapter(Question)
DUE_MAX = 100


async def add(tx: Transaction, review: ResultReview) -> None:
    """Requires the cube locked, so that nobody adds another of the same."""
    await tx.execute(insert(result_reviews).values(_row(review)))


async def save(tx: Transaction, review: ResultReview) -> None:
    """Requires the locked review."""
    await tx.execute(update(result_reviews).where(result_reviews.c.id == review.id).values(_row(review)))


async def review(tx: Transaction, review_id: ResultReviewId, *, lock: bool = False) -> ResultReview:
    """Raises NoSuchResultReview."""
    query = select(*result_reviews.c).where(result_reviews.c.id == review_id)
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchResultReview()
    return _review(row)


async def standing(
    tx: Transaction, entitlement_id: EntitlementId, cube_id: CubeId, level: Level, question_digest: str
) -> ResultReview | None:
    """What stands of a question of an entitlement, locked."""
    query = select(*result_reviews.c).where(
        result_reviews.c.entitlement_id == entitlement_id, result_reviews.c.cube_id == cube_id,
        result_reviews.c.level == level, result_reviews.c.question_digest == question_digest,
        result_reviews.c.state.in_(STANDING),
    )  # fmt: skip
    row = (await tx.execute(for_update(query, tx))).one_or_none()
    return None if row is None else _review(row)


async def listed(
    tx: Transaction, version_id: VersionId, party_id: ParticipantId | None, after: ResultReviewId | None, limit: int
) -> list[ResultReview]:  # fmt: skip
    """Of a version, in order of age: those in which the organisation gives or receives; for None, all."""
    where: list[ColumnElement[bool]] = [result_reviews.c.version_id == version_id]
    if party_id is not None:
        where.append((result_reviews.c.buyer_id == party_id) | (result_reviews.c.provider_id == party_id))
    if after is not None:
        where.append(result_reviews.c.id > after)
    query = select(*result_reviews.c).where(*where).order_by(result_reviews.c.id).limit(limit)
    return [_review(row) for row in await tx.execute(query)]


async def past_deadline(tx: Transaction, now: datetime) -> list[ResultReview]:
    """Those that nobody has decided in time, locked, at most a hundred."""
    late = (result_reviews.c.state == AWAITING_REVIEW, result_reviews.c.deadline <= now)
    query = select(*result_reviews.c).where(*late).order_by(result_reviews.c.id).limit(DUE_MAX)
    return [_review(row) for row in await tx.execute(for_update(query, tx, skip_locked=True))]


def _row(review: ResultReview) -> dict[str, object]:
    told: dict[str, object] = {
        column.name: getattr(review, column.name) for column in result_reviews.c if column.name != "question_digest"
    }
    return told | {"question": to_json(review.question).decode(), "question_digest": review.question.digest}


def _review(row: Row[Any]) -> ResultReview:
    return ResultReview(
        row.id, row.cube_id, row.version_id, row.provider_id, row.entitlement_id, row.buyer_id, row.use_id,
        Level(row.level), QUESTION.validate_json(row.question), row.answer_digest, row.epsilon_micro_charged,
        State(row.state), Reason(row.reason_code), row.requested_at, row.deadline, row.reviewed_by, row.reason,
        row.revision,
    )  # fmt: skip
