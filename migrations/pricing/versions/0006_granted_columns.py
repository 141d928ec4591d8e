"""Which columns a quote by coverage lets its buyer ask about"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quotes", sa.Column("granted_columns", sa.JSON(none_as_null=True), nullable=True))
