"""The tables of the search: a row of words for each asset, what trading has on offer, and what pricing says it costs.

The words are indexed by what each database has for it, made in migration 0006 and kept right by the database itself:
on SQLite the FTS5 table `search_words` over the column `words`, by triggers; on PostgreSQL the generated column
`lexemes` with a GIN index. Neither can stand in a definition that serves both; `BESIDE` names them, so that nobody
takes them for left over.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, ForeignKey, Index, Integer, String, Table, literal_column
from sqlalchemy import column as named
from sqlalchemy import table as beside

from services.catalog.tables.base import metadata
from services.catalog.tables.entries import assets
from shared.database import IdOf, Moment
from shared.ids import AssetId, ListingId, ParticipantId, PlanId, VersionId

search_index = Table(
    "search_index",
    metadata,
    # In the order in which assets came: the newest are found first without being sorted.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("asset_id", IdOf(AssetId), ForeignKey(assets.c.id), nullable=False, unique=True),
    Column("provider_id", IdOf(ParticipantId), nullable=False),
    Column("theme", String, nullable=False),
    Column("category", String),
    Column("industry", String),
    Column("region", String),
    Column("update_cycle", String, nullable=False),
    Column("grade", String),  # that the entry shows by; none unless it is registered
    Column("grades", String, nullable=False),
    Column("offers", String, nullable=False),
    Column("price_minor", BigInteger),
    Column("quality_score", Integer),  # in basis points
    Column("title_words", String, nullable=False),
    Column("keyword_words", String, nullable=False),
    Column("theme_words", String, nullable=False),
    Column("subject_words", String, nullable=False),
    Column("words", String, nullable=False),
    Column("tokeniser_version", Integer, nullable=False),
)
for name in ("theme", "provider_id", "industry", "region"):
    Index(f"search_index_{name}", search_index.c[name], search_index.c.number)

offers = Table(
    "offers",
    metadata,
    Column("listing_id", IdOf(ListingId), primary_key=True),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("state", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("mode", String),  # what only the first fact of a listing tells, and that one may come late
    Column("pricing", String),
    Column("plan_id", IdOf(PlanId)),
    Column("price_minor", BigInteger),  # of the revision in force, until `price_changes_at`
    Column("currency", String),
    Column("price_changes_at", Moment),
)
Index("offers_of_version", offers.c.version_id)
Index("offers_of_plan", offers.c.plan_id)
Index("offers_of_price_change", offers.c.price_changes_at)

prices = Table(
    "prices",
    metadata,
    Column("plan_id", IdOf(PlanId), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("version_id", IdOf(VersionId), nullable=False),
    Column("mode", String, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("valid_from", Moment, nullable=False),
    Column("valid_until", Moment),
)

search_words = beside("search_words", named("rowid", Integer), named("search_words", String))
lexemes: ColumnElement[Any] = literal_column("search_index.lexemes")
BESIDE = metadata.info["beside"] = frozenset({"search_words", "search_index.lexemes", "search_index_lexemes"})
