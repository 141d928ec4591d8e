"""The approvals of access to important data that the catalogue told of; what was approved below G5 is not kept."""

from sqlalchemy import Column, Index, Integer, String, Table

from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AccessRequestId, ParticipantId, VersionId

approvals = Table(
    "approvals",
    metadata,
    Column("access_request_id", IdOf(AccessRequestId), primary_key=True),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("mode", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("ends_at", Moment),  # null: it has ended
    Column("revision", Integer, nullable=False),
    Index("approvals_by_buyer", "buyer_id", "version_id"),
    Index("approvals_by_version", "version_id"),
)
