"""The table of double auctions. A buyer has one of a listing under way; what was traded has its price."""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from services.trading.rules.double_auction import DOUBLE_AUCTION, TRADED
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import DoubleAuctionId, ListingId, OrderId, ParticipantId

double_auctions = Table(
    "double_auctions",
    metadata,
    Column("id", IdOf(DoubleAuctionId), primary_key=True),
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id"), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("terms", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("bid", JSON(none_as_null=True)),
    Column("ask", JSON(none_as_null=True)),
    Column("price_minor", BigInteger),
    Column("currency", String),
    Column("reason_code", String),
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id")),
    Column("revision", Integer, nullable=False),
    CheckConstraint("buyer_id <> provider_id", name="nobody_trades_with_themselves"),
    CheckConstraint("(price_minor IS NULL) = (currency IS NULL)", name="a_price_has_its_currency"),
    CheckConstraint(f"(state = '{TRADED}') = (price_minor IS NOT NULL)", name="what_was_traded_has_its_price"),
    CheckConstraint(f"(state = '{TRADED}') = (order_id IS NOT NULL)", name="what_was_traded_has_its_order"),
    Index("double_auctions_by_buyer", "buyer_id", "id"),
    Index("double_auctions_by_provider", "provider_id", "id"),
)
_open = double_auctions.c.state.in_(DOUBLE_AUCTION.open_states())
Index(
    "one_double_auction_under_way", double_auctions.c.listing_id, double_auctions.c.buyer_id, unique=True,
    sqlite_where=_open, postgresql_where=_open,
)  # fmt: skip
Index("double_auctions_due", double_auctions.c.deadline, sqlite_where=_open, postgresql_where=_open)
