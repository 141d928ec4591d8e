"""When each account was last used: those that are there already, now."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "account_uses",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=True),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_index("account_uses_by_participant", "account_uses", ["participant_id", "subject"], unique=False)
    op.create_index("account_uses_by_use", "account_uses", ["used_at"], unique=False)
    for table in ("users", "api_clients"):
        op.execute(
            "INSERT INTO account_uses (subject, participant_id, used_at)"
            f" SELECT id, participant_id, CURRENT_TIMESTAMP FROM {table} WHERE disabled_at IS NULL"
        )
