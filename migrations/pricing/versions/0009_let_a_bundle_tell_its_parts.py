"""Let the quote of a bundle tell its parts, and the share of each"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quotes", sa.Column("parts", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
