"""By which double auction or block deal an order came about: before their indexes, which can then be made beforehand"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("double_auction_id", sa.String(), nullable=True))
    op.add_column("orders", sa.Column("block_deal_id", sa.String(), nullable=True))
