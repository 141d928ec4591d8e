"""The tables of desensitisation: plans in revisions, effect reports beside their renditions, and who was shown samples.

The key of plans decides that a revision is declared once; the key of sample views, that a day is counted in one row.
"""

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from services.delivery.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ParticipantId, VersionId

desensitisation_plans = Table(
    "desensitisation_plans",
    metadata,
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("wishes", Text, nullable=False),
    Column("declared_at", Moment, nullable=False),
)

effect_reports = Table(
    "effect_reports",
    metadata,
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("policy_digest", String, primary_key=True),
    Column("report", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("passes", Boolean, nullable=False),
    Column("made_at", Moment, nullable=False),
)

sample_views = Table(
    "sample_views",
    metadata,
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("participant_id", IdOf(ParticipantId), primary_key=True),
    Column("day", String, primary_key=True),
    Column("shown", Integer, nullable=False),
)

APPEND_ONLY = (desensitisation_plans, effect_reports)
