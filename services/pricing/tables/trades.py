"""What trading told of its listings and orders. Facts of several stripes come in any order, so each may come first."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, String, Table

from services.pricing.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AssetId, ListingId, OrderId, ParticipantId, QuoteId, VersionId

listings = Table(
    "listings",
    metadata,
    Column("listing_id", IdOf(ListingId), primary_key=True),
    Column("asset_id", IdOf(AssetId), nullable=False),
    Column("right_kind", String, nullable=False),
)

trades = Table(
    "trades",
    metadata,
    Column("order_id", IdOf(OrderId), primary_key=True),
    # What was agreed: none of it before the fact that the order was placed has come.
    Column("listing_id", IdOf(ListingId)),
    Column("version_id", IdOf(VersionId)),
    Column("mode", String),
    Column("exclusive", Boolean),
    Column("buyer_id", IdOf(ParticipantId)),
    Column("provider_id", IdOf(ParticipantId)),
    Column("quote_id", IdOf(QuoteId)),
    Column("price_minor", BigInteger),
    Column("currency", String),
    Column("placed_at", Moment),
    # What became of it.
    Column("state", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("paid_at", Moment),
    Column("settled_at", Moment),
    CheckConstraint("placed_at IS NULL OR price_minor IS NOT NULL", name="a_placed_order_has_a_price"),
)
Index("trades_of_quote", trades.c.quote_id)
Index("trades_of_buyer", trades.c.buyer_id, trades.c.version_id)
Index("trades_of_version", trades.c.version_id, trades.c.order_id)
