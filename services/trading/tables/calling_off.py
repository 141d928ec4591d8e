"""Which auctions an operator has proposed to call off. One proposal stands for each; the log has those before it."""

from sqlalchemy import Column, ForeignKey, String, Table

from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AuctionId

proposals = Table(
    "cancellation_proposals",
    metadata,
    Column("auction_id", IdOf(AuctionId), ForeignKey("auctions.id"), primary_key=True),
    Column("operator", String, nullable=False),
    Column("ground", String, nullable=False),
    Column("proposed_at", Moment, nullable=False),
)
