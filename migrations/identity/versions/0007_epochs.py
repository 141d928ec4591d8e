"""When the tables were set back to a backup: each time an epoch begins, in which no token of before is good."""

import sqlalchemy as sa
from alembic import op

from migrations import append_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "epochs",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    append_only.protect("epochs")
