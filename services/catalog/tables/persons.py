"""The tables of single consents, and of what persons ask for under them.

A constraint is a rule too: a receipt is of one consent, and one request of a kind waits under it. What somebody wrote
stands in columns of its own, which are emptied.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from services.catalog.rules.personal_request import WAITING
from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets, versions
from shared import disclosing
from shared.database import IdOf, Moment
from shared.ids import AssetId, ConsentId, ParticipantId, PersonalRequestId, VersionId

consents = Table(
    "consents",
    metadata,
    Column("id", IdOf(ConsentId), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False),
    Column("version_id", IdOf(VersionId), ForeignKey(versions.c.id), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("kind", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("recipient_id", IdOf(ParticipantId)),
    Column("text_version", String, nullable=False),
    Column("text_hash", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("receipt", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("given_at", Moment, nullable=False),
    Column("valid_until", Moment, nullable=False),
    Column("deadline", Moment),
    Column("ended_at", Moment),
    Column("reason_code", String),
    Column("revision", Integer, nullable=False),
    Index("consents_of_asset", "asset_id", "subject"),
    Index("consents_of_version", "version_id", "valid_until"),
    Index("consents_of_provider", "provider_id", "id"),
    Index("consents_due", "deadline"),
)

personal_requests = Table(
    "personal_requests",
    metadata,
    Column("id", IdOf(PersonalRequestId), primary_key=True),
    Column("kind", String, nullable=False),
    Column("consent_id", IdOf(ConsentId), ForeignKey(consents.c.id), nullable=False),
    Column("asset_id", IdOf(AssetId), nullable=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("state", String, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("provisional", Boolean, nullable=False),
    Column("escalations", Integer, nullable=False),
    Column("answer_hash", String),
    Column("reason_code", String),
    Column("ended_at", Moment),
    Column("revision", Integer, nullable=False),
    Column("details", Text),
    Column("answer", Text),
    Index("personal_requests_of_consent", "consent_id", "id"),
    Index("personal_requests_of_provider", "provider_id", "id"),
    Index("personal_requests_due", "deadline"),
)
waits = personal_requests.c.state.in_(sorted(WAITING))
Index(
    "one_personal_request_waits", personal_requests.c.consent_id, personal_requests.c.kind, unique=True,
    sqlite_where=waits, postgresql_where=waits,
)  # fmt: skip

disclosing.tables(metadata)
APPEND_ONLY: tuple[Table, ...] = ()
