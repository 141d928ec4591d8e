"""What an organisation shows for its admission, which kind of merchant it is, who may act for it, and whom it lets in"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("participants", sa.Column("classes", sa.String(), server_default="party", nullable=False))
    op.add_column("participants", sa.Column("warned_at", MOMENT, nullable=True))
    op.add_column("users", sa.Column("disabled_by", sa.String(), nullable=True))
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("invited_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_digest"),
    )
    op.create_index("invitations_by_participant", "invitations", ["participant_id", "id"], unique=False)
    is_open = sa.text("state = 'open'")
    op.create_index(
        "invitations_by_deadline", "invitations", ["deadline"], unique=False,
        sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
    op.create_table(
        "documents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("issued_at", MOMENT, nullable=True),
        sa.Column("valid_until", MOMENT, nullable=True),
        sa.Column("filed_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("checked_by", sa.String(), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("documents_by_participant", "documents", ["participant_id", "id"], unique=False)
    for state in ("filed", "verified"):
        is_so = sa.text(f"state = '{state}'")
        op.create_index(
            f"one_{state}_document_of_a_kind", "documents", ["participant_id", "kind"], unique=True,
            sqlite_where=is_so, postgresql_where=is_so,
        )  # fmt: skip
    alive = sa.text("state IN ('filed', 'verified')")
    op.create_index(
        "documents_by_deadline", "documents", ["deadline"], unique=False, sqlite_where=alive, postgresql_where=alive
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("acts", sa.JSON(), nullable=False),
        sa.Column("begins_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("asset_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("listing_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("amount_max_minor", sa.BigInteger(), nullable=True),
        sa.Column("amount_max_currency", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for side in ("principal", "agent"):
        op.create_index(f"delegations_by_{side}", "delegations", [f"{side}_id", "id"], unique=False)
    under_way = sa.text("state IN ('proposed', 'in_force')")
    op.create_index(
        "delegations_by_deadline", "delegations", ["deadline"], unique=False,
        sqlite_where=under_way, postgresql_where=under_way,
    )  # fmt: skip
