"""Plans and quotes. The key is the rule that a revision is published once; nothing in them ever changes."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKeyConstraint, Index, Integer, String, Table

from services.pricing.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId

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
)
Index("plans_of_version", plans.c.version_id, plans.c.id)

quotes = Table(
    "quotes",
    metadata,
    Column("id", IdOf(QuoteId), primary_key=True),
    Column("plan_id", IdOf(PlanId), nullable=False),
    Column("plan_revision", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("mode", String, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("total_currency", String, nullable=False),
    Column("given_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    ForeignKeyConstraint(["plan_id", "plan_revision"], ["plans.id", "plans.revision"]),
)

APPEND_ONLY = (plans, quotes)
