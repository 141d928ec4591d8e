"""The asset of a cube, by which cubes of its other versions are known"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cubes", sa.Column("asset_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("cubes", "asset_id")
