"""The tables of block deals. A deal names a listing once; a part, once offered, never changes."""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.rules.block_deal import ACCEPTED, AGREED, BLOCK_DEAL
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import BlockDealId, ListingId, ParticipantId

block_deals = Table(
    "block_deals",
    metadata,
    Column("id", IdOf(BlockDealId), primary_key=True),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("terms_hash", String, nullable=False),
    Column("band_basis_points", Integer, nullable=False),
    Column("grounds", String),
    Column("fees", JSON, nullable=False),
    Column("approval_seconds", Integer, nullable=False),
    Column("offered_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("accepted_at", Moment),
    Column("approval", JSON(none_as_null=True)),
    Column("ending", JSON(none_as_null=True)),
    Column("revision", Integer, nullable=False),
    CheckConstraint("buyer_id <> provider_id", name="nobody_deals_with_themselves"),
    CheckConstraint("total_minor > 0", name="a_block_comes_to_something"),
    CheckConstraint(f"state NOT IN ('{ACCEPTED}', '{AGREED}') OR accepted_at IS NOT NULL", name="agreed_by_a_yes"),
    Index("block_deals_by_buyer", "buyer_id", "id"),
    Index("block_deals_by_provider", "provider_id", "id"),
)
_open = block_deals.c.state.in_(BLOCK_DEAL.open_states())
Index("block_deals_due", block_deals.c.deadline, sqlite_where=_open, postgresql_where=_open)

block_parts = Table(
    "block_parts",
    metadata,
    Column("block_deal_id", IdOf(BlockDealId), ForeignKey("block_deals.id"), nullable=False),
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id"), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("terms", JSON, nullable=False),
    Column("reference", JSON(none_as_null=True)),
    PrimaryKey("block_deal_id", "listing_id"),
    CheckConstraint("price_minor > 0", name="a_part_has_its_price"),
)

APPEND_ONLY = (block_parts,)
