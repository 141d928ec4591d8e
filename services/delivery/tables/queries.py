"""The tables of queries: a row for each answer, and one for each time that a use was computed, added once and never
changed. The rows that were given are not kept."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from services.delivery.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ContractId, EntitlementId, ParticipantId, QueryId, UseId, VersionId

queries = Table(
    "queries",
    metadata,
    Column("id", IdOf(QueryId), primary_key=True),
    Column("kind", String, nullable=False),
    Column("entitlement_id", IdOf(EntitlementId), nullable=False),
    Column("contract_id", IdOf(ContractId), nullable=False),
    Column("use_id", IdOf(UseId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("mode", String, nullable=False),
    Column("grade", String, nullable=False),
    Column("grade_revision", Integer, nullable=False),
    Column("query_digest", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("result_digest", String, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("truncated", Boolean, nullable=False),
    Column("policy_version", String, nullable=False),
    Column("engine_version", String, nullable=False),
    Column("answered_at", Moment, nullable=False),
    Index("queries_by_entitlement", "entitlement_id", "id"),
)

query_attempts = Table(
    "query_attempts",
    metadata,
    Column("use_id", IdOf(UseId), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("attempted_at", Moment, nullable=False),
)

APPEND_ONLY = (queries, query_attempts)
