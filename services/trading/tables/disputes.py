"""The tables of disputes. The indexes are rules too: one dispute of an order is open, each side opens one, a round has
one seed and is ruled once, a dispute ends once, each side's fee is held once in a round; what was said, ruled and ended
is never changed.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.rules.dispute import DISPUTE, OPEN
from services.trading.rules.hold import HOLD
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ContractId, DisputeId, FactId, OrderId, ParticipantId, TransferId, UserId
from shared.money import MINOR_MAX

arbiters = Table(
    "arbiters",
    metadata,
    Column("id", IdOf(UserId), primary_key=True),
    Column("ties", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("revision", Integer, nullable=False),
)

disputes = Table(
    "disputes",
    metadata,
    Column("id", IdOf(DisputeId), primary_key=True),
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id"), nullable=False),
    Column("contract_id", IdOf(ContractId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("claimant_id", IdOf(ParticipantId), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("disputed_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("category", String, nullable=False),
    Column("remedies", JSON, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("came_from", String, nullable=False),
    Column("window_seconds", BigInteger, nullable=False),
    Column("notice_fact_id", IdOf(FactId), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("provisional", Boolean, nullable=False),
    Column("course", JSON, nullable=False),  # what has happened since: answer, panels, appeal, offers, outcome
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    CheckConstraint("disputed_minor BETWEEN 0 AND price_minor", name="no_more_than_the_price_is_disputed"),
    CheckConstraint("claimant_id IN (buyer_id, provider_id)", name="only_a_party_claims"),
    Index("one_dispute_per_side", "order_id", "claimant_id", unique=True),
    Index("disputes_by_buyer", "buyer_id", "id"),
    Index("disputes_by_provider", "provider_id", "id"),
)
_running = disputes.c.state.in_(DISPUTE.open_states())
_unproven = disputes.c.state == OPEN
Index("one_open_dispute_per_order", disputes.c.order_id, unique=True, sqlite_where=_running, postgresql_where=_running)
Index("disputes_due", disputes.c.deadline, sqlite_where=_running, postgresql_where=_running)
Index("notices_unproven", disputes.c.id, sqlite_where=_unproven, postgresql_where=_unproven)

# Who sat or sits on a dispute, for their own list.
seats = Table(
    "dispute_seats",
    metadata,
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), nullable=False),
    Column("arbiter_id", IdOf(UserId), nullable=False),
    PrimaryKey("dispute_id", "arbiter_id"),
    Index("seats_by_arbiter", "arbiter_id", "dispute_id"),
)

seeds = Table(
    "dispute_seeds",
    metadata,
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("seed", String, nullable=False),
    Column("commitment", String, nullable=False),
    PrimaryKey("dispute_id", "round"),
)

evidence = Table(
    "dispute_evidence",
    metadata,
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("by", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("added_at", Moment, nullable=False),
    PrimaryKey("dispute_id", "sequence"),
)

# What hashes are of: statements, kept evidence, reasons.
texts = Table(
    "dispute_texts",
    metadata,
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), nullable=False),
    Column("hash", String, nullable=False),
    Column("content", Text, nullable=False),
    PrimaryKey("dispute_id", "hash"),
)

votes = Table(
    "dispute_votes",
    metadata,
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("arbiter_id", IdOf(UserId), nullable=False),
    Column("vote", JSON, nullable=False),
    PrimaryKey("dispute_id", "round", "arbiter_id"),
)

rulings = Table(
    "dispute_rulings",
    metadata,
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("claimant_basis_points", Integer, nullable=False),
    Column("respondent_basis_points", Integer, nullable=False),
    Column("given_at", Moment, nullable=False),
    PrimaryKey("dispute_id", "round"),
    CheckConstraint("round IN (1, 2)", name="one_appeal"),
    CheckConstraint("claimant_basis_points >= 0 AND respondent_basis_points >= 0", name="no_negative_part"),
    CheckConstraint("claimant_basis_points + respondent_basis_points = 10000", name="parts_make_the_whole"),
)

# The one end of a dispute that moves money, whichever way it came about.
outcomes = Table(
    "dispute_outcomes",
    metadata,
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), primary_key=True),
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id"), nullable=False, unique=True),
    Column("basis", String, nullable=False),
    Column("claimant_minor", BigInteger, nullable=False),
    Column("respondent_minor", BigInteger, nullable=False),
    Column("ended_at", Moment, nullable=False),
    CheckConstraint("claimant_minor >= 0 AND respondent_minor >= 0", name="no_negative_share"),
)

fee_holds = Table(
    "arbitration_fees",
    metadata,
    Column("id", IdOf(TransferId), ForeignKey("transfers.id"), primary_key=True),
    Column("dispute_id", IdOf(DisputeId), ForeignKey("disputes.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("side", String, nullable=False),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("state", String, nullable=False, server_default=HOLD.start),
    CheckConstraint(f"amount_minor BETWEEN 1 AND {MINOR_MAX}", name="amount_in_range"),
    Index("one_fee_per_side_and_round", "dispute_id", "round", "side", unique=True),
)

APPEND_ONLY = (seats, seeds, evidence, texts, votes, rulings, outcomes)
