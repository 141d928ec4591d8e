"""Reference prices: what licences to data of a theme were sold for in a mode, by month.

Owns: the windows, and the median with its quartiles.
Promises: windows of one theme and mode never overlap, so that no two figures can be subtracted; a window that is not
enough for a figure goes on into the next month, for twelve months at most; what was published never changes.
Does not: bind anybody. Exclusive sales and gifts are left out, for they are prices of something else.
Source: market-rules V2; docs/decisions/0013.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from services.pricing.rules.anonymity import NOT_ENOUGH, Groups, inputs_hash, may_be_told
from services.pricing.rules.comparable import quartiles
from services.pricing.rules.month import later
from services.pricing.rules.trade import Trade
from services.pricing.rules.valuation import rounded
from shared.grades import Mode
from shared.money import Money

METHOD_VERSION = "reference_price_2026_11"
METHOD = (
    "中位数与四分位数；至少5笔、3个买方、3个卖方，单一卖方不超过一半；窗口互不重叠 · "
    "median and quartiles of at least five trades by three buyers and three providers, none with more than half"
)
MONTHS_MAX = 12


@dataclass(frozen=True, slots=True)
class Prices:
    lower: Money
    median: Money
    upper: Money


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """Of the months from `since` to `month`. Without prices, `reason_code` says that they were not enough. `as_of`: the
    moment that the month was due, whenever it was noticed."""

    theme: str
    mode: Mode
    month: str
    since: str
    prices: Prices | None
    trades: int | None
    reason_code: str | None
    inputs_hash: str | None
    method_version: str
    as_of: datetime


def since(month: str, last_published: str | None) -> str:
    """The month that the window of this one begins with: after the last that was published, within twelve."""
    earliest = later(month, 1 - MONTHS_MAX)
    return earliest if last_published is None else max(earliest, later(last_published))


def reference_price(
    theme: str, mode: Mode, month: str, since: str, trades: Sequence[Trade], groups: Groups, as_of: datetime
) -> ReferencePrice:  # fmt: skip
    """Requires the trades of the theme in the mode, which count, settled in the window."""
    if not may_be_told(trades, groups):
        return ReferencePrice(theme, mode, month, since, None, None, NOT_ENOUGH, None, METHOD_VERSION, as_of)
    found = quartiles([Fraction(trade.price.minor) for trade in trades])
    prices = Prices(*(rounded(price) for price in found))
    digest = inputs_hash(trades, groups)
    return ReferencePrice(theme, mode, month, since, prices, len(trades), None, digest, METHOD_VERSION, as_of)
