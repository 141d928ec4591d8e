"""Reviews of results over important data"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STANDS = sa.text("state IN ('awaiting_review', 'released', 'withheld')")
WAITS = sa.text("state = 'awaiting_review'")


def upgrade() -> None:
    op.create_table(
        "result_reviews",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("cube_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("entitlement_id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("use_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("question_digest", sa.String(), nullable=False),
        sa.Column("answer_digest", sa.String(), nullable=False),
        sa.Column("epsilon_micro_charged", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("result_reviews_by_version", "result_reviews", ["version_id", "id"], unique=False)
    op.create_index(
        "one_review_of_a_result", "result_reviews", ["entitlement_id", "cube_id", "level", "question_digest"],
        unique=True, sqlite_where=STANDS, postgresql_where=STANDS,
    )  # fmt: skip
    op.create_index(
        "result_reviews_due", "result_reviews", ["deadline"], unique=False, sqlite_where=WAITS, postgresql_where=WAITS
    )
