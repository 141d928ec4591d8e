"""Who vouches for whom: asked for by the sponsored, signed by the sponsor."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sponsorships",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sponsor_id", sa.String(), nullable=False),
        sa.Column("sponsored_id", sa.String(), nullable=False),
        sa.Column("sponsored_name", sa.String(), nullable=False),
        sa.Column("sponsored_uscc", sa.String(), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("signature", sa.String(), nullable=True),
        sa.Column("signed_at", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("sponsor_id <> sponsored_id", name="nobody_vouches_for_themselves"),
        sa.CheckConstraint("state <> 'in_force' OR signature IS NOT NULL", name="in_force_only_if_signed"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sponsorships_by_sponsor", "sponsorships", ["sponsor_id", "state", "sponsored_id"], unique=False)
    op.create_index("sponsorships_by_sponsored", "sponsorships", ["sponsored_id", "id"], unique=False)
    for name, columns, condition, is_unique in (
        ("one_sponsor", ["sponsored_id"], "state = 'in_force'", True),
        ("asked_once_at_a_time", ["sponsored_id", "sponsor_id"], "state = 'asked'", True),
        ("sponsorships_by_deadline", ["deadline"], "state IN ('asked', 'in_force')", False),
    ):
        where = sa.text(condition)
        op.create_index(
            name, "sponsorships", columns, unique=is_unique, sqlite_where=where, postgresql_where=where
        )  # fmt: skip
