"""What happens when a provider asks what a version of theirs is worth."""

from services.catalog.client import NoSuchVersion, VersionView
from services.pricing.actions.market import note_themes, related
from services.pricing.actions.pricing import Pricing
from services.pricing.events.results import VersionValued
from services.pricing.rules import comparable as comparable_rules
from services.pricing.rules import price_index
from services.pricing.rules import valuation as rules
from services.pricing.rules.approach import MarketApproach, Method
from services.pricing.rules.comparable import COMPARABLES_MIN, INSUFFICIENT, Comparable
from services.pricing.rules.document import sealed
from services.pricing.rules.month import month_of
from services.pricing.rules.valuation import Maturity, NoSuchValuation, Quality, Question, Valuation
from services.pricing.store import market as market_store
from services.pricing.store import valuation as store
from shared.access import Caller, Member, Role
from shared.idempotency import Once
from shared.ids import ValuationId, VersionId
from shared.web import Page

SUPERVISORS = frozenset({Role.REGULATOR, Role.OPERATOR_AUDIT})


async def value(
    pricing: Pricing, provider: Member, version_id: VersionId, method: Method, maturity: Maturity | None,
    spread_basis_points: int, rationale: str, once: Once,
) -> Valuation:  # fmt: skip
    """Of a version of one's own; another's is not there. Too few comparables are an answer, which is kept too."""
    version = await pricing.catalog.version(version_id)
    if version.provider_id != provider.participant_id:
        raise NoSuchVersion()
    question = Question(
        provider.participant_id, version_id, version.content_hash, method, _quality(version), maturity,
        spread_basis_points, rationale,
    )  # fmt: skip
    market = isinstance(method, MarketApproach)
    comparables = await _comparables(pricing, version.theme, method) if market else ()
    is_enough = not market or len(comparables) >= COMPARABLES_MIN
    figures = rules.figures(question, comparables) if is_enough else None
    reason_code = None if is_enough else INSUFFICIENT
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Valuation):
            return earlier
        now = await pricing.database.now(tx)
        text, digest = sealed(rules.document(question, figures, reason_code, comparables, now))
        valuation = Valuation(ValuationId.new(), question, figures, reason_code, comparables, text, digest, now)
        await store.add(tx, valuation)
        await once.remember(tx, valuation)
        await pricing.outbox.record(tx, provider.actor, now, VersionValued.of(valuation))
    return valuation


async def seen(pricing: Pricing, caller: Caller, valuation_id: ValuationId) -> Valuation:
    """For its owner and supervisors. Raises NoSuchValuation alike for all others."""
    async with pricing.database.read() as tx:
        valuation = await store.valuation(tx, valuation_id)
    if not is_supervisor(caller) and caller.participant_id != valuation.question.provider_id:
        raise NoSuchValuation()
    return valuation


async def listed(pricing: Pricing, provider: Member, page: Page) -> list[Valuation]:
    """One's own, newest first. Looks for one more than the page takes, so that the end is known."""
    async with pricing.database.read() as tx:
        after = page.after_id(ValuationId)
        return await store.of_provider(tx, provider.participant_id, after, page.limit + 1)


def is_supervisor(caller: Caller) -> bool:
    return bool(SUPERVISORS & caller.roles)


def _quality(version: VersionView) -> Quality | None:
    told = version.quality
    if told is None or told.score_basis_points is None:
        return None
    return Quality(told.score_basis_points, told.rule_version, told.made_at)


async def _comparables(pricing: Pricing, theme: str, method: MarketApproach) -> tuple[Comparable, ...]:
    """What compares by now. Of what was sold without a quality score nobody knows how it compares."""
    pricing.standing.require_fresh()
    await note_themes(pricing)
    async with pricing.database.read() as tx:
        now = await pricing.database.now(tx)
        trades = await market_store.settled(tx, theme)
        found = comparable_rules.comparing(trades, method.mode, method.exclusive, related(pricing), now)
        levels = await market_store.levels(tx, theme)
    told = {
        version_id: _quality(await pricing.catalog.version(version_id))
        for version_id in dict.fromkeys(trade.version_id for trade in found)
    }
    return tuple(
        Comparable(
            trade.order_id, trade.version_id, trade.price, trade.settled_at, quality.score_basis_points,
            *price_index.compared(levels, month_of(trade.settled_at)),
        )
        for trade in found
        if (quality := told[trade.version_id]) and trade.settled_at
    )  # fmt: skip
