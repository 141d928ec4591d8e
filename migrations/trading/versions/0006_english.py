"""What follows on the close of an English auction, what is offered again, and who proposes to call one off"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UNDER_WAY = "state IN ('open', 'awarded', 'second_asked')"
OPEN, ASKED = "state = 'open'", "state = 'second_asked'"


def upgrade() -> None:
    for name in ("defaulter_ids", "barred_ids"):
        op.add_column("auctions", sa.Column(name, sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    for name in ("award_deadline", "failed_at"):
        op.add_column("auctions", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in ("second_id", "reoffer_of"):
        op.add_column("auctions", sa.Column(name, sa.String(), nullable=True))
    op.execute("UPDATE auctions SET failed_at = closes_at WHERE state = 'unsold'")
    op.drop_index("one_open_auction_per_listing", "auctions")
    op.drop_index("auctions_due", "auctions")
    _index("one_open_auction_per_listing", "listing_id", UNDER_WAY, unique=True)
    _index("auctions_due", "closes_at", OPEN)
    _index("answers_due", "award_deadline", ASKED)
    op.create_table(
        "cancellation_proposals",
        sa.Column("auction_id", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["auction_id"], ["auctions.id"]),
        sa.PrimaryKeyConstraint("auction_id"),
    )


def _index(name: str, column: str, where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, "auctions", [column], unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
