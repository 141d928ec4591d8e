"""Valuations, shares, cost sheets, and what is told of all trades"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cost_sheets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("statement", sa.JSON(), nullable=False),
        sa.Column("treated", sa.JSON(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_hash", sa.String(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("cost_sheets_of_provider", "cost_sheets", ["provider_id", "id"], unique=False)
    op.create_table(
        "index_points",
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("hundredths", sa.BigInteger(), nullable=True),
        sa.Column("chain", sa.String(), nullable=True),
        sa.Column("linked_to", sa.String(), nullable=True),
        sa.Column("strata", sa.Integer(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("inputs_hash", sa.String(), nullable=True),
        sa.Column("method_version", sa.String(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(hundredths IS NULL) = (reason_code IS NOT NULL)", name="a_point_or_why_not"),
        sa.PrimaryKeyConstraint("theme", "month"),
    )
    op.create_table(
        "reference_prices",
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("lower_minor", sa.BigInteger(), nullable=True),
        sa.Column("median_minor", sa.BigInteger(), nullable=True),
        sa.Column("upper_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("trades", sa.Integer(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("inputs_hash", sa.String(), nullable=True),
        sa.Column("method_version", sa.String(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(median_minor IS NULL) = (reason_code IS NOT NULL)", name="a_price_or_why_not"),
        sa.CheckConstraint("trades >= 5", name="told_of_enough_trades"),
        sa.PrimaryKeyConstraint("theme", "mode", "month"),
    )
    op.create_table(
        "revenue_shares",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("method_version", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("fees", sa.JSON(), nullable=False),
        sa.Column("fee_schedule_id", sa.String(), nullable=True),
        sa.Column("shares", sa.JSON(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_hash", sa.String(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "valuations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("question", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("comparables", sa.JSON(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_hash", sa.String(), nullable=False),
        sa.Column("valued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("valuations_of_provider", "valuations", ["provider_id", "id"], unique=False)
    op.create_table(
        "version_themes",
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index("versions_of_theme", "version_themes", ["theme"], unique=False)
    protect("valuations", "revenue_shares", "cost_sheets", "version_themes", "reference_prices", "index_points")
