"""Maps of keys"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("key_count", sa.BigInteger(), nullable=False),
        sa.Column("lag_least_us", sa.BigInteger(), nullable=True),
        sa.Column("lag_most_us", sa.BigInteger(), nullable=True),
        sa.Column("fact_id", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "snapshot_tiles",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("tile_index", sa.BigInteger(), nullable=False),
        sa.Column("first_key", sa.String(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", "level", "tile_index"),
    )
    op.create_index("snapshot_tiles_by_key", "snapshot_tiles", ["size", "level", "first_key"], unique=False)
