"""The table of deliveries: a row for each time that content was sent, or began to be."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from services.delivery.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UseId, VersionId

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", IdOf(DeliveryId), primary_key=True),
    Column("entitlement_id", IdOf(EntitlementId), nullable=False),
    Column("contract_id", IdOf(ContractId), nullable=False),
    Column("use_id", IdOf(UseId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("mode", String, nullable=False),
    Column("grade", String, nullable=False),
    Column("grade_revision", Integer, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("bytes_sent", BigInteger, nullable=False),
    Column("ended_at", Moment),
    Column("reason_code", String),
    Column("cut", String),
    Column("purpose", String),
    Column("first_byte", BigInteger, nullable=False, server_default="0"),
    Column("last_byte", BigInteger),
    Column("bytes_counted", BigInteger),
    Index("deliveries_by_entitlement", "entitlement_id", "id"),
    Index("deliveries_by_use", "use_id", "id"),
    Index("deliveries_by_deadline", "deadline"),
)
