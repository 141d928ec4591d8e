"""Bundles that were ordered, and of which of them an order is a part: before its index, which can be made beforehand"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("bundle_quote_id", sa.String(), nullable=True))
    op.create_table(
        "bundle_orders",
        sa.Column("quote_id", sa.String(), nullable=False),
        sa.Column("quote_version", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_minor >= 0", name="a_bundle_costs_something_or_nothing"),
        sa.CheckConstraint("buyer_id <> provider_id", name="nobody_buys_a_bundle_from_themselves"),
        sa.PrimaryKeyConstraint("quote_id"),
    )
    op.create_index("bundle_orders_by_buyer", "bundle_orders", ["buyer_id", "quote_id"], unique=False)
    op.create_index("bundle_orders_by_provider", "bundle_orders", ["provider_id", "quote_id"], unique=False)
    protect("bundle_orders")
