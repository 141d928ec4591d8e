"""Every endpoint of `delivery`: of what comes in, of what is shown, and of what goes out or abroad."""

from fastapi import APIRouter

from services.delivery.api import contents, exports, samples, uploads

router = APIRouter(tags=["delivery"])
for part in (uploads, samples, contents, exports):
    router.include_router(part.router)
