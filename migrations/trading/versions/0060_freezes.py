"""Freeze orders, and until when an order is frozen"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0012"
branch_labels = None
depends_on = None

STANDING = sa.text("state IN ('proposed', 'in_force')")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("orders", sa.Column("frozen_until", MOMENT, nullable=True))
    op.create_table(
        "freezes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("counterparty_id", sa.String(), nullable=True),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("legal_basis", sa.String(), nullable=False),
        sa.Column("case_reference", sa.String(), nullable=True),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("in_force_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("lifting_official", sa.String(), nullable=True),
        sa.Column("lifting_ground", sa.String(), nullable=True),
        sa.Column("lifting_proposed_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("confirmed_by <> proposed_by", name="two_persons_freeze"),
        sa.CheckConstraint("expires_at > proposed_at", name="a_freeze_has_its_end"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("freezes_by_owner", "freezes", ["owner_id", "id"], unique=False)
    op.create_index(
        "one_freeze_of_a_scope", "freezes", ["scope", "subject_id"], unique=True, sqlite_where=STANDING,
        postgresql_where=STANDING,
    )  # fmt: skip
    op.create_index(
        "freezes_due", "freezes", ["deadline"], unique=False, sqlite_where=STANDING, postgresql_where=STANDING
    )  # fmt: skip
