"""Which columns an order by coverage, and its right, are for"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("orders", "entitlements"):
        op.add_column(table, sa.Column("columns", sa.JSON(none_as_null=True), nullable=True))
