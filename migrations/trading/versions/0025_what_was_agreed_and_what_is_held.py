"""Contracts whose terms stay as they were written, and what the custodian said that it held at the end of a day."""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import let_change, protect, write_once

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect("contracts")
    let_change(
        "contracts", "state", "deadline", "reason_code", "reason", "document_hash", "superseded_by", "revision"
    )  # fmt: skip
    write_once("contracts", "document_hash", "superseded_by")
    op.create_table(
        "statement_balances",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("closing_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["day"], ["statements.day"]),
        sa.PrimaryKeyConstraint("day", "account", "currency"),
    )
    protect("statement_balances")
