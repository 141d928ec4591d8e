"""Which mechanism an auction has, how many copies a limited right, and which inquiry or negotiation made an order"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listings", sa.Column("right_copies", sa.Integer(), nullable=True))
    op.add_column("listings", sa.Column("mechanism", sa.String(), nullable=True))
    op.execute("UPDATE listings SET mechanism = 'english' WHERE pricing = 'auction'")
    # An unnamed constraint has another name, or none, on each database: the conventional one is PostgreSQL's.
    names = {"uq": "%(table_name)s_%(column_0_name)s_key"}
    with op.batch_alter_table("orders", naming_convention=names) as orders:
        orders.add_column(sa.Column("inquiry_id", sa.String(), nullable=True))
        orders.add_column(sa.Column("negotiation_id", sa.String(), nullable=True))
        orders.drop_constraint("orders_auction_id_key", type_="unique")
        orders.create_unique_constraint("orders_inquiry_id_key", ["inquiry_id"])
        orders.create_unique_constraint("orders_negotiation_id_key", ["negotiation_id"])
    op.create_index("one_order_per_auction_and_buyer", "orders", ["auction_id", "buyer_id"], unique=True)
