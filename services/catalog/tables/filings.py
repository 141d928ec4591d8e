"""The tables of filings and objections. A constraint is a rule too: an asset has one open filing, and a participant one
open objection to it."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table

from services.catalog.rules.filing import FILING, OBJECTED, UNDER_NOTICE
from services.catalog.rules.objection import OPEN
from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets
from shared.database import IdOf, Moment
from shared.ids import AssetId, FilingId, ObjectionId, ParticipantId, VersionId

filings = Table(
    "filings",
    metadata,
    Column("id", IdOf(FilingId), primary_key=True),
    Column("type", String, nullable=False),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("applicant_id", IdOf(ParticipantId)),
    Column("counterparty_id", IdOf(ParticipantId)),
    Column("filed_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("next_actor", String),
    Column("deadline", Moment),
    Column("version_id", IdOf(VersionId)),
    Column("particulars", JSON, nullable=False),
    Column("operators", JSON, nullable=False),
    Column("notice_ends_at", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
)
is_open = filings.c.state.in_(FILING.open_states())
Index("one_open_filing", filings.c.asset_id, unique=True, sqlite_where=is_open, postgresql_where=is_open)
Index("filings_of_asset", filings.c.asset_id, filings.c.id)
Index("filings_of_provider", filings.c.provider_id, filings.c.id)
Index("filings_of_applicant", filings.c.applicant_id, filings.c.id)
Index("filings_of_counterparty", filings.c.counterparty_id, filings.c.id)
is_noticed = filings.c.state.in_([UNDER_NOTICE, OBJECTED])
Index("filings_under_notice", filings.c.id, sqlite_where=is_noticed, postgresql_where=is_noticed)
filing_waits = filings.c.deadline.is_not(None)
Index("filings_due", filings.c.deadline, sqlite_where=filing_waits, postgresql_where=filing_waits)

objections = Table(
    "objections",
    metadata,
    Column("id", IdOf(ObjectionId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("filing_id", IdOf(FilingId)),
    Column("objector_id", IdOf(ParticipantId), nullable=False),
    Column("ground", String, nullable=False),
    Column("statement", String, nullable=False),
    Column("evidence_hash", String, nullable=False),
    Column("raised_at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("next_actor", String),
    Column("deadline", Moment),
    Column("reason_code", String),
    Column("reason", String),
    Column("revision", Integer, nullable=False),
)
objection_is_open = objections.c.state == OPEN
Index(
    "one_open_objection", objections.c.asset_id, objections.c.objector_id, unique=True, sqlite_where=objection_is_open,
    postgresql_where=objection_is_open,
)  # fmt: skip
Index("objections_of_asset", objections.c.asset_id, objections.c.id)
objection_waits = objections.c.deadline.is_not(None)
Index("objections_due", objections.c.deadline, sqlite_where=objection_waits, postgresql_where=objection_waits)

APPEND_ONLY: tuple[Table, ...] = ()
