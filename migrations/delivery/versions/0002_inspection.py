"""Where a file is refused, and how far an inspection is"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("reason_line", sa.Integer(), nullable=True))
    op.add_column("uploads", sa.Column("phase", sa.String(), nullable=True))
    op.add_column("uploads", sa.Column("percent", sa.Integer(), nullable=True))
