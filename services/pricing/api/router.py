"""Every endpoint of `pricing`."""

from services.pricing.api import caps, cost_sheets, market, plans, quotes, schedules, shares, valuations
from shared.routing import Router

router = Router()
for part in (plans, quotes, caps, schedules, shares, valuations, cost_sheets, market):
    router.include(part.router)
