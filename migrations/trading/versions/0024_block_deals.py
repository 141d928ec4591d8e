"""Block deals and their parts, and the orders that these become"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('offered', 'accepted')")


def upgrade() -> None:
    op.create_index(
        "one_order_per_block_part", "orders", ["block_deal_id", "listing_id"], unique=True, if_not_exists=True
    )
    op.create_table(
        "block_deals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("terms_hash", sa.String(), nullable=False),
        sa.Column("band_basis_points", sa.Integer(), nullable=False),
        sa.Column("grounds", sa.String(), nullable=True),
        sa.Column("fees", sa.JSON(), nullable=False),
        sa.Column("approval_seconds", sa.Integer(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval", sa.JSON(), nullable=True),
        sa.Column("ending", sa.JSON(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("buyer_id <> provider_id", name="nobody_deals_with_themselves"),
        sa.CheckConstraint("total_minor > 0", name="a_block_comes_to_something"),
        sa.CheckConstraint(
            "state NOT IN ('accepted', 'agreed') OR accepted_at IS NOT NULL", name="agreed_by_a_yes"
        ),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_index("block_deals_by_buyer", "block_deals", ["buyer_id", "id"], unique=False)
    op.create_index("block_deals_by_provider", "block_deals", ["provider_id", "id"], unique=False)
    op.create_index(
        "block_deals_due", "block_deals", ["deadline"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_table(
        "block_parts",
        sa.Column("block_deal_id", sa.String(), nullable=False),
        sa.Column("listing_id", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("reference", sa.JSON(), nullable=True),
        sa.CheckConstraint("price_minor > 0", name="a_part_has_its_price"),
        sa.ForeignKeyConstraint(["block_deal_id"], ["block_deals.id"]),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"]),
        sa.PrimaryKeyConstraint("block_deal_id", "listing_id"),
    )
    protect("block_parts")
