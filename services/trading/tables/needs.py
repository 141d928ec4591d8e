"""The tables of needs, and of what their matching knows of each version that was ever listed."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table

from services.trading.rules.need import NEED
from services.trading.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import InquiryId, NeedId, ParticipantId, VersionId

needs = Table(
    "needs",
    metadata,
    Column("id", IdOf(NeedId), primary_key=True),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("wanted", JSON, nullable=False),
    Column("grade_ceiling", String, nullable=False),
    Column("budget_salt", String),
    Column("state", String, nullable=False),
    Column("published_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("inquiry_id", IdOf(InquiryId), unique=True),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Index("needs_by_buyer", "buyer_id", "id"),
)
_open = needs.c.state.in_(NEED.open_states())
Index("needs_due", needs.c.deadline, sqlite_where=_open, postgresql_where=_open)

version_traits = Table(
    "version_traits",
    metadata,
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("theme", String),
    Column("rows", BigInteger),
    Column("update_cycle", String),
    Column("fields", JSON, nullable=False),
)
