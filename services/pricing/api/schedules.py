"""What can be asked of the schedules that the exchange publishes."""

from fastapi import APIRouter

from services.pricing.actions import schedule as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.schedules import FeeScheduleView, TaxRateView
from shared.permission import Public

router = APIRouter(prefix=PREFIX)


@router.get("/fee-schedules/current")
async def fee_schedule(_: Public, pricing: PricingService) -> FeeScheduleView:
    """What the platform takes, as published."""
    return FeeScheduleView.of(await actions.fee_schedule(pricing))


@router.get("/tax-rates")
async def tax_rates(_: Public) -> list[TaxRateView]:
    """Every rate of the tax on sales that there ever was, each with the day from which it holds."""
    return [TaxRateView.model_validate(rate) for rate in actions.tax_rates()]
