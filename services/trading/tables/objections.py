"""The table of objections to what was delivered. An order has one at a time, each under its number."""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import OrderId, ParticipantId

objections = Table(
    "order_objections",
    metadata,
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("grounds", JSON, nullable=False),
    Column("claim_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("raised_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("answer", JSON(none_as_null=True)),
    Column("declined_at", Moment),
    Column("outcome", String),
    Column("ended_at", Moment),
    PrimaryKey("order_id", "number"),
    CheckConstraint("claim_minor >= 0", name="no_claim_is_below_nothing"),
    CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="an_end_has_its_outcome"),
)
_open = objections.c.ended_at.is_(None)
Index("one_open_objection", objections.c.order_id, unique=True, sqlite_where=_open, postgresql_where=_open)
