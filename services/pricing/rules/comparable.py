"""Comparables: trades of our own that say what like data were sold for.

Owns: which trades compare, and what of them may be told.
Promises: only what was settled for a price counts, between parties that are not related, for the same theme, mode and
kind of right, within two years; no figure follows from fewer than three; what others paid is told by digest alone,
which whoever holds the log can compute again, and nobody can guess, for an order's id is random.
Source: market-rules V4; 数据资产评估指导意见 (中评协〔2023〕17号) on comparable cases.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from services.pricing.rules.trade import SETTLED, Trade
from shared import canonical
from shared.facts import plain
from shared.grades import Mode
from shared.ids import OrderId, ParticipantId, VersionId
from shared.money import Money

COMPARABLES_MIN, COMPARABLES_MAX = 3, 20
COMPARED_WITHIN = timedelta(days=730)
INSUFFICIENT = "comparables_insufficient"
WHOLE = 10_000

Related = Callable[[ParticipantId, ParticipantId], bool]


@dataclass(frozen=True, slots=True)
class Comparable:
    """`quality_basis_points`: the score of what was sold; `index_then` and `index_now`: the price index of the theme in
    hundredths, at the trade and at the valuation, where there is one of both."""

    order_id: OrderId
    version_id: VersionId
    price: Money
    settled_at: datetime
    quality_basis_points: int
    index_then: int | None = None
    index_now: int | None = None

    @property
    def quality(self) -> Fraction:
        return Fraction(self.quality_basis_points, WHOLE)

    @property
    def date_factor(self) -> Fraction:
        """What prices have done since: nothing, where no index tells."""
        return Fraction(self.index_now, self.index_then) if self.index_now and self.index_then else Fraction(1)

    def disclosed(self) -> dict[str, object]:
        """What the owner of a valuation may know of it, and by what others can check the rest."""
        trade = {"order_id": self.order_id, "version_id": self.version_id, "price": self.price, "at": self.settled_at}
        return {
            "trade_hash": canonical.digest(plain(trade)), "quality_basis_points": self.quality_basis_points,
            "index_then": self.index_then, "index_now": self.index_now,
        }  # fmt: skip


def counts(trade: Trade, related: Related) -> bool:
    """Whether the trade says anything of prices: settled, for a price, and between strangers."""
    return (
        trade.state == SETTLED
        and trade.settled_at is not None
        and trade.price.minor > 0
        and not related(trade.provider_id, trade.buyer_id)
    )


def comparing(trades: Iterable[Trade], mode: Mode, exclusive: bool, related: Related, now: datetime) -> list[Trade]:
    """Those that compare, newest first, at most twenty. Requires trades of one theme."""
    found = [
        trade
        for trade in trades
        if trade.mode is mode and trade.exclusive is exclusive and counts(trade, related) and _is_recent(trade, now)
    ]
    return sorted(found, key=lambda trade: (trade.settled_at, trade.order_id), reverse=True)[:COMPARABLES_MAX]


def quartiles(prices: Sequence[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """Lower quartile, median and upper quartile, exact, between the two nearest in proportion. Requires a price."""
    ordered = sorted(prices)
    return _at(ordered, Fraction(1, 4)), _at(ordered, Fraction(1, 2)), _at(ordered, Fraction(3, 4))


def _at(ordered: Sequence[Fraction], part: Fraction) -> Fraction:
    place = part * (len(ordered) - 1)
    below = place.numerator // place.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _is_recent(trade: Trade, now: datetime) -> bool:
    return trade.settled_at is not None and now - COMPARED_WITHIN <= trade.settled_at <= now
