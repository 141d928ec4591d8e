"""When each password was set; of those before, nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("password_set_at", sa.DateTime(timezone=True)))
