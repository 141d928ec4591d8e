"""One order of each part of a bundle"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    parts = ["bundle_quote_id", "version_id", "mode"]
    op.create_index("one_order_per_bundle_part", "orders", parts, unique=True, if_not_exists=True)
