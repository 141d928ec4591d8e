"""The tables of uploads and renditions. The bytes themselves are in the object store, under ids that stand here.

The partial index on uploads decides that a version takes one content; the key of renditions, that each is kept once.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from services.delivery.rules.upload import HOLDS_VERSION
from services.delivery.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ContentId, ParticipantId, UploadId, VersionId

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
    Column("reason_line", Integer),
    Column("phase", String),
    Column("percent", Integer),
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

APPEND_ONLY = (renditions,)
