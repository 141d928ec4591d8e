"""What can be asked of the schedules that the exchange publishes."""

from services.pricing.actions import schedule as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.schedules import (
    FeeScheduleView,
    PublishedSchedulesView,
    PublishedScheduleView,
    TaxRateView,
)
from shared.permission import Public
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.get("/fee-schedules/current")
async def fee_schedule(_: Public, pricing: PricingService) -> FeeScheduleView:
    """What the platform takes, as published."""
    return FeeScheduleView.of(await actions.fee_schedule(pricing))


@router.get("/tax-rates")
async def tax_rates(_: Public) -> list[TaxRateView]:
    """Every rate of the tax on sales that there ever was, each with the day from which it holds."""
    return [TaxRateView.model_validate(rate) for rate in actions.tax_rates()]


@router.get("/fee-schedules")
async def fee_schedules(_: Public, pricing: PricingService) -> PublishedSchedulesView:
    """Every schedule that is published: what held, what holds, and what will hold seven days from now or later."""
    found = await actions.fee_schedules(pricing)
    return PublishedSchedulesView(items=[PublishedScheduleView.of(each) for each in found])
