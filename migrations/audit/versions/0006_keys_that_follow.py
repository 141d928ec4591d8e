"""Which key of the log was followed by which."""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature_before", sa.LargeBinary(), nullable=False),
        sa.Column("signature_after", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("after"),
    )
    protect("handovers")
