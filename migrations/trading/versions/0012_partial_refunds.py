"""What of an order's price goes back when the rest is shared out"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("refund_minor", sa.BigInteger(), nullable=False, server_default="0"))
        orders.create_check_constraint(
            "no_more_than_the_price_goes_back", "refund_minor BETWEEN 0 AND price_minor"
        )  # fmt: skip
