"""Double auctions, and the order that one of them becomes"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('sealing', 'revealing')")


def upgrade() -> None:
    op.create_index("one_order_per_double_auction", "orders", ["double_auction_id"], unique=True, if_not_exists=True)
    op.create_table(
        "double_auctions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("listing_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bid", sa.JSON(), nullable=True),
        sa.Column("ask", sa.JSON(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("buyer_id <> provider_id", name="nobody_trades_with_themselves"),
        sa.CheckConstraint("(price_minor IS NULL) = (currency IS NULL)", name="a_price_has_its_currency"),
        sa.CheckConstraint("(state = 'traded') = (price_minor IS NOT NULL)", name="what_was_traded_has_its_price"),
        sa.CheckConstraint("(state = 'traded') = (order_id IS NOT NULL)", name="what_was_traded_has_its_order"),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"]),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("double_auctions_by_buyer", "double_auctions", ["buyer_id", "id"], unique=False)
    op.create_index("double_auctions_by_provider", "double_auctions", ["provider_id", "id"], unique=False)
    op.create_index(
        "one_double_auction_under_way", "double_auctions", ["listing_id", "buyer_id"], unique=True, sqlite_where=OPEN,
        postgresql_where=OPEN,
    )  # fmt: skip
    op.create_index(
        "double_auctions_due", "double_auctions", ["deadline"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
