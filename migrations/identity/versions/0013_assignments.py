"""Who of the exchange answers by name for entries of G4 and above."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("highest", sa.String(), nullable=False),
        sa.Column("business_officer_id", sa.String(), nullable=False),
        sa.Column("security_officer_id", sa.String(), nullable=True),
        sa.Column("asset_id", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("assigned_by", sa.String(), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("(asset_id IS NULL) <> (provider_id IS NULL)", name="of_an_entry_or_of_a_provider"),
        sa.CheckConstraint(
            "highest = 'G4' AND security_officer_id IS NULL"
            " OR highest = 'G5' AND security_officer_id IS NOT NULL AND security_officer_id <> business_officer_id",
            name="two_persons_from_g5",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("assignments_of_business_officer", "assignments", ["business_officer_id", "id"])
    op.create_index("assignments_of_security_officer", "assignments", ["security_officer_id", "id"])
    lasting = sa.text("state = 'in_force'")
    op.create_index(
        "assignments_by_deadline", "assignments", ["deadline"], sqlite_where=lasting, postgresql_where=lasting
    )
