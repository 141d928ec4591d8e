"""The tables of negotiations. A buyer has one negotiation of a listing under way; an offer, once made, never changes,
and each has its number, so that no more than one is open.
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
)
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.rules.negotiation import WAITING
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ContractId, ListingId, NegotiationId, OfferId, OrderId, ParticipantId

negotiations = Table(
    "negotiations",
    metadata,
    Column("id", IdOf(NegotiationId), primary_key=True),
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id"), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("directed", Boolean, nullable=False),
    Column("manner", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("yes", JSON(none_as_null=True)),
    Column("approval", JSON(none_as_null=True)),
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id")),
    Column("contract_id", IdOf(ContractId), ForeignKey("contracts.id")),
    Column("ending", JSON(none_as_null=True)),
    Column("revision", Integer, nullable=False),
    CheckConstraint("buyer_id <> provider_id", name="nobody_bargains_with_themselves"),
    CheckConstraint("(order_id IS NULL) = (contract_id IS NULL)", name="an_order_has_its_contract"),
    Index("negotiations_by_buyer", "buyer_id", "id"),
    Index("negotiations_by_provider", "provider_id", "id"),
)
_waiting = negotiations.c.state.in_(WAITING)
Index(
    "one_negotiation_under_way", negotiations.c.listing_id, negotiations.c.buyer_id, unique=True,
    sqlite_where=_waiting, postgresql_where=_waiting,
)  # fmt: skip
Index("negotiations_due", negotiations.c.deadline, sqlite_where=_waiting, postgresql_where=_waiting)

offers = Table(
    "negotiation_offers",
    metadata,
    Column("negotiation_id", IdOf(NegotiationId), ForeignKey("negotiations.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("id", IdOf(OfferId), nullable=False, unique=True),
    Column("side", String, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("terms", JSON, nullable=False),
    Column("terms_hash", String, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    PrimaryKey("negotiation_id", "number"),
    CheckConstraint("price_minor > 0", name="price_is_positive"),
    CheckConstraint("expires_at > made_at", name="an_offer_is_held"),
)

APPEND_ONLY = (offers,)
