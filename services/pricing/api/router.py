"""Every endpoint of `pricing`."""

from fastapi import APIRouter

from services.pricing.api import caps, cost_sheets, market, plans, quotes, schedules, shares, valuations

router = APIRouter()
for part in (plans, quotes, caps, schedules, shares, valuations, cost_sheets, market):
    router.include_router(part.router)
