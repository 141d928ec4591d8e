"""Kinds of plan beyond one price: periods, tiers, bundles and coverage; quotes in versions, with what they buy

Quotes are copied, because a quote is kept by its id and version now and SQLite cannot change a key in place.
"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

QUOTED = """
    id, plan_id, plan_revision, version, buyer_id, provider_id, version_id, mode, lines, total_minor, total_currency,
    given_at, expires_at
"""


def upgrade() -> None:
    _plans()
    _quotes()
    protect("quotes", "grids")


def _plans() -> None:
    for column in (
        sa.Column("asset_id", sa.String(), nullable=True),
        sa.Column("period_days", sa.Integer(), nullable=True),
        sa.Column("tiers", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("parts", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("grid_digest", sa.String(), nullable=True),
        sa.Column("fidelity", sa.String(), nullable=True),
        sa.Column("freshness", sa.String(), server_default=sa.text("'live'"), nullable=False),
        sa.Column("tax_category", sa.String(), server_default=sa.text("'general'"), nullable=False),
        sa.Column("tax_inclusive", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    ):
        op.add_column("plans", column)
    op.create_index("plans_of_provider", "plans", ["provider_id", "id"], unique=False)
    op.create_table(
        "price_lists",
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id"),
    )
    op.create_table(
        "grids",
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("plan_revision", sa.Integer(), nullable=False),
        sa.Column("grid", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id", "plan_revision"], ["plans.id", "plans.revision"]),
        sa.PrimaryKeyConstraint("plan_id", "plan_revision"),
    )


def _quotes() -> None:
    op.create_table(
        "quotes_in_versions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("plan_revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_currency", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ask", sa.JSON(), nullable=True),
        sa.Column("quota_uses", sa.Integer(), nullable=True),
        sa.Column("period_days", sa.Integer(), nullable=True),
        sa.Column("is_bundle", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tax", sa.JSON(), nullable=True),
        sa.Column("cells", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id", "plan_revision"], ["plans.id", "plans.revision"]),
        sa.PrimaryKeyConstraint("id", "version"),
    )
    op.execute(f"INSERT INTO quotes_in_versions ({QUOTED}) SELECT {QUOTED} FROM quotes")
    op.drop_table("quotes")
    op.rename_table("quotes_in_versions", "quotes")
    op.create_index("quotes_of_buyer", "quotes", ["buyer_id", "version_id"], unique=False)
