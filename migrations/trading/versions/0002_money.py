"""The ledger, its deposits, and what the custodian was told and says"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("debits_pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("debits_posted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("credits_pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("credits_posted", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "kind NOT IN ('deposit', 'escrow', 'wallet') OR credits_posted - debits_posted - debits_pending >= 0",
            name="guarded_is_covered",
        ),
        sa.CheckConstraint("credits_pending >= 0", name="credits_pending_not_negative"),
        sa.CheckConstraint("credits_posted >= 0", name="credits_posted_not_negative"),
        sa.CheckConstraint("debits_pending >= 0", name="debits_pending_not_negative"),
        sa.CheckConstraint("debits_posted >= 0", name="debits_posted_not_negative"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "custodian_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("instruction_id", sa.String(), nullable=False),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "instructions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("payer", sa.String(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("natural_key", sa.String(), nullable=False),
        sa.Column("transfer_ids", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "instructed_once",
        "instructions",
        ["natural_key"],
        unique=True,
        sqlite_where=sa.text("state != 'refused'"),
        postgresql_where=sa.text("state != 'refused'"),
    )
    op.create_index("instructions_by_execution", "instructions", ["executed_at"], unique=False)
    op.create_index("instructions_by_participant", "instructions", ["participant_id", "id"], unique=False)
    op.create_index(
        "instructions_due",
        "instructions",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'sent', 'parked')"),
        postgresql_where=sa.text("state IN ('pending', 'sent', 'parked')"),
    )
    op.create_table(
        "statements",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "transfers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("debit", sa.String(), nullable=False),
        sa.Column("credit", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("pending_id", sa.String(), nullable=True),
        sa.Column("released_minor", sa.BigInteger(), nullable=False),
        sa.Column("fact_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(phase IN ('post', 'void')) = (pending_id IS NOT NULL)", name="ends_name_what_they_end"),
        sa.CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000000", name="amount_in_range"),
        sa.CheckConstraint("debit <> credit", name="two_accounts"),
        sa.ForeignKeyConstraint(
            ["credit"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["debit"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["transfers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "pending_ends_once",
        "transfers",
        ["pending_id"],
        unique=True,
        sqlite_where=sa.text("pending_id IS NOT NULL"),
        postgresql_where=sa.text("pending_id IS NOT NULL"),
    )
    op.create_index("transfers_by_credit", "transfers", ["credit", "id"], unique=False)
    op.create_index("transfers_by_debit", "transfers", ["debit", "id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("auction_id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="held", nullable=False),
        sa.ForeignKeyConstraint(
            ["id"],
            ["transfers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("one_deposit_per_bidder", "holds", ["auction_id", "participant_id"], unique=True)
    protect("transfers", "custodian_events", "statements")
