"""Every endpoint of `pricing`."""

from fastapi import APIRouter

from services.pricing.api import plans, quotes, schedules

router = APIRouter()
for part in (plans, quotes, schedules):
    router.include_router(part.router)
