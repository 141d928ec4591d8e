"""How what is told of all trades together is kept, and how the trades for it are found.

Promises: a month that was published is not published again, nor changed.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, func, insert, or_, select, true

from services.pricing.rules.plan import PlanKind
from services.pricing.rules.price_index import IndexPoint
from services.pricing.rules.reference_price import Prices, ReferencePrice
from services.pricing.rules.trade import SETTLED, Trade
from services.pricing.store.trade import known_trades, trade_of
from services.pricing.tables.market import index_points, reference_prices, version_themes
from services.pricing.tables.plans import plans, quotes
from services.pricing.tables.trades import trades
from shared.database import Transaction, insert_into
from shared.grades import Mode
from shared.ids import VersionId
from shared.money import Money

NOTED_MAX = 100


async def versions_without_theme(tx: Transaction) -> list[VersionId]:
    """Versions that were sold, and of which no theme is known here yet; at most a hundred."""
    known = select(version_themes.c.version_id)
    query = select(trades.c.version_id).distinct().where(trades.c.state == SETTLED, trades.c.placed_at.is_not(None))
    query = query.where(trades.c.version_id.not_in(known)).order_by(trades.c.version_id).limit(NOTED_MAX)
    return list(await tx.scalars(query))


async def note_theme(tx: Transaction, version_id: VersionId, theme: str, now: datetime) -> None:
    """As it was told first; it stays."""
    row = {"version_id": version_id, "theme": theme, "noted_at": now}
    await tx.execute(insert_into(tx, version_themes).values(row).on_conflict_do_nothing())


async def themes(tx: Transaction) -> list[str]:
    return list(await tx.scalars(select(version_themes.c.theme).distinct().order_by(version_themes.c.theme)))


async def settled(
    tx: Transaction, theme: str, begins: datetime | None = None, ends: datetime | None = None
) -> list[Trade]:  # fmt: skip
    """The theme's settled trades of whole licences from one moment on and before another, by their ids."""
    query = known_trades().join(version_themes, version_themes.c.version_id == trades.c.version_id)
    query = query.where(version_themes.c.theme == theme, trades.c.state == SETTLED, trades.c.settled_at.is_not(None))
    query = query.where(or_(trades.c.quote_id.is_(None), trades.c.quote_id.not_in(_by_measure())))
    query = query.where(trades.c.settled_at >= begins if begins else true())
    query = query.where(trades.c.settled_at < ends if ends else true())
    return [trade_of(row) for row in await tx.execute(query.order_by(trades.c.order_id))]


async def first_settled_at(tx: Transaction, theme: str) -> datetime | None:
    query = select(func.min(trades.c.settled_at)).join(
        version_themes, version_themes.c.version_id == trades.c.version_id
    )
    return await tx.scalar(query.where(version_themes.c.theme == theme, trades.c.state == SETTLED))


async def last_published_month(tx: Transaction, theme: str) -> str | None:
    """The index tells: every month that is published has a row there."""
    return await tx.scalar(select(func.max(index_points.c.month)).where(index_points.c.theme == theme))


async def add_index_point(tx: Transaction, point: IndexPoint) -> None:
    row = {
        "theme": point.theme, "month": point.month, "series": point.series, "hundredths": point.hundredths,
        "chain": None if point.chain is None else str(point.chain), "linked_to": point.linked_to,
        "strata": point.strata, "reason_code": point.reason_code, "inputs_hash": point.inputs_hash,
        "method_version": point.method_version, "as_of": point.as_of,
    }  # fmt: skip
    await tx.execute(insert(index_points).values(row))


async def levels(tx: Transaction, theme: str) -> list[IndexPoint]:
    """The theme's points that have a level, oldest first."""
    query = select(*index_points.c).where(index_points.c.theme == theme, index_points.c.hundredths.is_not(None))
    return [_point(row) for row in await tx.execute(query.order_by(index_points.c.month))]


async def index(tx: Transaction, theme: str, before: str | None, limit: int) -> list[IndexPoint]:
    """Newest first, of months before this one."""
    older = index_points.c.month < before if before else true()
    query = select(*index_points.c).where(index_points.c.theme == theme, older)
    return [_point(row) for row in await tx.execute(query.order_by(index_points.c.month.desc()).limit(limit))]


async def add_reference_price(tx: Transaction, found: ReferencePrice) -> None:
    prices = found.prices
    row = {
        "theme": found.theme, "mode": found.mode, "month": found.month, "since": found.since,
        "lower_minor": prices and prices.lower.minor, "median_minor": prices and prices.median.minor,
        "upper_minor": prices and prices.upper.minor, "currency": prices and prices.median.currency,
        "trades": found.trades, "reason_code": found.reason_code, "inputs_hash": found.inputs_hash,
        "method_version": found.method_version, "as_of": found.as_of,
    }  # fmt: skip
    await tx.execute(insert(reference_prices).values(row))


async def last_priced_month(tx: Transaction, theme: str, mode: Mode) -> str | None:
    """The last month that has a price."""
    cell = (reference_prices.c.theme == theme, reference_prices.c.mode == mode)
    query = select(func.max(reference_prices.c.month)).where(*cell, reference_prices.c.median_minor.is_not(None))
    return await tx.scalar(query)


async def prices(tx: Transaction, theme: str, before: str | None, limit: int) -> list[ReferencePrice]:
    """Newest first, and in a month by mode; `before`: the month and mode, as `2030-01.raw`, that the last one ended
    with."""
    place = reference_prices.c.month + "." + reference_prices.c.mode
    older = place < before if before else true()
    query = select(*reference_prices.c).where(reference_prices.c.theme == theme, older)
    return [_price(row) for row in await tx.execute(query.order_by(place.desc()).limit(limit))]


def _by_measure() -> Select[Any]:
    """Quotes for so many units, periods or cells, or for several versions: their totals are no price of a licence."""
    plan = (plans.c.id == quotes.c.plan_id) & (plans.c.revision == quotes.c.plan_revision)
    return select(quotes.c.id).join(plans, plan).where(plans.c.kind.not_in([PlanKind.ONE_OFF, PlanKind.FREE]))


def _point(row: Row[Any]) -> IndexPoint:
    return IndexPoint(
        row.theme, row.month, row.series, row.hundredths, None if row.chain is None else Decimal(row.chain),
        row.linked_to, row.strata, row.reason_code, row.inputs_hash, row.method_version, row.as_of,
    )  # fmt: skip


def _price(row: Row[Any]) -> ReferencePrice:
    found = None
    if row.median_minor is not None:
        found = Prices(*(Money(minor, row.currency) for minor in (row.lower_minor, row.median_minor, row.upper_minor)))
    return ReferencePrice(
        row.theme, Mode(row.mode), row.month, row.since, found, row.trades, row.reason_code, row.inputs_hash,
        row.method_version, row.as_of,
    )  # fmt: skip
