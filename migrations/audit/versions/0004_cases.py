"""Cases, samplings, the labels by which regulators are shown entries, and what can be erased or pruned."""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import let_go_below, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "matters",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("matters_by_deadline", "matters", ["kind", "deadline"], unique=False)
    op.create_index("matters_by_kind", "matters", ["kind", "id"], unique=False)
    op.create_table(
        "matter_readers",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("matter_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "matter_id"),
    )
    op.create_table(
        "labels",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("labels_by_grade", "labels", ["grade"], unique=False)
    op.create_table(
        "labelled",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "idempotency_answers",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key_digest", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "route", "key_digest"),
    )
    op.create_table(
        "data_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_living_key",
        "data_keys",
        ["subject", "purpose"],
        unique=True,
        sqlite_where=sa.text("state != 'erased'"),
        postgresql_where=sa.text("state != 'erased'"),
    )
    op.create_table(
        "disclosures",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("data_key_id", sa.String(), nullable=False),
        sa.Column("salt_hash", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["data_key_id"], ["data_keys.id"]),
        sa.PrimaryKeyConstraint("log_index", "name"),
        sa.UniqueConstraint("salt_hash"),
    )
    op.create_index("disclosures_by_key", "disclosures", ["data_key_id"], unique=False)
    op.create_table(
        "prunings",
        sa.Column("minimum_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("minimum_index"),
    )
    protect("prunings")
    let_go_below("entries")
