"""The tables of complaints, freeze orders, the credit record and sanctions. One freeze of a scope stands for a thing,
proposed or in force; a failure is entered once; an entry is corrected once, and appealed against once; one sanction of
a participant stands. What is personal of a complaint lies in a table of its own, from which it can be erased.
"""

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from services.trading.rules.complaint import COMPLAINT
from services.trading.rules.credit_record import APPEAL
from services.trading.rules.freeze import FREEZE
from services.trading.rules.sanction import SANCTION
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import (
    ComplaintId,
    CreditAppealId,
    CreditEntryId,
    FreezeId,
    ParticipantId,
    SanctionId,
)

freezes = Table(
    "freezes",
    metadata,
    Column("id", IdOf(FreezeId), primary_key=True),
    Column("scope", String, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("owner_id", IdOf(ParticipantId), nullable=False),
    Column("counterparty_id", IdOf(ParticipantId)),
    Column("ground", String, nullable=False),
    Column("legal_basis", String, nullable=False),
    Column("case_reference", String),
    Column("proposed_by", String, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    Column("confirmed_by", String),
    Column("in_force_at", Moment),
    Column("expires_at", Moment, nullable=False),
    Column("lifting_official", String),
    Column("lifting_ground", String),
    Column("lifting_proposed_at", Moment),
    Column("ended_at", Moment),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    CheckConstraint("confirmed_by <> proposed_by", name="two_persons_freeze"),
    CheckConstraint("expires_at > proposed_at", name="a_freeze_has_its_end"),
    Index("freezes_by_owner", "owner_id", "id"),
)
_standing = freezes.c.state.in_(FREEZE.open_states())
Index(
    "one_freeze_of_a_scope", freezes.c.scope, freezes.c.subject_id, unique=True, sqlite_where=_standing,
    postgresql_where=_standing,
)  # fmt: skip
Index("freezes_due", freezes.c.deadline, sqlite_where=_standing, postgresql_where=_standing)

complaints = Table(
    "complaints",
    metadata,
    Column("id", IdOf(ComplaintId), primary_key=True),
    Column("kind", String, nullable=False),
    Column("about", String),
    Column("evidence", JSON, nullable=False),
    Column("complainant_id", IdOf(ParticipantId)),
    Column("state", String, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("provisional", Boolean, nullable=False),
    Column("escalations", Integer, nullable=False),
    Column("reason_code", String),
    Column("reason", String),
    Column("respondent_id", IdOf(ParticipantId)),
    Column("revision", Integer, nullable=False),
)
_unfinished = complaints.c.state.in_(COMPLAINT.open_states())
Index("complaints_due", complaints.c.deadline, sqlite_where=_unfinished, postgresql_where=_unfinished)

# Who complains of what in their own words, and the secret of their code. The facts hold commitments to it.
complaint_particulars = Table(
    "complaint_particulars",
    metadata,
    Column("complaint_id", IdOf(ComplaintId), ForeignKey("complaints.id"), primary_key=True),
    Column("narrative", String, nullable=False),
    Column("contact", String),
    Column("salt", String, nullable=False),
    Column("code_salt", String, nullable=False),
    Column("erased_from", Moment),  # once the complaint has come to its end
    Index("particulars_due", "erased_from"),
)

complaint_counts = Table(
    "complaint_counts",
    metadata,
    Column("sender", String, primary_key=True),
    Column("complaints", Integer, nullable=False),
    Column("window_ends_at", Moment, nullable=False),
)

credit_entries = Table(
    "credit_entries",
    metadata,
    Column("id", IdOf(CreditEntryId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("kind", String, nullable=False),
    Column("points", Integer, nullable=False),
    Column("source_id", String, nullable=False),
    Column("entered_by", String, nullable=False),
    Column("entered_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("corrects", IdOf(CreditEntryId), ForeignKey("credit_entries.id"), unique=True),
    CheckConstraint("(kind = 'correction') = (corrects IS NOT NULL)", name="a_correction_corrects"),
    CheckConstraint("points >= 0", name="points_not_negative"),
    Index("entered_once", "participant_id", "kind", "source_id", unique=True),
    Index("credit_entries_by_participant", "participant_id", "id"),
)

credit_appeals = Table(
    "credit_appeals",
    metadata,
    Column("id", IdOf(CreditAppealId), primary_key=True),
    Column("entry_id", IdOf(CreditEntryId), ForeignKey("credit_entries.id"), nullable=False, unique=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("entered_by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("submitted_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("provisional", Boolean, nullable=False),
    Column("escalations", Integer, nullable=False),
    Column("decided_by", String),
    Column("decision_reason", String),
    Column("revision", Integer, nullable=False),
    CheckConstraint("decided_by <> entered_by", name="another_person_decides"),
)
_undecided = credit_appeals.c.state.in_(APPEAL.open_states())
Index("credit_appeals_due", credit_appeals.c.deadline, sqlite_where=_undecided, postgresql_where=_undecided)

sanctions = Table(
    "sanctions",
    metadata,
    Column("id", IdOf(SanctionId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("points", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("notified_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("provisional", Boolean, nullable=False),
    Column("statement", String),
    Column("decided_by", String),
    Column("reason_code", String),
    Column("reason", String),
    Column("revision", Integer, nullable=False),
)
_open = sanctions.c.state.in_(SANCTION.open_states())
Index("one_sanction_stands", sanctions.c.participant_id, unique=True, sqlite_where=_open, postgresql_where=_open)
Index("sanctions_due", sanctions.c.deadline, sqlite_where=_open, postgresql_where=_open)

APPEND_ONLY = (credit_entries,)
