"""What was computed once for someone: valuations, shares and cost sheets. Nothing of it ever changes."""

from sqlalchemy import JSON, BigInteger, Column, Index, String, Table, Text

from services.pricing.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import CostSheetId, ParticipantId, RevenueShareId, ValuationId, VersionId

valuations = Table(
    "valuations",
    metadata,
    Column("id", IdOf(ValuationId), primary_key=True),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("question", JSON, nullable=False),
    Column("figures", JSON(none_as_null=True)),
    Column("reason_code", String),
    Column("comparables", JSON, nullable=False),
    Column("document", Text, nullable=False),
    Column("document_hash", String, nullable=False),
    Column("valued_at", Moment, nullable=False),
)
Index("valuations_of_provider", valuations.c.provider_id, valuations.c.id)

revenue_shares = Table(
    "revenue_shares",
    metadata,
    Column("id", IdOf(RevenueShareId), primary_key=True),
    Column("method", String, nullable=False),
    Column("method_version", String, nullable=False),
    Column("asked_by", IdOf(ParticipantId), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("fees", JSON, nullable=False),
    Column("fee_schedule_id", String),
    Column("shares", JSON, nullable=False),
    Column("document", Text, nullable=False),
    Column("document_hash", String, nullable=False),
    Column("computed_at", Moment, nullable=False),
)

cost_sheets = Table(
    "cost_sheets",
    metadata,
    Column("id", IdOf(CostSheetId), primary_key=True),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("statement", JSON, nullable=False),
    Column("treated", JSON, nullable=False),
    Column("document", Text, nullable=False),
    Column("document_hash", String, nullable=False),
    Column("drawn_at", Moment, nullable=False),
)
Index("cost_sheets_of_provider", cost_sheets.c.provider_id, cost_sheets.c.id)

APPEND_ONLY = (valuations, revenue_shares, cost_sheets)
