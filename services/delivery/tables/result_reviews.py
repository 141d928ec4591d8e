"""The table of reviews of results. One stands for a question of an entitlement, until it lapses."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from services.delivery.rules.result_review import AWAITING_REVIEW, STANDING
from services.delivery.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import CubeId, EntitlementId, ParticipantId, ResultReviewId, UseId, VersionId

result_reviews = Table(
    "result_reviews",
    metadata,
    Column("id", IdOf(ResultReviewId), primary_key=True),
    Column("cube_id", IdOf(CubeId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("entitlement_id", IdOf(EntitlementId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("use_id", IdOf(UseId), nullable=False),
    Column("level", String, nullable=False),
    Column("question", Text, nullable=False),
    Column("question_digest", String, nullable=False),
    Column("answer_digest", String, nullable=False),
    Column("epsilon_micro_charged", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("reason_code", String, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("reviewed_by", String),
    Column("reason", String),
    Column("revision", Integer, nullable=False),
    Index("result_reviews_by_version", "version_id", "id"),
)
_stands = result_reviews.c.state.in_(STANDING)
_waits = result_reviews.c.state == AWAITING_REVIEW
Index(
    "one_review_of_a_result", result_reviews.c.entitlement_id, result_reviews.c.cube_id, result_reviews.c.level,
    result_reviews.c.question_digest, unique=True, sqlite_where=_stands, postgresql_where=_stands,
)  # fmt: skip
Index("result_reviews_due", result_reviews.c.deadline, sqlite_where=_waits, postgresql_where=_waits)
