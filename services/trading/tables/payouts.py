"""Which payouts one person proposed and another decides on, or decided."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from services.trading.rules.payout import PAYOUT_PROPOSAL
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import InstructionId, ParticipantId, PayoutProposalId, TransferId
from shared.money import MINOR_MAX

payout_proposals = Table(
    "payout_proposals",
    metadata,
    Column("id", IdOf(PayoutProposalId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("transfer_id", IdOf(TransferId), ForeignKey("transfers.id"), nullable=False, unique=True),
    Column("proposed_by", String, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("decided_by", String),
    Column("decided_at", Moment),
    Column("reason_code", String),
    Column("instruction_id", IdOf(InstructionId), ForeignKey("instructions.id"), unique=True),
    Column("revision", Integer, nullable=False),
    CheckConstraint(f"amount_minor BETWEEN 1 AND {MINOR_MAX}", name="amount_in_range"),
    CheckConstraint(
        "(state = 'approved') = (instruction_id IS NOT NULL AND decided_by IS NOT NULL)", name="approved_by_somebody"
    ),
    CheckConstraint("state <> 'approved' OR decided_by <> proposed_by", name="approved_by_another"),
    Index("payout_proposals_by_participant", "participant_id", "id"),
)
_open = payout_proposals.c.state.in_(PAYOUT_PROPOSAL.open_states())
Index("payout_proposals_due", payout_proposals.c.deadline, sqlite_where=_open, postgresql_where=_open)
