"""Negotiations and their offers, and the scope of an order that grants less than its listing offers"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WAITING = sa.text("state IN ('requested', 'offered', 'accepted')")


def upgrade() -> None:
    op.add_column("orders", sa.Column("scope", sa.JSON(), nullable=True))
    op.create_table(
        "negotiations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("listing_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("directed", sa.Boolean(), nullable=False),
        sa.Column("manner", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("yes", sa.JSON(), nullable=True),
        sa.Column("approval", sa.JSON(), nullable=True),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("contract_id", sa.String(), nullable=True),
        sa.Column("ending", sa.JSON(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("buyer_id <> provider_id", name="nobody_bargains_with_themselves"),
        sa.CheckConstraint("(order_id IS NULL) = (contract_id IS NULL)", name="an_order_has_its_contract"),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"]),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("negotiations_by_buyer", "negotiations", ["buyer_id", "id"], unique=False)
    op.create_index("negotiations_by_provider", "negotiations", ["provider_id", "id"], unique=False)
    op.create_index(
        "one_negotiation_under_way", "negotiations", ["listing_id", "buyer_id"], unique=True, sqlite_where=WAITING,
        postgresql_where=WAITING,
    )  # fmt: skip
    op.create_index(
        "negotiations_due", "negotiations", ["deadline"], unique=False, sqlite_where=WAITING, postgresql_where=WAITING
    )
    op.create_table(
        "negotiation_offers",
        sa.Column("negotiation_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("terms_hash", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price_minor > 0", name="price_is_positive"),
        sa.CheckConstraint("expires_at > made_at", name="an_offer_is_held"),
        sa.ForeignKeyConstraint(["negotiation_id"], ["negotiations.id"]),
        sa.PrimaryKeyConstraint("negotiation_id", "number"),
        sa.UniqueConstraint("id"),
    )
    protect("negotiation_offers")
