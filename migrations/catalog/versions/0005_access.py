"""Requests for access: one form, with every step taken on it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("renews", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("next_actor", sa.String(), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"],
            ["assets.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("access_requests_due", "access_requests", ["deadline"], unique=False)
    op.create_index("access_requests_of_buyer", "access_requests", ["buyer_id", "id"], unique=False)
    op.create_index("access_requests_of_provider", "access_requests", ["provider_id", "id"], unique=False)
    op.create_index("access_requests_of_version", "access_requests", ["version_id", "buyer_id"], unique=False)
    op.create_index(
        "one_approved_request",
        "access_requests",
        ["version_id", "buyer_id", "mode"],
        unique=True,
        sqlite_where=sa.text("state = 'approved'"),
        postgresql_where=sa.text("state = 'approved'"),
    )
    op.create_index(
        "one_undecided_request",
        "access_requests",
        ["version_id", "buyer_id", "mode"],
        unique=True,
        sqlite_where=sa.text("state IN ('awaiting_provider', 'awaiting_operator')"),
        postgresql_where=sa.text("state IN ('awaiting_provider', 'awaiting_operator')"),
    )
