"""The tables of what is on file for assets and versions: records, petitions, filings, and duties to grade again.

A constraint is a rule too: one petition of a kind under review per version, one open duty per version and trigger.
"""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from services.catalog.rules.petition import SUBMITTED
from services.catalog.rules.regrading import CLOSED
from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets, versions
from shared.database import IdOf, Moment
from shared.ids import (
    AssetId,
    AuthorityFilingId,
    CatalogueSnapshotId,
    ParticipantId,
    PetitionId,
    RecordId,
    RegradingId,
    VersionId,
)

records = Table(
    "records",
    metadata,
    Column("id", IdOf(RecordId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id)),
    Column("kind", String, nullable=False),
    Column("content", JSON, nullable=False),
    Column("evidence_hash", String, nullable=False),
    Column("valid_until", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("deadline", Moment),
    Column("recorded_at", Moment, nullable=False),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
)
Index("records_of_asset", records.c.asset_id, records.c.id)
record_waits = records.c.deadline.is_not(None)
Index("records_due", records.c.deadline, sqlite_where=record_waits, postgresql_where=record_waits)

petitions = Table(
    "petitions",
    metadata,
    Column("id", IdOf(PetitionId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("kind", String, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("rationale", String, nullable=False),
    Column("evidence_hash", String, nullable=False),
    Column("state", String, nullable=False),
    Column("submitted_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("first_operator", String),
    Column("first_at_grade_revision", Integer),
    Column("operators", JSON, nullable=False),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
)
in_review = petitions.c.state == SUBMITTED
Index(
    "one_petition_in_review", petitions.c.version_id, petitions.c.kind, unique=True,
    sqlite_where=in_review, postgresql_where=in_review,
)  # fmt: skip
Index("petitions_of_asset", petitions.c.asset_id, petitions.c.id)
petition_waits = petitions.c.deadline.is_not(None)
Index("petitions_due", petitions.c.deadline, sqlite_where=petition_waits, postgresql_where=petition_waits)

authority_filings = Table(
    "authority_filings",
    metadata,
    Column("id", IdOf(AuthorityFilingId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("basis", String, nullable=False),
    Column("authority", String, nullable=False),
    Column("number", String, nullable=False),
    Column("filed_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)
Index("authority_filings_of_version", authority_filings.c.version_id, authority_filings.c.id)

regradings = Table(
    "regradings",
    metadata,
    Column("id", IdOf(RegradingId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("trigger", String, nullable=False),
    Column("note", String, nullable=False),
    Column("reported_by", String),
    Column("state", String, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("next_actor", String),
    Column("deadline", Moment),
    Column("said", JSON(none_as_null=True)),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
)
is_open = regradings.c.state != CLOSED
Index(
    "one_open_regrading", regradings.c.version_id, regradings.c.trigger, unique=True,
    sqlite_where=is_open, postgresql_where=is_open,
)  # fmt: skip
regrading_waits = regradings.c.deadline.is_not(None)
Index("regradings_due", regradings.c.deadline, sqlite_where=regrading_waits, postgresql_where=regrading_waits)

catalogue_snapshots = Table(
    "catalogue_snapshots",
    metadata,
    Column("id", IdOf(CatalogueSnapshotId), primary_key=True),
    Column("taken_at", Moment, nullable=False),
    Column("taken_by", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("told", Text, nullable=False),
)

APPEND_ONLY = (authority_filings, catalogue_snapshots)
