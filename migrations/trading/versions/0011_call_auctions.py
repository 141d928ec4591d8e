"""Call auctions of standard units: their listings, their orders, and what each came to"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('open')")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("orders", sa.Column("call_auction_id", sa.String(), nullable=True))
    op.create_index("one_order_per_call_and_pair", "orders", ["call_auction_id", "buyer_id", "listing_id"], unique=True)
    op.create_table(
        "call_auctions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("unit", sa.JSON(), nullable=False),
        sa.Column("reference_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("fees", sa.JSON(), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closes_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("order_count", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("(price_minor IS NULL) = (volume = 0)", name="a_price_has_its_volume"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "call_auctions_due", "call_auctions", ["closes_at"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_table(
        "call_listings",
        sa.Column("call_auction_id", sa.String(), nullable=False),
        sa.Column("listing_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["call_auction_id"], ["call_auctions.id"]),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"]),
        sa.PrimaryKeyConstraint("call_auction_id", "listing_id"),
    )
    op.create_table(
        "unit_orders",
        sa.Column("call_auction_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("listing_id", sa.String(), nullable=True),
        sa.Column("limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("placed_at", MOMENT, nullable=False),
        sa.CheckConstraint("limit_minor > 0 AND quantity > 0", name="an_order_is_for_something"),
        sa.CheckConstraint("(direction = 'sell') = (listing_id IS NOT NULL)", name="who_sells_names_a_listing"),
        sa.ForeignKeyConstraint(["call_auction_id"], ["call_auctions.id"]),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"]),
        sa.PrimaryKeyConstraint("call_auction_id", "sequence"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "unit_fills",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.String(), nullable=True),
        sa.CheckConstraint("units >= 0 AND (left_out IS NULL OR units = 0)", name="who_is_left_out_gets_nothing"),
        sa.ForeignKeyConstraint(["id"], ["unit_orders.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    protect("call_listings", "unit_orders", "unit_fills")
