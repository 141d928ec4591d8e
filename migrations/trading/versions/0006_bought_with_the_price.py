"""How many uses and days an order buys, where its price says so"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("quota_uses", sa.Integer(), nullable=True))
    op.add_column("orders", sa.Column("period_days", sa.Integer(), nullable=True))
