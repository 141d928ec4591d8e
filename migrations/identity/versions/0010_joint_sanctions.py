"""Sanctions of trading, which suspend their subject everywhere, and how far trading was followed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("stripe", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "stripe"),
    )
    op.create_table(
        "sanctions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("uscc", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sanctions_by_uscc", "sanctions", ["uscc"], unique=False)
    op.add_column("participants", sa.Column("sanction_id", sa.String(), nullable=True))
    op.add_column("participants", sa.Column("sanctioned_until", MOMENT, nullable=True))
    op.add_column("participants", sa.Column("sanction_reason", sa.String(), nullable=True))
