"""The table of quality reports, which only grows: the last one of a version counts."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, Table

from services.catalog.tables.base import metadata
from services.catalog.tables.entries import versions
from shared.database import IdOf, Moment
from shared.ids import VersionId

quality_reports = Table(
    "quality_reports",
    metadata,
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("report", JSON, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

APPEND_ONLY = (quality_reports,)
