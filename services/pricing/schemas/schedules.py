"""What crosses the wire of published schedules."""

from datetime import datetime
from typing import Self

from services.pricing.rules.fee import FeeSchedule
from services.pricing.rules.tax import Category
from shared.web import View


class FeeScheduleView(View):
    """The fee is of the price and paid from the provider's side; the tax is of the fee."""

    id: str
    provider_fee_basis_points: int
    tax_basis_points: int
    effective_from: datetime

    @classmethod
    def of(cls, schedule: FeeSchedule) -> Self:
        return cls.model_validate(schedule)


class TaxRateView(View):
    """A rate of the tax on sales (增值税), and from when on it holds: of a category, the newest that has begun."""

    id: str
    category: Category
    basis_points: int
    effective_from: datetime


class PublishedScheduleView(FeeScheduleView):
    """With the moment since which it can be read: seven days at least before it begins."""

    published_at: datetime


class PublishedSchedulesView(View):
    """In the order in which they begin."""

    items: list[PublishedScheduleView]
