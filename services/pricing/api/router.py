"""Every endpoint of `pricing`."""

from fastapi import APIRouter

from services.pricing.api import caps, plans, quotes, schedules

router = APIRouter()
for part in (plans, quotes, caps, schedules):
    router.include_router(part.router)
