"""What is on file for versions, and when they are to be graded again"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "authority_filings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
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
    op.create_index("authority_filings_of_version", "authority_filings", ["version_id", "id"], unique=False)
    op.create_table(
        "petitions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("rationale", sa.String(), nullable=False),
        sa.Column("evidence_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_operator", sa.String(), nullable=True),
        sa.Column("first_at_grade_revision", sa.Integer(), nullable=True),
        sa.Column("operators", sa.JSON(), nullable=False),
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
    op.create_index(
        "one_petition_in_review",
        "petitions",
        ["version_id", "kind"],
        unique=True,
        sqlite_where=sa.text("state = 'submitted'"),
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_index(
        "petitions_due",
        "petitions",
        ["deadline"],
        unique=False,
        sqlite_where=sa.text("deadline IS NOT NULL"),
        postgresql_where=sa.text("deadline IS NOT NULL"),
    )
    op.create_index("petitions_of_asset", "petitions", ["asset_id", "id"], unique=False)
    op.create_table(
        "records",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("evidence_hash", sa.String(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
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
    op.create_index(
        "records_due",
        "records",
        ["deadline"],
        unique=False,
        sqlite_where=sa.text("deadline IS NOT NULL"),
        postgresql_where=sa.text("deadline IS NOT NULL"),
    )
    op.create_index("records_of_asset", "records", ["asset_id", "id"], unique=False)
    op.create_table(
        "regradings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_actor", sa.String(), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("said", sa.JSON(none_as_null=True), nullable=True),
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
    op.create_index(
        "one_open_regrading",
        "regradings",
        ["version_id", "trigger"],
        unique=True,
        sqlite_where=sa.text("state != 'closed'"),
        postgresql_where=sa.text("state != 'closed'"),
    )
    op.create_index(
        "regradings_due",
        "regradings",
        ["deadline"],
        unique=False,
        sqlite_where=sa.text("deadline IS NOT NULL"),
        postgresql_where=sa.text("deadline IS NOT NULL"),
    )
    op.add_column("versions", sa.Column("regrade_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("versions", sa.Column("regrade_overdue", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "versions_to_regrade",
        "versions",
        ["regrade_by"],
        unique=False,
        sqlite_where=sa.text("regrade_by IS NOT NULL"),
        postgresql_where=sa.text("regrade_by IS NOT NULL"),
    )
    protect("authority_filings")
    _set_due_dates()


def _set_due_dates() -> None:
    """What is registered already is due a year after it was."""
    versions = sa.table("versions", sa.column("id", sa.String()), sa.column("regrade_by", sa.DateTime(timezone=True)))
    certificates = sa.table(
        "certificates", sa.column("version_id", sa.String()), sa.column("registered_at", sa.DateTime(timezone=True))
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(certificates.c.version_id, certificates.c.registered_at)).all():
        due = {"regrade_by": row.registered_at + timedelta(days=365)}
        connection.execute(sa.update(versions).where(versions.c.id == row.version_id).values(due))
