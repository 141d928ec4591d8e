"""Terms of acceptance, of a listing and of an order"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listings", sa.Column("acceptance", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("orders", sa.Column("acceptance", sa.JSON(none_as_null=True), nullable=True))
