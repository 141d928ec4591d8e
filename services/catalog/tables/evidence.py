"""The tables of evidence, which only grow: fields found, rows sketched, grades given, certificates."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets, versions
from shared.database import IdOf, Moment
from shared.ids import AssetId, CertificateId, FilingId, ParticipantId, VersionId

version_fields = Table(
    "version_fields",
    metadata,
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
    Column("fields", JSON, nullable=False),
    Column("duplicate_rows", BigInteger),
)

fingerprint_members = Table(
    "fingerprint_members",
    metadata,
    Column("member", BigInteger, primary_key=True, autoincrement=False),  # 64 bits, with their sign
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
)
Index("fingerprint_of_version", fingerprint_members.c.version_id)

gradings = Table(
    "gradings",
    metadata,
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
    Column("grade_revision", Integer, primary_key=True),
    Column("grounds", JSON, nullable=False),
    Column("grading", JSON, nullable=False),
    Column("given_by", String, nullable=False),
    Column("given_at", Moment, nullable=False),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", IdOf(CertificateId), primary_key=True),
    Column("query_code", String, nullable=False, unique=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), nullable=False),
    Column("rights_holder_id", IdOf(ParticipantId), nullable=False),
    Column("title", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("grade", String, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("operators", JSON, nullable=False),
    Column("filing_id", IdOf(FilingId)),
    Column("type", String, nullable=False, server_default="first"),
    Column("rights", JSON, nullable=False, server_default="[]"),
    Column("licences", JSON, nullable=False, server_default="[]"),
    Column("valid_until", Moment),
    Column("supersedes", IdOf(CertificateId)),
    Column("document", String),
    Column("key_id", String),
    Column("signature", String),
    UniqueConstraint("supersedes", name="one_certificate_follows"),
)
Index("certificates_of_version", certificates.c.version_id, certificates.c.id)
is_first = certificates.c.supersedes.is_(None)
Index(
    "one_first_certificate", certificates.c.version_id, unique=True, sqlite_where=is_first, postgresql_where=is_first
)  # fmt: skip

APPEND_ONLY = (version_fields, fingerprint_members, gradings, certificates)
