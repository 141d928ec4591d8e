"""The tables of what goes back after a settlement. Their keys are rules too: an order's returns are numbered without a
twin, a credit for the service is returned once, each part of a return is one transfer, a debt is opened once and
collected once.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
)
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.rules.returning import Cause
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import InstructionId, OrderId, ParticipantId, ReceivableId, TransferId
from shared.money import MINOR_MAX


def _amount_in_range() -> CheckConstraint:
    return CheckConstraint(f"amount_minor BETWEEN 1 AND {MINOR_MAX}", name="amount_in_range")


def _of_a_return() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["order_id", "number"], ["returns.order_id", "returns.number"])


returns = Table(
    "returns",
    metadata,
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("returned_at", Moment, nullable=False),
    PrimaryKey("order_id", "number"),
    _amount_in_range(),
)
_of_a_credit = returns.c.cause == Cause.SERVICE_CREDIT
Index("one_return_of_a_credit", returns.c.reason, unique=True, sqlite_where=_of_a_credit, postgresql_where=_of_a_credit)

# The pending transfer of each payment; what of it is confirmed the ledger says.
return_payments = Table(
    "return_payments",
    metadata,
    Column("transfer_id", IdOf(TransferId), ForeignKey("transfers.id"), primary_key=True),
    Column("order_id", IdOf(OrderId), nullable=False),
    Column("number", Integer, nullable=False),
    Column("bearer", String, nullable=False),
    Column("payer", String, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    _amount_in_range(),
    _of_a_return(),
    Index("one_payment_per_bearer_and_payer", "order_id", "number", "bearer", "payer", unique=True),
)

receivables = Table(
    "receivables",
    metadata,
    Column("id", IdOf(ReceivableId), primary_key=True),
    Column("debtor_id", IdOf(ParticipantId), nullable=False),
    Column("creditor", String, nullable=False),
    Column("order_id", IdOf(OrderId), nullable=False),
    Column("number", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("collected_minor", BigInteger, nullable=False, server_default="0"),
    Column("currency", String, nullable=False),
    Column("opened_at", Moment, nullable=False),
    _amount_in_range(),
    _of_a_return(),
    CheckConstraint("collected_minor BETWEEN 0 AND amount_minor", name="collected_once"),
    CheckConstraint("debtor_id <> creditor", name="nobody_owes_themselves"),
    Index("one_debt_per_return", "order_id", "number", "debtor_id", "creditor", unique=True),
    Index("receivables_by_creditor", "creditor", "id"),
)
Index("receivables_by_debtor", receivables.c.debtor_id, receivables.c.id)

collections = Table(
    "collections",
    metadata,
    Column("transfer_id", IdOf(TransferId), ForeignKey("transfers.id"), primary_key=True),
    Column("receivable_id", IdOf(ReceivableId), ForeignKey("receivables.id"), nullable=False),
    Column("came_by", IdOf(InstructionId), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    _amount_in_range(),
    Index("collected_once_of_what_came_in", "receivable_id", "came_by", unique=True),
)

APPEND_ONLY = (returns, return_payments, collections)
