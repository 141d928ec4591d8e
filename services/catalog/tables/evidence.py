"""The tables of evidence, which only grow: fields found, grades given, certificates. A version has one certificate."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, String, Table

from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets, versions
from shared.database import IdOf, Moment
from shared.ids import AssetId, CertificateId, ParticipantId, VersionId

version_fields = Table(
    "version_fields",
    metadata,
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
    Column("fields", JSON, nullable=False),
    Column("duplicate_rows", BigInteger),
)

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
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), nullable=False, unique=True),
    Column("rights_holder_id", IdOf(ParticipantId), nullable=False),
    Column("title", String, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("grade", String, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("operators", JSON, nullable=False),
)

APPEND_ONLY = (version_fields, gradings, certificates)
