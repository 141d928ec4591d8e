"""The filed price caps of public data; nothing in them ever changes."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from services.pricing.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import ParticipantId, PriceCapId, VersionId

price_caps = Table(
    "price_caps",
    metadata,
    Column("id", IdOf(PriceCapId), primary_key=True),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("cap_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("authority", String, nullable=False),
    Column("valid_from", Moment, nullable=False),
    Column("valid_until", Moment),
    Column("filed_at", Moment, nullable=False),
)
Index("price_caps_of_version", price_caps.c.version_id, price_caps.c.id)

APPEND_ONLY = (price_caps,)
