"""What crosses the wire of reference prices and the price index."""

from datetime import datetime
from typing import Self

from services.pricing.rules import price_index, reference_price
from services.pricing.rules.price_index import IndexPoint
from services.pricing.rules.reference_price import ReferencePrice
from shared.grades import Mode
from shared.money import Money
from shared.web import View


class ReferencePriceView(View):
    """Binds nobody. Of the trades from `since` to `month`; without a median, they were not enough to tell of."""

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
    method: str = reference_price.METHOD
    method_version: str
    as_of: datetime

    @classmethod
    def of(cls, found: ReferencePrice) -> Self:
        prices = found.prices
        return cls(
            theme=found.theme, mode=found.mode, month=found.month, since=found.since, lower=prices and prices.lower,
            median=prices and prices.median, upper=prices and prices.upper, trades=found.trades,
            reason_code=found.reason_code, inputs_hash=found.inputs_hash, method_version=found.method_version,
            as_of=found.as_of,
        )  # fmt: skip

    @property
    def place(self) -> str:
        return f"{self.month}.{self.mode}"


class IndexPointView(View):
    """`hundredths` of the index, 10000 at the base of a `series`; null where the trades were not enough, and
    `reason_code` says why. `linked_to` is the month that this one was compared with, over so many `strata`."""

    theme: str
    month: str
    series: int
    hundredths: int | None
    linked_to: str | None
    strata: int | None
    reason_code: str | None
    inputs_hash: str | None
    method: str = price_index.METHOD
    method_version: str
    as_of: datetime

    @classmethod
    def of(cls, point: IndexPoint) -> Self:
        return cls.model_validate(point)
