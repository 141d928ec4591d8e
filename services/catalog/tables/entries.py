"""The tables of entries: assets and their versions. A constraint is a rule too: an asset numbers each version once."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    false,
)

from services.catalog.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import AssetId, CertificateId, ParticipantId, UploadId, VersionId

assets = Table(
    "assets",
    metadata,
    Column("id", IdOf(AssetId), primary_key=True),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("title", String, nullable=False),
    Column("title_english", String),
    Column("description", String, nullable=False),
    Column("theme", String, nullable=False),
    Column("keywords", JSON, nullable=False),
    Column("region", String),
    Column("update_cycle", String, nullable=False),
    Column("category", String),
    # Read by nobody since the search has an index; still written by the code of the revision before.
    Column("title_folded", String, nullable=False, server_default=""),
    Column("text_folded", String, nullable=False, server_default=""),
    Column("state", String, nullable=False),
    Column("next_actor", String),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("source", JSON(none_as_null=True)),
    Column("review_version_id", IdOf(VersionId)),
    Column("review_first_operator", String),
    Column("review_at_grade_revision", Integer),
    Column("grade", String),
    Column("revision", Integer, nullable=False),
    Column("review_second_operator", String),
    Column("review_notice_ends_at", Moment),
    Column("holder_id", IdOf(ParticipantId)),
    Column("objected", Boolean, nullable=False, server_default=false()),
    Column("valid_until", Moment),
)
Index("assets_of_provider", assets.c.provider_id, assets.c.id)
asset_ends = assets.c.valid_until.is_not(None)
Index("assets_ending", assets.c.valid_until, sqlite_where=asset_ends, postgresql_where=asset_ends)
asset_waits = assets.c.deadline.is_not(None)
Index("assets_due", assets.c.deadline, sqlite_where=asset_waits, postgresql_where=asset_waits)

versions = Table(
    "versions",
    metadata,
    Column("id", IdOf(VersionId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey("assets.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("upload_id", IdOf(UploadId)),
    Column("content_hash", String),
    Column("bytes", BigInteger),
    Column("rows", BigInteger),
    Column("media_type", String),
    Column("inspector_version", String),
    Column("grade", String),
    Column("flags", JSON(none_as_null=True)),
    Column("grade_state", String),
    Column("grade_revision", Integer),
    Column("rule_version", String),
    Column("certificate_id", IdOf(CertificateId), unique=True),
    Column("revision", Integer, nullable=False),
    Column("regrade_by", Moment),
    Column("regrade_overdue", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("asset_id", "number", name="one_number_per_version"),
)
Index("versions_of_content", versions.c.content_hash)
version_waits = versions.c.deadline.is_not(None)
Index("versions_due", versions.c.deadline, sqlite_where=version_waits, postgresql_where=version_waits)
regrade_waits = versions.c.regrade_by.is_not(None)
Index("versions_to_regrade", versions.c.regrade_by, sqlite_where=regrade_waits, postgresql_where=regrade_waits)
