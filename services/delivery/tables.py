"""The tables of `delivery`. The bytes themselves are in the object store, under ids that stand here.

The partial index on uploads decides that a version takes one content.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

from services.delivery.rules.upload import HOLDS_VERSION
from shared import idempotency, outbox
from shared.database import IdOf, Moment
from shared.ids import ContentId, ContractId, DeliveryId, EntitlementId, ParticipantId, UploadId, UseId, VersionId

metadata = MetaData()

uploads = Table(
    "uploads",
    metadata,
    Column("id", IdOf(UploadId), primary_key=True),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("media_type", String, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("file_name", String),
    Column("state", String, nullable=False),
    Column("declared_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("content_id", IdOf(ContentId)),
    Column("revision", Integer, nullable=False),
    Column("outcome", Text),
    Column("claimed_until", Moment),
    Index("uploads_by_provider", "provider_id"),
    Index("uploads_by_deadline", "deadline"),
)
holds_version = uploads.c.state.in_(HOLDS_VERSION)
Index(
    "one_content_for_a_version", uploads.c.version_id, unique=True,
    sqlite_where=holds_version, postgresql_where=holds_version,
)  # fmt: skip

renditions = Table(
    "renditions",
    metadata,
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("policy_digest", String, primary_key=True),
    Column("content_id", IdOf(ContentId), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("made_at", Moment, nullable=False),
)

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
    Index("deliveries_by_entitlement", "entitlement_id", "id"),
    Index("deliveries_by_use", "use_id", "id"),
    Index("deliveries_by_deadline", "deadline"),
)

outbox.tables(metadata)
idempotency.tables(metadata)

APPEND_ONLY = (renditions,)
