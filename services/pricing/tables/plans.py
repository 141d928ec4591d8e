"""Plans and quotes. The key is the rule that a revision, or a version, is given once; nothing in them ever changes."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKeyConstraint, Index, Integer, String, Table, text

from services.pricing.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AssetId, ParticipantId, PlanId, QuoteId, VersionId

plans = Table(
    "plans",
    metadata,
    Column("id", IdOf(PlanId), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("mode", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("price_currency", String, nullable=False),
    Column("discounts", JSON, nullable=False),
    Column("valid_from", Moment, nullable=False),
    Column("valid_until", Moment),
    Column("supersedes", Integer),
    Column("asset_id", IdOf(AssetId)),
    Column("period_days", Integer),
    Column("tiers", JSON, nullable=False, server_default=text("'[]'")),
    Column("parts", JSON, nullable=False, server_default=text("'[]'")),
    Column("grid_digest", String),
    Column("fidelity", String),
    Column("freshness", String, nullable=False, server_default=text("'live'")),
    Column("tax_category", String, nullable=False, server_default=text("'general'")),
    Column("tax_inclusive", Boolean, nullable=False, server_default=text("true")),
)
Index("plans_of_version", plans.c.version_id, plans.c.id)

Index("plans_of_provider", plans.c.provider_id, plans.c.id)

# A provider's prices are published one after the other, so that no two are checked without each other.
price_lists = Table(
    "price_lists",
    metadata,
    Column("provider_id", IdOf(ParticipantId), primary_key=True),
    Column("revision", Integer, nullable=False),
)

# Beside the plans, because a grid is read only when a query is priced.
grids = Table(
    "grids",
    metadata,
    Column("plan_id", IdOf(PlanId), primary_key=True),
    Column("plan_revision", Integer, primary_key=True),
    Column("grid", JSON, nullable=False),
    ForeignKeyConstraint(["plan_id", "plan_revision"], ["plans.id", "plans.revision"]),
)

quotes = Table(
    "quotes",
    metadata,
    Column("id", IdOf(QuoteId), primary_key=True),
    Column("plan_id", IdOf(PlanId), nullable=False),
    Column("plan_revision", Integer, nullable=False),
    Column("version", Integer, primary_key=True),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("mode", String, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("total_currency", String, nullable=False),
    Column("given_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ask", JSON),  # null: everything, by a plan of which nothing can be asked
    Column("quota_uses", Integer),
    Column("period_days", Integer),
    Column("is_bundle", Boolean, nullable=False, server_default=text("false")),
    Column("granted_columns", JSON(none_as_null=True)),
    Column("tax", JSON),
    Column("cells", JSON, nullable=False, server_default=text("'[]'")),
    Column("meter", JSON(none_as_null=True)),
    Column("parts", JSON, nullable=False, server_default=text("'[]'")),
    ForeignKeyConstraint(["plan_id", "plan_revision"], ["plans.id", "plans.revision"]),
)

Index("quotes_of_buyer", quotes.c.buyer_id, quotes.c.version_id)

APPEND_ONLY = (plans, quotes, grids)
