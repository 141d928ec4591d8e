"""The table of sealed bids: a bidder commits once, what stayed closed has no amount, nobody pays more than they bid."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AuctionId, BidId, ParticipantId

sealed_bids = Table(
    "sealed_bids",
    metadata,
    Column("auction_id", IdOf(AuctionId), ForeignKey("auctions.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("id", IdOf(BidId), nullable=False, unique=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("bidder_number", Integer, nullable=False),
    Column("commitment", String, nullable=False),
    Column("committed_at", Moment, nullable=False),
    Column("currency", String, nullable=False),
    Column("amount_minor", BigInteger),
    Column("nonce", String),
    Column("revealed_at", Moment),
    Column("price_minor", BigInteger),
    Column("reason_code", String),
    PrimaryKey("auction_id", "sequence"),
    CheckConstraint("amount_minor > 0", name="amount_is_positive"),
    CheckConstraint(
        "(amount_minor IS NULL) = (revealed_at IS NULL) AND (nonce IS NULL) = (revealed_at IS NULL)",
        name="revealed_whole_or_not_at_all",
    ),
    CheckConstraint("price_minor <= amount_minor", name="nobody_pays_more_than_they_sealed"),
    Index("one_sealed_bid_per_bidder", "auction_id", "participant_id", unique=True),
)
