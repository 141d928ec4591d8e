"""Deliveries in parts and for a purpose, and what is recorded of transfers abroad"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("purpose", sa.String(), nullable=True))
    op.add_column("deliveries", sa.Column("first_byte", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("deliveries", sa.Column("last_byte", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("bytes_counted", sa.BigInteger(), nullable=True))
    op.create_table(
        "export_clearances",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("entitlement_id", sa.String(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("sensitive_persons", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.String(), nullable=True),
        sa.Column("instrument", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(instrument IS NULL) = (number IS NULL)", name="an_instrument_has_its_number"),
        sa.CheckConstraint("sensitive_persons BETWEEN 0 AND persons", name="sensitive_persons_are_persons"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("export_clearances_by_entitlement", "export_clearances", ["entitlement_id", "id"], unique=False)
    op.create_table(
        "exports",
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("sensitive_persons", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("buyer_id", "year", "version_id"),
    )
    protect("export_clearances")
