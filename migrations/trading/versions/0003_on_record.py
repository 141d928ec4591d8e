"""What is on record for a version, beside its grade"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("listings", "version_grades"):
        op.add_column(table, sa.Column("on_record", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
