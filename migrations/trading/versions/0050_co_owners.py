"""Who shares a provider's part of a price"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listings", sa.Column("ownership", sa.JSON(), nullable=True))
    op.add_column("orders", sa.Column("ownership", sa.JSON(), nullable=True))
