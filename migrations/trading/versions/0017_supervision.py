"""Complaints, freeze orders, the credit record and sanctions; until when an order is frozen"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

STANDING = sa.text("state IN ('proposed', 'in_force')")
UNFINISHED = sa.text("state IN ('received', 'accepted', 'investigating', 'upheld', 'not_upheld')")
UNDECIDED = sa.text("state IN ('submitted')")
OPEN = sa.text("state IN ('notified', 'awaiting_decision', 'imposed')")
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
    op.create_table(
        "complaints",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("complainant_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("escalations", sa.Integer(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("respondent_id", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _due("complaints_due", "complaints", UNFINISHED)
    op.create_table(
        "complaint_particulars",
        sa.Column("complaint_id", sa.String(), nullable=False),
        sa.Column("narrative", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=True),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("code_salt", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaints.id"]),
        sa.PrimaryKeyConstraint("complaint_id"),
    )
    op.create_table(
        "complaint_counts",
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("complaints", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sender"),
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("corrects", sa.String(), nullable=True),
        sa.CheckConstraint("(kind = 'correction') = (corrects IS NOT NULL)", name="a_correction_corrects"),
        sa.CheckConstraint("points >= 0", name="points_not_negative"),
        sa.ForeignKeyConstraint(["corrects"], ["credit_entries.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects"),
    )
    op.create_index("entered_once", "credit_entries", ["participant_id", "kind", "source_id"], unique=True)
    op.create_index("credit_entries_by_participant", "credit_entries", ["participant_id", "id"], unique=False)
    op.create_table(
        "credit_appeals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("escalations", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("decided_by <> entered_by", name="another_person_decides"),
        sa.ForeignKeyConstraint(["entry_id"], ["credit_entries.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("entry_id"),
    )
    _due("credit_appeals_due", "credit_appeals", UNDECIDED)
    op.create_table(
        "sanctions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("notified_at", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("statement", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_sanction_stands", "sanctions", ["participant_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )
    _due("sanctions_due", "sanctions", OPEN)
    protect("credit_entries")


def _due(name: str, table: str, where: sa.TextClause) -> None:
    op.create_index(name, table, ["deadline"], unique=False, sqlite_where=where, postgresql_where=where)
