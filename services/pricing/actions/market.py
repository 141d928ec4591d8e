"""What is told of all trades together: each month is published once, for each theme, when it is due."""

import logging
from datetime import datetime

from services.catalog.client import NoSuchVersion
from services.pricing.actions.pricing import Pricing
from services.pricing.events.market import IndexPointPublished, ReferencePricePublished
from services.pricing.rules import month as months
from services.pricing.rules import price_index, reference_price
from services.pricing.rules.affiliation import representatives
from services.pricing.rules.anonymity import Groups
from services.pricing.rules.comparable import Related, counts
from services.pricing.rules.price_index import LINKED_WITHIN_MONTHS, IndexPoint
from services.pricing.rules.reference_price import ReferencePrice
from services.pricing.rules.trade import Trade
from services.pricing.store import market as store
from shared.database import Transaction
from shared.errors import NotAdmitted
from shared.facts import Fact
from shared.ids import ParticipantId

NO_THEME = ""  # of a version that this catalogue does not know
log = logging.getLogger(__name__)


async def note_themes(pricing: Pricing) -> None:
    """Ask the catalogue, once for each version that was sold, what it is about. What is noted stays."""
    while True:
        async with pricing.database.read() as tx:
            unknown = await store.versions_without_theme(tx)
        if not unknown:
            return
        for version_id in unknown:
            try:
                theme = (await pricing.catalog.version(version_id)).theme
            except NoSuchVersion:
                theme = NO_THEME
            async with pricing.database.transaction() as tx:
                await store.note_theme(tx, version_id, theme, await pricing.database.now(tx))


async def publish_due(pricing: Pricing) -> None:
    """Publish every month that is due and not published yet, in order. A theme that fails keeps no other waiting."""
    await note_themes(pricing)
    async with pricing.database.read() as tx:
        now = await pricing.database.now(tx)
        due = [(theme, month) for theme in await store.themes(tx) if theme for month in await _due(tx, theme, now)]
    for theme, month in due:
        try:
            await _publish(pricing, theme, month)
        except Exception:
            log.exception("%s of %s could not be published; it is tried again", month, theme)


async def reference_prices(pricing: Pricing, theme: str, before: str | None, limit: int) -> list[ReferencePrice]:
    """Newest first. Looks for one more than `limit`, so that the end is known."""
    async with pricing.database.read() as tx:
        return await store.prices(tx, theme, before, limit + 1)


async def index(pricing: Pricing, theme: str, before: str | None, limit: int) -> list[IndexPoint]:
    """Newest first. Looks for one more than `limit`, so that the end is known."""
    async with pricing.database.read() as tx:
        return await store.index(tx, theme, before, limit + 1)


def affiliates(pricing: Pricing, party: ParticipantId) -> frozenset[ParticipantId]:
    try:
        return pricing.standing.of(party).affiliates
    except NotAdmitted:  # nobody has heard of it
        return frozenset()


def related(pricing: Pricing) -> Related:
    """Whether two participants are each other's affiliates, as both are known now."""
    return lambda one, other: other in affiliates(pricing, one) or one in affiliates(pricing, other)


async def _due(tx: Transaction, theme: str, now: datetime) -> list[str]:
    last, first_at = await store.last_published_month(tx, theme), await store.first_settled_at(tx, theme)
    if last is None and first_at is None:
        return []
    return months.due(months.later(last) if last else months.month_of(first_at or now), now)


async def _publish(pricing: Pricing, theme: str, month: str) -> None:
    async with pricing.database.transaction() as tx:
        if not await pricing.database.claim(tx, f"publish {theme}"):
            return  # another process is at it
        last = await store.last_published_month(tx, theme)
        if last is not None and last != months.later(month, -1):
            return
        pricing.standing.require_fresh()
        begins = months.begins(months.later(month, -LINKED_WITHIN_MONTHS))
        settled = await store.settled(tx, theme, begins, months.begins(months.later(month)))
        trades = [trade for trade in settled if not trade.exclusive and counts(trade, related(pricing))]
        parties = [party for trade in trades for party in (trade.buyer_id, trade.provider_id)]
        groups = representatives(parties, lambda party: affiliates(pricing, party))
        facts: list[Fact] = [
            *await _publish_prices(tx, theme, month, trades, groups),
            await _publish_point(tx, theme, month, trades, groups),
        ]
        now = await pricing.database.now(tx)
        await pricing.outbox.record(tx, pricing.outbox.itself, now, *facts)


async def _publish_prices(
    tx: Transaction, theme: str, month: str, trades: list[Trade], groups: Groups
) -> list[ReferencePricePublished]:  # fmt: skip
    facts: list[ReferencePricePublished] = []
    for mode in sorted({trade.mode for trade in trades}):
        since = reference_price.since(month, await store.last_priced_month(tx, theme, mode))
        begins = months.begins(since)
        window = [trade for trade in trades if trade.mode is mode and trade.settled_at and trade.settled_at >= begins]
        found = reference_price.reference_price(theme, mode, month, since, window, groups, months.due_at(month))
        await store.add_reference_price(tx, found)
        facts.append(ReferencePricePublished.of(found))
    return facts


async def _publish_point(
    tx: Transaction, theme: str, month: str, trades: list[Trade], groups: Groups
) -> IndexPointPublished:  # fmt: skip
    levels = await store.levels(tx, theme)
    last = levels[-1] if levels else None
    then = [trade for trade in trades if last and _is_of(trade, last.month)]
    here = [trade for trade in trades if _is_of(trade, month)]
    point = price_index.point(theme, month, last, then, here, groups, months.due_at(month))
    await store.add_index_point(tx, point)
    return IndexPointPublished.of(point)


def _is_of(trade: Trade, month: str) -> bool:
    return trade.settled_at is not None and months.month_of(trade.settled_at) == month
