"""The table of credits for what a service was. A period of an order has one."""

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
    CheckConstraint("amount_minor > 0", name="a_credit_is_something"),
    Index("one_credit_for_a_period", "order_id", "period", unique=True),
)
_claimed = credits.c.state.in_(CREDIT.open_states())
Index("credits_due", credits.c.deadline, sqlite_where=_claimed, postgresql_where=_claimed)
