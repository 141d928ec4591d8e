"""What can be asked of the schedules that the exchange publishes."""

from fastapi import APIRouter

from services.pricing.actions import schedule as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.schedules import FeeScheduleView
from shared.permission import Public

router = APIRouter(prefix=PREFIX)


@router.get("/fee-schedules/current")
async def fee_schedule(_: Public, pricing: PricingService) -> FeeScheduleView:
    """What the platform takes, as published."""
    return FeeScheduleView.of(await actions.fee_schedule(pricing))
