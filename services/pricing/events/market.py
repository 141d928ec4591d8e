"""The facts of what is told of all trades together: each month once."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.price_index import IndexPoint
from services.pricing.rules.reference_price import ReferencePrice
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.money import Money


@dataclass(frozen=True, slots=True)
class ReferencePricePublished(Fact):
    """What licences to data of a theme were sold for in a mode, or that the trades were not enough to tell."""

    category: ClassVar[Category] = Category.PRICE
    theme: str
    mode: Mode
    month: str
    since: str
    lower: Money | None
    median: Money | None
    upper: Money | None
    trades: int | None
    reason_code: str | None
    inputs_hash: str | None
    method_version: str
    as_of: datetime

    @classmethod
    def of(cls, found: ReferencePrice) -> Self:
        prices = found.prices
        return cls(
            found.theme, found.mode, found.month, found.since, prices and prices.lower, prices and prices.median,
            prices and prices.upper, found.trades, found.reason_code, found.inputs_hash, found.method_version,
            found.as_of,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class IndexPointPublished(Fact):
    """A theme's price index of a month, or that the trades were not enough for a point. `chain` is the level with all
    the digits that the next point goes on from."""

    category: ClassVar[Category] = Category.PRICE
    theme: str
    month: str
    series: int
    hundredths: int | None
    chain: str | None
    linked_to: str | None
    strata: int | None
    reason_code: str | None
    inputs_hash: str | None
    method_version: str
    as_of: datetime

    @classmethod
    def of(cls, point: IndexPoint) -> Self:
        return cls(
            point.theme, point.month, point.series, point.hundredths,
            None if point.chain is None else str(point.chain), point.linked_to, point.strata, point.reason_code,
            point.inputs_hash, point.method_version, point.as_of,
        )  # fmt: skip
