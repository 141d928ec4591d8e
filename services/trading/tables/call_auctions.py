"""The tables of call auctions. An order has its number in its call and never changes; a salt seals its limit."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
)
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.rules.call_session import CALL_AUCTION
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import CallAuctionId, ListingId, ParticipantId, UnitOrderId

call_auctions = Table(
    "call_auctions",
    metadata,
    Column("id", IdOf(CallAuctionId), primary_key=True),
    Column("unit", JSON, nullable=False),
    Column("reference_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("fees", JSON, nullable=False),
    Column("windows", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closes_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("order_count", Integer, nullable=False),
    Column("price_minor", BigInteger),
    Column("volume", Integer, nullable=False),
    Column("reason_code", String),
    Column("reason", String),
    Column("revision", Integer, nullable=False),
    CheckConstraint("(price_minor IS NULL) = (volume = 0)", name="a_price_has_its_volume"),
)
_open = call_auctions.c.state.in_(CALL_AUCTION.open_states())
Index("call_auctions_due", call_auctions.c.closes_at, sqlite_where=_open, postgresql_where=_open)

call_listings = Table(
    "call_listings",
    metadata,
    Column("call_auction_id", IdOf(CallAuctionId), ForeignKey("call_auctions.id"), nullable=False),
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id"), nullable=False),
    PrimaryKey("call_auction_id", "listing_id"),
)

unit_orders = Table(
    "unit_orders",
    metadata,
    Column("call_auction_id", IdOf(CallAuctionId), ForeignKey("call_auctions.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("id", IdOf(UnitOrderId), nullable=False, unique=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("direction", String, nullable=False),
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id")),
    Column("limit_minor", BigInteger, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("salt", String, nullable=False),
    Column("placed_at", Moment, nullable=False),
    PrimaryKey("call_auction_id", "sequence"),
    CheckConstraint("limit_minor > 0 AND quantity > 0", name="an_order_is_for_something"),
    CheckConstraint("(direction = 'sell') = (listing_id IS NOT NULL)", name="who_sells_names_a_listing"),
)

# What each order came to, kept by the close.
unit_fills = Table(
    "unit_fills",
    metadata,
    Column("id", IdOf(UnitOrderId), ForeignKey("unit_orders.id"), primary_key=True),
    Column("units", Integer, nullable=False),
    Column("left_out", String),
    CheckConstraint("units >= 0 AND (left_out IS NULL OR units = 0)", name="who_is_left_out_gets_nothing"),
)

APPEND_ONLY = (call_listings, unit_orders, unit_fills)
