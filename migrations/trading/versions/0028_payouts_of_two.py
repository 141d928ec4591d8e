"""Payouts that one person proposes and another approves, what was paid out in a day, and whose an inquiry is"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('proposed')")
PAYOUT = sa.text("kind = 'payout'")


def upgrade() -> None:
    op.add_column("inquiries", sa.Column("invited", sa.JSON(), nullable=True))
    op.create_index(
        "payouts_by_participant",
        "instructions",
        ["participant_id", "created_at"],
        unique=False,
        sqlite_where=PAYOUT,
        postgresql_where=PAYOUT,
        if_not_exists=True,
    )
    op.create_table(
        "payout_proposals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("transfer_id", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("instruction_id", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.CheckConstraint(
            "(state = 'approved') = (instruction_id IS NOT NULL AND decided_by IS NOT NULL)",
            name="approved_by_somebody",
        ),
        sa.CheckConstraint("state <> 'approved' OR decided_by <> proposed_by", name="approved_by_another"),
        sa.ForeignKeyConstraint(["instruction_id"], ["instructions.id"]),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("instruction_id"),
        sa.UniqueConstraint("transfer_id"),
    )  # fmt: skip
    op.create_index("payout_proposals_by_participant", "payout_proposals", ["participant_id", "id"], unique=False)
    op.create_index(
        "payout_proposals_due", "payout_proposals", ["deadline"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
