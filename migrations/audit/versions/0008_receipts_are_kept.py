"""What the log promised, beside the facts that it took"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox_receipts",
        sa.Column("stripe", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_index", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stripe", "last_seq", "last_index"),
    )
    protect("outbox_receipts")
