"""The table of credits for what a service was. A period of an order has one, and what is owed is paid once."""

from sqlalchemy import JSON, BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from services.trading.rules.credit import CREDIT
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import CreditId, OrderId, ParticipantId

credits = Table(
    "service_credits",
    metadata,
    Column("id", IdOf(CreditId), primary_key=True),
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id"), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("period", Integer, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("state", String, nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("is_owed", Boolean, nullable=False),
    Column("reason_code", String),
    Column("reason", String),
    Column("decided_at", Moment),
    Column("revision", Integer, nullable=False),
    Column("paid_minor", BigInteger),  # of what is owed: zero, by no return, if nothing of the price was left
    Column("return_number", Integer),
    Column("paid_at", Moment),
    CheckConstraint("amount_minor > 0", name="a_credit_is_something"),
    CheckConstraint("paid_minor BETWEEN 0 AND amount_minor", name="no_more_is_paid_than_is_owed"),
    CheckConstraint("(paid_at IS NULL) = (paid_minor IS NULL)", name="a_payment_is_whole"),
    CheckConstraint("(return_number IS NOT NULL) = (paid_minor > 0)", name="what_is_paid_is_a_return"),
    Index("one_credit_for_a_period", "order_id", "period", unique=True),
    Index("one_credit_for_a_return", "order_id", "return_number", unique=True),
)
_claimed = credits.c.state.in_(CREDIT.open_states())
Index("credits_due", credits.c.deadline, sqlite_where=_claimed, postgresql_where=_claimed)
_owed = credits.c.is_owed & credits.c.paid_at.is_(None)
Index("credits_owed", credits.c.id, sqlite_where=_owed, postgresql_where=_owed)
