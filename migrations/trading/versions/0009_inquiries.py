"""Needs, inquiries with their sealed and opened offers, and what matching knows of a version"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN_INQUIRY = sa.text("state IN ('open', 'opening')")
OPEN_NEED = sa.text("state IN ('open')")


def upgrade() -> None:
    _needs()
    _inquiries()
    _offers()
    protect("inquiry_invitations", "sealed_offers", "opened_offers")


def _needs() -> None:
    op.create_table(
        "needs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("grade_ceiling", sa.String(), nullable=False),
        sa.Column("budget_salt", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inquiry_id", sa.String(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("inquiry_id"),
    )
    op.create_index("needs_by_buyer", "needs", ["buyer_id", "id"])
    op.create_index("needs_due", "needs", ["deadline"], sqlite_where=OPEN_NEED, postgresql_where=OPEN_NEED)
    op.create_table(
        "version_traits",
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("update_cycle", sa.String(), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version_id"),
    )


def _inquiries() -> None:
    op.create_table(
        "inquiries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.String(), nullable=False),
        sa.Column("need_id", sa.String(), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("budget_salt", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judgement", sa.JSON(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["needs.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("need_id"),
    )
    op.create_index("inquiries_by_buyer", "inquiries", ["buyer_id", "id"])
    op.create_index(
        "inquiries_due", "inquiries", ["deadline"], sqlite_where=OPEN_INQUIRY, postgresql_where=OPEN_INQUIRY
    )
    op.create_table(
        "inquiry_invitations",
        sa.Column("inquiry_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiries.id"]),
        sa.PrimaryKeyConstraint("inquiry_id", "provider_id"),
    )
    op.create_index("inquiries_by_invited", "inquiry_invitations", ["provider_id", "inquiry_id"])


def _offers() -> None:
    op.create_table(
        "sealed_offers",
        sa.Column("inquiry_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["inquiry_id", "provider_id"],
            ["inquiry_invitations.inquiry_id", "inquiry_invitations.provider_id"],
            name="only_invited_offer",
        ),
        sa.PrimaryKeyConstraint("inquiry_id", "provider_id"),
    )
    op.create_index("one_sealed_offer_per_number", "sealed_offers", ["inquiry_id", "sequence"], unique=True)
    op.create_table(
        "opened_offers",
        sa.Column("inquiry_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("proposal", sa.JSON(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["inquiry_id", "provider_id"],
            ["sealed_offers.inquiry_id", "sealed_offers.provider_id"],
            name="only_sealed_is_opened",
        ),
        sa.PrimaryKeyConstraint("inquiry_id", "provider_id"),
    )
