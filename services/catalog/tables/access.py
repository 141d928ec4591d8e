"""The table of access requests. A constraint is a rule too: a buyer has one undecided request a version and mode."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table

from services.catalog.rules.access import APPROVED, WAITING
from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets, versions
from shared.database import IdOf, Moment
from shared.ids import AccessRequestId, AssetId, ParticipantId, VersionId

access_requests = Table(
    "access_requests",
    metadata,
    Column("id", IdOf(AccessRequestId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("buyer_id", IdOf(ParticipantId), nullable=False),
    Column("mode", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("days", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("renews", IdOf(AccessRequestId)),
    Column("state", String, nullable=False),
    Column("next_actor", String),
    Column("deadline", Moment),
    Column("grade", String, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Index("access_requests_of_buyer", "buyer_id", "id"),
    Index("access_requests_of_provider", "provider_id", "id"),
    Index("access_requests_of_version", "version_id", "buyer_id"),
    Index("access_requests_due", "deadline"),
)
APPEND_ONLY: tuple[Table, ...] = ()

undecided = access_requests.c.state.in_(WAITING)
Index(
    "one_undecided_request", access_requests.c.version_id, access_requests.c.buyer_id, access_requests.c.mode,
    unique=True, sqlite_where=undecided, postgresql_where=undecided,
)  # fmt: skip
approved = access_requests.c.state == APPROVED
Index(
    "one_approved_request", access_requests.c.version_id, access_requests.c.buyer_id, access_requests.c.mode,
    unique=True, sqlite_where=approved, postgresql_where=approved,
)  # fmt: skip
