"""The tables of money. The constraints are the rules once more, for whoever finds a way around the code.

Only the accounts of participants and deals keep a running balance, and the reserve, which is never to spend what it has
not; fee, tax and the bank's are sums of their transfers, so that no two deals ever wait for the same row.
"""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from services.trading.rules.hold import HOLD
from services.trading.rules.instruction import INSTRUCTION, REFUSED, InstructionKind
from services.trading.rules.ledger import GUARDED
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AuctionId, FactId, InstructionId, ParticipantId, TransferId
from shared.money import MINOR_MAX

SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
_guarded = ", ".join(f"'{kind}'" for kind in sorted(GUARDED))

accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("currency", String, nullable=False),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in SUMS),
    *(CheckConstraint(f"{name} >= 0", name=f"{name}_not_negative") for name in SUMS),
    CheckConstraint(
        f"kind NOT IN ({_guarded}) OR credits_posted - debits_posted - debits_pending >= 0", name="guarded_is_covered"
    ),
)

transfers = Table(
    "transfers",
    metadata,
    Column("id", IdOf(TransferId), primary_key=True),
    Column("debit", String, ForeignKey("accounts.id"), nullable=False),
    Column("credit", String, ForeignKey("accounts.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("phase", String, nullable=False),
    Column("pending_id", IdOf(TransferId), ForeignKey("transfers.id")),
    Column("released_minor", BigInteger, nullable=False),
    Column("fact_id", IdOf(FactId), nullable=False),
    Column("created_at", Moment, nullable=False),
    CheckConstraint(f"amount_minor BETWEEN 1 AND {MINOR_MAX}", name="amount_in_range"),
    CheckConstraint("debit <> credit", name="two_accounts"),
    CheckConstraint("(phase IN ('post', 'void')) = (pending_id IS NOT NULL)", name="ends_name_what_they_end"),
    Index("transfers_by_debit", "debit", "id"),
    Index("transfers_by_credit", "credit", "id"),
)
_ends = transfers.c.pending_id.is_not(None)
Index("pending_ends_once", transfers.c.pending_id, unique=True, sqlite_where=_ends, postgresql_where=_ends)

holds = Table(
    "holds",
    metadata,
    Column("id", IdOf(TransferId), ForeignKey("transfers.id"), primary_key=True),
    Column("auction_id", IdOf(AuctionId), nullable=False),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("state", String, nullable=False, server_default=HOLD.start),
    Index("one_deposit_per_bidder", "auction_id", "participant_id", unique=True),
)

instructions = Table(
    "instructions",
    metadata,
    Column("id", IdOf(InstructionId), primary_key=True),
    Column("kind", String, nullable=False),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("payer", String, nullable=False),
    Column("parts", JSON, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("subject", String),
    Column("natural_key", String, nullable=False),
    Column("transfer_ids", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Moment, nullable=False),
    Column("reason_code", String),
    Column("created_at", Moment, nullable=False),
    Column("executed_at", Moment),
    Column("revision", Integer, nullable=False),
    CheckConstraint(f"amount_minor BETWEEN 1 AND {MINOR_MAX}", name="amount_in_range"),
    Index("instructions_by_participant", "participant_id", "id"),
    Index("instructions_by_execution", "executed_at"),
)
_goes_out = instructions.c.kind == InstructionKind.PAYOUT
Index(
    "payouts_by_participant", instructions.c.participant_id, instructions.c.created_at, sqlite_where=_goes_out,
    postgresql_where=_goes_out,
)  # fmt: skip
_open = instructions.c.state.in_(INSTRUCTION.open_states())
Index("instructions_due", instructions.c.next_attempt_at, sqlite_where=_open, postgresql_where=_open)
_stands = instructions.c.state != REFUSED
Index("instructed_once", instructions.c.natural_key, unique=True, sqlite_where=_stands, postgresql_where=_stands)

custodian_events = Table(
    "custodian_events",
    metadata,
    Column("id", String, primary_key=True),
    Column("instruction_id", IdOf(InstructionId), nullable=False),
    Column("body_digest", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
)

statements = Table(
    "statements",
    metadata,
    Column("day", String, primary_key=True),
    Column("differences", Integer, nullable=False),
    Column("compared_at", Moment, nullable=False),
)

statement_balances = Table(
    "statement_balances",
    metadata,
    Column("day", String, ForeignKey("statements.day"), primary_key=True),
    Column("account", String, primary_key=True),
    Column("currency", String, primary_key=True),
    Column("closing_minor", BigInteger, nullable=False),
)

APPEND_ONLY = (transfers, custodian_events, statements, statement_balances)
