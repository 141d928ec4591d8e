"""Single consents with their receipts, what persons ask for, what is disclosed to the keeper of the log, and catalogues
of important data as they stood"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "consents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.String(), nullable=True),
        sa.Column("text_version", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("given_at", moment, nullable=False),
        sa.Column("valid_until", moment, nullable=False),
        sa.Column("deadline", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"]),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("receipt"),
    )
    for name, columns in (
        ("consents_of_asset", ["asset_id", "subject"]),
        ("consents_of_version", ["version_id", "valid_until"]),
        ("consents_of_provider", ["provider_id", "id"]),
        ("consents_due", ["deadline"]),
    ):
        op.create_index(name, "consents", columns, unique=False)
    op.create_table(
        "personal_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("consent_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("deadline", moment, nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("escalations", sa.Integer(), nullable=False),
        sa.Column("answer_hash", sa.String(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in (
        ("personal_requests_of_consent", ["consent_id", "id"]),
        ("personal_requests_of_provider", ["provider_id", "id"]),
        ("personal_requests_due", ["deadline"]),
    ):
        op.create_index(name, "personal_requests", columns, unique=False)
    waits = sa.text("state IN ('escalated', 'received')")
    op.create_index(
        "one_personal_request_waits", "personal_requests", ["consent_id", "kind"], unique=True,
        sqlite_where=waits, postgresql_where=waits,
    )  # fmt: skip
    op.create_table(
        "outbox_disclosures",
        sa.Column("fact_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("fact_id", "name"),
    )
    op.create_table(
        "catalogue_snapshots",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("taken_at", moment, nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    protect("catalogue_snapshots")
