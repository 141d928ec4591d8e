"""A price index for each theme: how the prices of the same data have changed from month to month.

Owns: the matched strata, the link of two months, and the chain.
Promises: like is compared with like, the same version in the same mode; a link is the geometric mean of the price
relatives (Jevons), so that it turns round when time does and no dear stratum outweighs the cheap; a point is chained
without rounding and published in hundredths, base 100.00; it follows from trades of both months that may be told, over
at least three strata; a month without enough has no point, and says so. What was published never changes.
Why no weights: a licence is non-rival, so that quantities say how many wanted it, not how much there is of it.
Sources: Consumer Price Index Manual (ILO, IMF et al., 2020), ch. 8 and 9; docs/decisions/0013.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from services.pricing.rules.anonymity import NOT_ENOUGH, Groups, inputs_hash, may_be_told
from services.pricing.rules.month import months_between
from services.pricing.rules.trade import Trade
from shared.grades import Mode
from shared.ids import VersionId

METHOD_VERSION = "price_index_2026_11"
METHOD = (
    "链式杰文斯指数：同一版本、同一交付方式的价格比的几何平均，基期100.00；不足则不发布 · "
    "chain-linked Jevons over the same version in the same mode, base 100.00; no point where trades are not enough"
)
BASE = Decimal(100)
STRATA_MIN = 3
LINKED_WITHIN_MONTHS = 12
NOT_MATCHED = "not_enough_matched"
EXACT = Context(prec=50)
KEPT = Context(prec=28, rounding=ROUND_HALF_UP)

Stratum = tuple[VersionId, Mode]


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """`chain` is the level as it goes on, `hundredths` the level as it is told. A chain that cannot be linked for a
    year ends, and the next series begins at the base; `linked_to` None: this point is a base."""

    theme: str
    month: str
    series: int
    hundredths: int | None
    chain: Decimal | None
    linked_to: str | None
    strata: int | None
    reason_code: str | None
    inputs_hash: str | None
    method_version: str
    as_of: datetime


def point(
    theme: str, month: str, last: IndexPoint | None, then: Sequence[Trade], here: Sequence[Trade], groups: Groups,
    as_of: datetime,
) -> IndexPoint:  # fmt: skip
    """The point of this month. Requires the last point that has a level, and the trades that count of its month and of
    this one."""
    series = last.series if last else 1
    if not may_be_told(here, groups):
        return _none(theme, month, series, NOT_ENOUGH, as_of)
    if last is None or last.chain is None or months_between(last.month, month) > LINKED_WITHIN_MONTHS:
        series = series + 1 if last else series
        digest = inputs_hash(here, groups)
        return _at(theme, month, series, BASE, None, len(strata(here)), digest, as_of)
    both = strata(then).keys() & strata(here).keys()
    before, after = _of(then, both), _of(here, both)
    if len(both) < STRATA_MIN or not (may_be_told(before, groups) and may_be_told(after, groups)):
        return _none(theme, month, series, NOT_MATCHED, as_of)
    chain = KEPT.plus(EXACT.multiply(last.chain, link(before, after)))
    digest = inputs_hash([*before, *after], groups)
    return _at(theme, month, series, chain, last.month, len(both), digest, as_of)


def link(before: Iterable[Trade], after: Iterable[Trade]) -> Decimal:
    """The geometric mean of the price relatives. Requires the same strata in both, and prices above nothing."""
    then, here = strata(before), strata(after)
    changes = [EXACT.subtract(_mean_logarithm(here[each]), _mean_logarithm(then[each])) for each in sorted(then)]
    return EXACT.exp(_mean(changes))


def strata(trades: Iterable[Trade]) -> Mapping[Stratum, list[Trade]]:
    """The trades by what was sold."""
    found: dict[Stratum, list[Trade]] = {}
    for trade in sorted(trades, key=lambda trade: trade.order_id):
        found.setdefault((trade.version_id, trade.mode), []).append(trade)
    return found


def compared(points: Sequence[IndexPoint], month: str) -> tuple[int | None, int | None]:
    """The level in a month or last before it, and the newest, where both are of one series. Requires points that have
    levels, oldest first."""
    earlier = [point for point in points if point.month <= month]
    if not earlier or earlier[-1].series != points[-1].series:
        return None, None
    return earlier[-1].hundredths, points[-1].hundredths


def hundredths(chain: Decimal) -> int:
    return int(EXACT.multiply(chain, Decimal(100)).quantize(Decimal(1), ROUND_HALF_UP, EXACT))


def _mean_logarithm(trades: Sequence[Trade]) -> Decimal:
    return _mean([EXACT.ln(Decimal(trade.price.minor)) for trade in trades])


def _mean(values: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, value)
    return EXACT.divide(total, Decimal(len(values)))


def _of(trades: Iterable[Trade], wanted: Iterable[Stratum]) -> list[Trade]:
    kinds = set(wanted)
    return [trade for trade in trades if (trade.version_id, trade.mode) in kinds]


def _at(
    theme: str, month: str, series: int, chain: Decimal, linked_to: str | None, count: int, digest: str, as_of: datetime
) -> IndexPoint:  # fmt: skip
    return IndexPoint(
        theme, month, series, hundredths(chain), chain, linked_to, count, None, digest, METHOD_VERSION, as_of
    )


def _none(theme: str, month: str, series: int, reason_code: str, as_of: datetime) -> IndexPoint:
    return IndexPoint(theme, month, series, None, None, None, None, reason_code, None, METHOD_VERSION, as_of)
