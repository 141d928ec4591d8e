"""The tables of lineage: what a version is made from, and on which terms it can be licensed."""

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table

from services.catalog.tables.base import metadata
from services.catalog.tables.entries import versions
from shared.database import IdOf, Moment
from shared.ids import VersionId

lineage_edges = Table(
    "lineage_edges",
    metadata,
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
    Column("parent_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
    Column("processing", String, nullable=False),
    Column("declared_at", Moment, nullable=False),
    Index("lineage_of_parent", "parent_id", "version_id"),
)

licences = Table(
    "licences",
    metadata,
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), primary_key=True),
    Column("declared", JSON, nullable=False),
    Column("in_force", JSON, nullable=False),
    Column("declared_at", Moment, nullable=False),
)

APPEND_ONLY: tuple[Table, ...] = ()
