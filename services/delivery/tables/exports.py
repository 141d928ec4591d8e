"""The tables of transfers abroad: what was cleared, and how many persons of whose data went to whom in a year."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from services.delivery.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import EntitlementId, ExportClearanceId, ParticipantId, VersionId

export_clearances = Table(
    "export_clearances",
    metadata,
    Column("id", IdOf(ExportClearanceId), primary_key=True),
    Column("entitlement_id", IdOf(EntitlementId), nullable=False),
    Column("persons", BigInteger, nullable=False),
    Column("sensitive_persons", BigInteger, nullable=False),
    Column("ground", String),
    Column("instrument", String),
    Column("number", String),
    Column("valid_until", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("covers_persons", BigInteger),
    CheckConstraint("(instrument IS NULL) = (number IS NULL)", name="an_instrument_has_its_number"),
    CheckConstraint("sensitive_persons BETWEEN 0 AND persons", name="sensitive_persons_are_persons"),
    Index("export_clearances_by_entitlement", "entitlement_id", "id"),
)

exports = Table(
    "exports",
    metadata,
    Column("buyer_id", IdOf(ParticipantId), primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("persons", BigInteger, nullable=False),
    Column("sensitive_persons", BigInteger, nullable=False),
    Column("provider_id", IdOf(ParticipantId)),
    Index("exports_by_provider", "provider_id", "year"),
)

APPEND_ONLY = (export_clearances,)
