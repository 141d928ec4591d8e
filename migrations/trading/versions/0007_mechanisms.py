"""How an auction finds its winners: its mechanism, the window for opening bids, and sealed bids"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("auctions", sa.Column("mechanism", sa.String(), server_default="english", nullable=False))
    op.add_column("auctions", sa.Column("reveal_closes_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("auctions", sa.Column("reveal_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column("auctions", sa.Column("award_count", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "sealed_bids",
        sa.Column("auction_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("bidder_number", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name="amount_is_positive"),
        sa.CheckConstraint(
            "(amount_minor IS NULL) = (revealed_at IS NULL) AND (nonce IS NULL) = (revealed_at IS NULL)",
            name="revealed_whole_or_not_at_all",
        ),
        sa.CheckConstraint("price_minor <= amount_minor", name="nobody_pays_more_than_they_sealed"),
        sa.ForeignKeyConstraint(["auction_id"], ["auctions.id"]),
        sa.PrimaryKeyConstraint("auction_id", "sequence"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("one_sealed_bid_per_bidder", "sealed_bids", ["auction_id", "participant_id"], unique=True)
