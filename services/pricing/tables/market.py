"""What is told of all trades together: the theme of each version sold, reference prices, and the points of the index.

The keys are the rule that a month is published once; nothing of it ever changes.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table

from services.pricing.tables.base import metadata
from shared.database import IdOf, Moment
from shared.ids import VersionId

# As the catalogue told it when the version was first seen to be sold.
version_themes = Table(
    "version_themes",
    metadata,
    Column("version_id", IdOf(VersionId), primary_key=True),
    Column("theme", String, nullable=False),
    Column("noted_at", Moment, nullable=False),
)
Index("versions_of_theme", version_themes.c.theme)

reference_prices = Table(
    "reference_prices",
    metadata,
    Column("theme", String, primary_key=True),
    Column("mode", String, primary_key=True),
    Column("month", String, primary_key=True),
    Column("since", String, nullable=False),
    Column("lower_minor", BigInteger),
    Column("median_minor", BigInteger),
    Column("upper_minor", BigInteger),
    Column("currency", String),
    Column("trades", Integer),
    Column("reason_code", String),
    Column("inputs_hash", String),
    Column("method_version", String, nullable=False),
    Column("as_of", Moment, nullable=False),
    CheckConstraint("(median_minor IS NULL) = (reason_code IS NOT NULL)", name="a_price_or_why_not"),
    CheckConstraint("trades >= 5", name="told_of_enough_trades"),
)

index_points = Table(
    "index_points",
    metadata,
    Column("theme", String, primary_key=True),
    Column("month", String, primary_key=True),
    Column("series", Integer, nullable=False),
    Column("hundredths", BigInteger),
    Column("chain", String),
    Column("linked_to", String),
    Column("strata", Integer),
    Column("reason_code", String),
    Column("inputs_hash", String),
    Column("method_version", String, nullable=False),
    Column("as_of", Moment, nullable=False),
    CheckConstraint("(hundredths IS NULL) = (reason_code IS NOT NULL)", name="a_point_or_why_not"),
)

APPEND_ONLY = (version_themes, reference_prices, index_points)
