"""Registrations: filings, objections, signed certificates, and sketches of rows"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('submitted', 'under_review', 'under_notice', 'objected')")
NOTICED = sa.text("state IN ('under_notice', 'objected')")
WAITS = sa.text("deadline IS NOT NULL")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _assets()
    _certificates()
    _filings()
    _objections()
    op.create_table(
        "fingerprint_members",
        sa.Column("member", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"]),
        sa.PrimaryKeyConstraint("member", "version_id"),
    )
    op.create_index("fingerprint_of_version", "fingerprint_members", ["version_id"])
    op.create_index("versions_of_content", "versions", ["content_hash"])
    protect("fingerprint_members")


def _assets() -> None:
    op.add_column("assets", sa.Column("review_second_operator", sa.String(), nullable=True))
    op.add_column("assets", sa.Column("review_notice_ends_at", MOMENT, nullable=True))
    op.add_column("assets", sa.Column("holder_id", sa.String(), nullable=True))
    op.add_column("assets", sa.Column("objected", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("assets", sa.Column("valid_until", MOMENT, nullable=True))
    ends = sa.text("valid_until IS NOT NULL")
    op.create_index("assets_ending", "assets", ["valid_until"], sqlite_where=ends, postgresql_where=ends)


def _certificates() -> None:
    """A version may have several certificates now, each following on the one before."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    unnamed = {"uq": "uq_%(table_name)s_%(column_0_name)s"}
    with op.batch_alter_table("certificates", naming_convention=unnamed if on_sqlite else None) as table:
        table.drop_constraint(
            "uq_certificates_version_id" if on_sqlite else "certificates_version_id_key", type_="unique"
        )
        table.add_column(sa.Column("filing_id", sa.String(), nullable=True))
        table.add_column(sa.Column("type", sa.String(), server_default="first", nullable=False))
        table.add_column(sa.Column("rights", sa.JSON(), server_default="[]", nullable=False))
        table.add_column(sa.Column("licences", sa.JSON(), server_default="[]", nullable=False))
        table.add_column(sa.Column("valid_until", MOMENT, nullable=True))
        table.add_column(sa.Column("supersedes", sa.String(), nullable=True))
        table.add_column(sa.Column("document", sa.String(), nullable=True))
        table.add_column(sa.Column("key_id", sa.String(), nullable=True))
        table.add_column(sa.Column("signature", sa.String(), nullable=True))
        table.create_unique_constraint("one_certificate_follows", ["supersedes"])
    op.create_index("certificates_of_version", "certificates", ["version_id", "id"])
    first = sa.text("supersedes IS NULL")
    op.create_index(
        "one_first_certificate", "certificates", ["version_id"], unique=True, sqlite_where=first, postgresql_where=first
    )  # fmt: skip
    if on_sqlite:  # the table was written anew, without its triggers
        protect("certificates")


def _filings() -> None:
    op.create_table(
        "filings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("applicant_id", sa.String(), nullable=True),
        sa.Column("counterparty_id", sa.String(), nullable=True),
        sa.Column("filed_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("next_actor", sa.String(), nullable=True),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("version_id", sa.String(), nullable=True),
        sa.Column("particulars", sa.JSON(), nullable=False),
        sa.Column("operators", sa.JSON(), nullable=False),
        sa.Column("notice_ends_at", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_open_filing", "filings", ["asset_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )  # fmt: skip
    for name, column in (("asset", "asset_id"), ("provider", "provider_id"), ("applicant", "applicant_id"),
                         ("counterparty", "counterparty_id")):  # fmt: skip
        op.create_index(f"filings_of_{name}", "filings", [column, "id"])
    op.create_index("filings_under_notice", "filings", ["id"], sqlite_where=NOTICED, postgresql_where=NOTICED)
    op.create_index("filings_due", "filings", ["deadline"], sqlite_where=WAITS, postgresql_where=WAITS)


def _objections() -> None:
    op.create_table(
        "objections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("filing_id", sa.String(), nullable=True),
        sa.Column("objector_id", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("evidence_hash", sa.String(), nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("next_actor", sa.String(), nullable=True),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "one_open_objection", "objections", ["asset_id", "objector_id"], unique=True, sqlite_where=is_open,
        postgresql_where=is_open,
    )  # fmt: skip
    op.create_index("objections_of_asset", "objections", ["asset_id", "id"])
    op.create_index("objections_due", "objections", ["deadline"], sqlite_where=WAITS, postgresql_where=WAITS)
