"""The table of bundles that were ordered. The key is the rule that a quote becomes one order; nothing in it changes."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table

from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ParticipantId, PlanId, QuoteId

bundle_orders = Table(
    "bundle_orders",
    metadata,
    Column("quote_id", IdOf(QuoteId), primary_key=True),
    Column("quote_version", Integer, nullable=False),
    Column("plan_id", IdOf(PlanId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("placed_at", Moment, nullable=False),
    CheckConstraint("total_minor >= 0", name="a_bundle_costs_something_or_nothing"),
    CheckConstraint("buyer_id <> provider_id", name="nobody_buys_a_bundle_from_themselves"),
    Index("bundle_orders_by_buyer", "buyer_id", "quote_id"),
    Index("bundle_orders_by_provider", "provider_id", "quote_id"),
)

APPEND_ONLY = (bundle_orders,)
