"""The tables of deals. The indexes are rules too: an exclusive right overlaps no other and is sold once, a quote
becomes one order, an auction one per winner, a bidder registers once, bids are numbered without a gap or a twin.
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
    text,
)
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from services.trading.rules.auction import AUCTION, OPEN, SECOND_ASKED
from services.trading.rules.contract import ACTIVE, BOUND, CONTRACT, DRAFTED, LAPSED
from services.trading.rules.entitlement import ENTITLEMENT
from services.trading.rules.listing import LISTING
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.order import FAILED, ORDER
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import (
    AssetId,
    AuctionId,
    BidId,
    BlockDealId,
    CallAuctionId,
    ContractId,
    DoubleAuctionId,
    EntitlementId,
    InquiryId,
    KeyId,
    ListingId,
    NegotiationId,
    OrderId,
    ParticipantId,
    PlanId,
    QuoteId,
    RegistrationId,
    UseId,
    VersionId,
)

# The assets that were listed or withdrawn. A row is locked to list a version of its asset.
assets = Table(
    "assets",
    metadata,
    Column("asset_id", IdOf(AssetId), primary_key=True),
    Column("withdrawn", Boolean, nullable=False),
)

# The newest grade that the catalogue told of a version. Its row is locked to list a version.
version_grades = Table(
    "version_grades",
    metadata,
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("grade", String, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("grade_revision", Integer, nullable=False),
    Column("on_record", JSON, nullable=False, server_default=text("'[]'")),
)

listings = Table(
    "listings",
    metadata,
    Column("id", IdOf(ListingId), primary_key=True),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("asset_id", IdOf(AssetId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("title", String, nullable=False),
    Column("grade", String, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("grade_revision", Integer, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("right_kind", String, nullable=False),
    Column("right_field", String, nullable=False),
    Column("right_territory", String, nullable=False),
    Column("right_period_days", Integer, nullable=False),
    Column("right_copies", Integer),
    Column("right_starts_at", Moment),
    Column("purposes", JSON, nullable=False),
    Column("quota_uses", Integer, nullable=False),
    Column("pricing", String, nullable=False),
    Column("mechanism", String),
    Column("plan_id", IdOf(PlanId)),
    Column("state", String, nullable=False),
    Column("listed_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Column("on_record", JSON, nullable=False, server_default=text("'[]'")),
    Column("acceptance", JSON(none_as_null=True)),  # null: the market's own terms
    Column("ownership", JSON(none_as_null=True)),
)
_offered = listings.c.state.in_(LISTING.open_states())
Index("listings_by_version", listings.c.version_id)
Index("listings_by_asset", listings.c.asset_id)
Index("listings_due", listings.c.deadline, sqlite_where=_offered, postgresql_where=_offered)

# What the rights over an asset take up. The migration's trigger refuses a row that overlaps an exclusive one.
claims = Table(
    "claims",
    metadata,
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id"), primary_key=True),
    Column("asset_id", IdOf(AssetId), nullable=False),
    Column("field", String, nullable=False),
    Column("territory", String, nullable=False),
    Column("exclusive", Boolean, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Index("claims_by_asset", "asset_id"),
)

auctions = Table(
    "auctions",
    metadata,
    Column("id", IdOf(AuctionId), primary_key=True),
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id"), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("mechanism", String, nullable=False, server_default=Mechanism.ENGLISH),
    Column("terms", JSON, nullable=False),
    Column("reserve_salt", String),
    Column("currency", String, nullable=False),
    Column("state", String, nullable=False),
    Column("closes_at", Moment, nullable=False),
    Column("reveal_closes_at", Moment),
    Column("last_at", Moment, nullable=False),
    Column("extensions", Integer, nullable=False),
    Column("bid_count", Integer, nullable=False),
    Column("reveal_count", Integer, nullable=False, server_default="0"),
    Column("award_count", Integer, nullable=False, server_default="0"),
    Column("price_minor", BigInteger),
    Column("leader_id", IdOf(ParticipantId)),
    Column("leader_maximum_minor", BigInteger),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Column("award_deadline", Moment),
    Column("second_id", IdOf(ParticipantId)),
    Column("defaulter_ids", JSON, nullable=False, server_default=text("'[]'")),
    Column("failed_at", Moment),
    Column("reoffer_of", IdOf(AuctionId)),
    Column("barred_ids", JSON, nullable=False, server_default=text("'[]'")),
    CheckConstraint("price_minor <= leader_maximum_minor", name="nobody_pays_more_than_they_offered"),
)
_under_way = auctions.c.state.in_(AUCTION.open_states())
_open, _asked = auctions.c.state == OPEN, auctions.c.state == SECOND_ASKED
Index(
    "one_open_auction_per_listing", auctions.c.listing_id, unique=True,
    sqlite_where=_under_way, postgresql_where=_under_way,
)  # fmt: skip
Index("auctions_due", auctions.c.closes_at, sqlite_where=_open, postgresql_where=_open)
Index("answers_due", auctions.c.award_deadline, sqlite_where=_asked, postgresql_where=_asked)

registrations = Table(
    "registrations",
    metadata,
    Column("id", IdOf(RegistrationId), primary_key=True),
    Column("auction_id", IdOf(AuctionId), ForeignKey("auctions.id"), nullable=False),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("bidder_number", Integer, nullable=False),
    Column("deposit_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("clearance", String),
    Column("decision", JSON, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Index("one_registration_per_bidder", "auction_id", "participant_id", unique=True),
    Index("one_bidder_per_number", "auction_id", "bidder_number", unique=True),
)

bids = Table(
    "bids",
    metadata,
    Column("auction_id", IdOf(AuctionId), ForeignKey("auctions.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("id", IdOf(BidId), nullable=False, unique=True),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("bidder_number", Integer, nullable=False),
    Column("maximum_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("salt", String, nullable=False),
    Column("price_after_minor", BigInteger, nullable=False),
    Column("leading", Boolean, nullable=False),
    Column("closes_at", Moment, nullable=False),
    Column("placed_at", Moment, nullable=False),
    PrimaryKey("auction_id", "sequence"),
    CheckConstraint("maximum_minor > 0", name="maximum_is_positive"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", IdOf(OrderId), primary_key=True),
    Column("listing_id", IdOf(ListingId), ForeignKey("listings.id"), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("mode", String, nullable=False),
    Column("exclusive", Boolean, nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("quote_id", IdOf(QuoteId), unique=True),
    Column("auction_id", IdOf(AuctionId), ForeignKey("auctions.id")),
    Column("inquiry_id", IdOf(InquiryId), unique=True),
    Column("negotiation_id", IdOf(NegotiationId), unique=True),
    Column("call_auction_id", IdOf(CallAuctionId)),
    Column("contract_id", IdOf(ContractId), nullable=False, unique=True),
    Column("columns", JSON(none_as_null=True)),  # that may be asked about; null for all of them
    Column("fees", JSON, nullable=False),
    Column("windows", JSON, nullable=False),
    Column("scope", JSON(none_as_null=True)),
    Column("state", String, nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("entitlement_id", IdOf(EntitlementId)),
    Column("reason_code", String),
    Column("overdue", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("refund_minor", BigInteger, nullable=False, server_default="0"),
    Column("acceptance", JSON(none_as_null=True)),
    Column("returned_minor", BigInteger, nullable=False, server_default="0"),
    Column("ownership", JSON(none_as_null=True)),
    Column("released_minor", BigInteger, nullable=False, server_default="0"),
    Column("credit_minor", BigInteger, nullable=False, server_default="0"),
    Column("tax", JSON(none_as_null=True)),
    Column("renews", IdOf(ContractId)),
    Column("frozen_until", Moment),
    Column("settled_at", Moment),
    Column("meter", JSON(none_as_null=True)),
    Column("metered_units", BigInteger),
    Column("double_auction_id", IdOf(DoubleAuctionId)),
    Column("block_deal_id", IdOf(BlockDealId)),
    Column("bundle_quote_id", IdOf(QuoteId)),
    CheckConstraint("price_minor >= 0", name="price_not_negative"),
    CheckConstraint("refund_minor BETWEEN 0 AND price_minor", name="no_more_than_the_price_goes_back"),
    CheckConstraint("returned_minor BETWEEN 0 AND price_minor - refund_minor", name="no_more_comes_back_than_was_paid"),
    CheckConstraint("released_minor BETWEEN 0 AND price_minor - refund_minor", name="nothing_is_shared_out_twice"),
    CheckConstraint("buyer_id <> provider_id", name="nobody_buys_from_themselves"),
    Index("one_order_per_auction_and_buyer", "auction_id", "buyer_id", unique=True),
    Index("one_order_per_call_and_pair", "call_auction_id", "buyer_id", "listing_id", unique=True),
    Index("one_order_per_double_auction", "double_auction_id", unique=True),
    Index("one_order_per_block_part", "block_deal_id", "listing_id", unique=True),
    Index("one_order_per_bundle_part", "bundle_quote_id", "version_id", "mode", unique=True),
    Index("orders_by_version", "version_id"),
    Index("orders_by_buyer", "buyer_id", "id"),
    Index("orders_by_provider", "provider_id", "id"),
)
_sold = orders.c.exclusive & orders.c.state.not_in(sorted(FAILED))
Index(
    "one_sale_of_an_exclusive_offer", orders.c.listing_id, unique=True, sqlite_where=_sold, postgresql_where=_sold
)  # fmt: skip
_running = orders.c.state.in_(ORDER.open_states())
Index("orders_due", orders.c.deadline, sqlite_where=_running, postgresql_where=_running)

contracts = Table(
    "contracts",
    metadata,
    Column("id", IdOf(ContractId), primary_key=True),
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id"), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("terms", String, nullable=False),
    Column("terms_hash", String, nullable=False),
    Column("state", String, nullable=False, server_default=CONTRACT.start),
    Column("drafted_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Column("text_hash", String),
    Column("document_hash", String),
    Column("supersedes", IdOf(ContractId)),
    Column("superseded_by", IdOf(ContractId)),
    Column("proposed_by", String),
    Column("reason", String),
    CheckConstraint("(supersedes IS NULL) = (proposed_by IS NULL)", name="an_amendment_was_proposed"),
    Index("contracts_by_buyer", "buyer_id", "id"),
    Index("contracts_by_provider", "provider_id", "id"),
)

_first, _active = contracts.c.supersedes.is_(None), contracts.c.state == ACTIVE
_amending = contracts.c.supersedes.is_not(None) & (contracts.c.state != LAPSED)
_unsigned = contracts.c.supersedes.is_not(None) & (contracts.c.state == DRAFTED)
_undocumented = (
    contracts.c.text_hash.is_not(None) & contracts.c.document_hash.is_(None) & contracts.c.state.in_(BOUND)
)  # fmt: skip
for name, column, where, unique in (
    ("one_contract_of_an_award", contracts.c.order_id, _first, True),
    ("one_contract_in_force", contracts.c.order_id, _active, True),
    ("one_amendment_of_a_contract", contracts.c.supersedes, _amending, True),
    ("amendments_due", contracts.c.deadline, _unsigned, False),
    ("contracts_without_document", contracts.c.id, _undocumented, False),
):
    Index(name, column, unique=unique, sqlite_where=where, postgresql_where=where)

SIGNED_BY_ONE = (
    "(key_id IS NULL) = (signature IS NULL) AND (key_id IS NULL) = (public_key IS NULL)"
    " AND (key_id IS NULL) <> (user_id IS NULL)"
    " AND (user_id IS NULL) = (authenticated_by IS NULL) AND (user_id IS NULL) = (authenticated_at IS NULL)"
)

signatures = Table(
    "contract_signatures",
    metadata,
    Column("contract_id", IdOf(ContractId), ForeignKey("contracts.id"), nullable=False),
    Column("side", String, nullable=False),
    Column("participant_id", IdOf(ParticipantId), nullable=False),
    Column("key_id", IdOf(KeyId)),
    Column("public_key", String),
    Column("signature", String),
    Column("signed_at", Moment, nullable=False),
    Column("user_id", String),
    Column("authenticated_by", String),
    Column("authenticated_at", Moment),
    PrimaryKey("contract_id", "side"),
    CheckConstraint(SIGNED_BY_ONE, name="signed_by_a_key_or_by_a_person"),
)

entitlements = Table(
    "entitlements",
    metadata,
    Column("id", IdOf(EntitlementId), primary_key=True),
    Column("order_id", IdOf(OrderId), ForeignKey("orders.id"), nullable=False, unique=True),
    Column("contract_id", IdOf(ContractId), ForeignKey("contracts.id"), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("mode", String, nullable=False),
    Column("exclusive", Boolean, nullable=False),
    Column("purposes", JSON, nullable=False),
    Column("quota_uses", Integer, nullable=False),
    Column("uses_spent", Integer, nullable=False),
    Column("grade_revision", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("granted_at", Moment, nullable=False),
    Column("begins_at", Moment),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Column("columns", JSON(none_as_null=True)),
    CheckConstraint("uses_spent BETWEEN 0 AND quota_uses", name="quota_is_kept"),
    Index("entitlements_by_version", "version_id"),
    Index("entitlements_by_buyer", "buyer_id", "id"),
)
_in_force = entitlements.c.state.in_(ENTITLEMENT.open_states())
Index("entitlements_due", entitlements.c.deadline, sqlite_where=_in_force, postgresql_where=_in_force)

uses = Table(
    "uses",
    metadata,
    Column("use_id", IdOf(UseId), primary_key=True),
    Column("entitlement_id", IdOf(EntitlementId), ForeignKey("entitlements.id"), nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("used_at", Moment, nullable=False),
)

APPEND_ONLY = (registrations, bids, signatures, uses)
