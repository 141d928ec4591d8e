"""The tables of what becomes of contracts: the document of each, and proposals to end one before its time."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from services.trading.rules.termination import TERMINATION
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ContractId, TerminationId

# The PDF that both signed contracts are printed as, kept as it was made: another typesetter may set it otherwise.
contract_documents = Table(
    "contract_documents",
    metadata,
    Column("contract_id", IdOf(ContractId), ForeignKey("contracts.id"), primary_key=True),
    Column("document_hash", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("made_at", Moment, nullable=False),
)

terminations = Table(
    "contract_terminations",
    metadata,
    Column("id", IdOf(TerminationId), primary_key=True),
    Column("contract_id", IdOf(ContractId), ForeignKey("contracts.id"), nullable=False),
    Column("proposed_by", String, nullable=False),
    Column("ground", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("answer", String),
    Column("answered_at", Moment),
    Column("revision", Integer, nullable=False),
    CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="an_answer_has_its_moment"),
    Index("terminations_by_contract", "contract_id", "id"),
)
_open = terminations.c.state.in_(TERMINATION.open_states())
Index(
    "one_open_termination_of_a_contract", terminations.c.contract_id, unique=True,
    sqlite_where=_open, postgresql_where=_open,
)  # fmt: skip
Index("terminations_due", terminations.c.deadline, sqlite_where=_open, postgresql_where=_open)

APPEND_ONLY = (contract_documents,)
