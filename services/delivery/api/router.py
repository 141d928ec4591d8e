"""Every endpoint of `delivery`: of what comes in, of what is shown, and of what goes out."""

from fastapi import APIRouter

from services.delivery.api import contents, queries, samples, uploads

router = APIRouter(tags=["delivery"])
for part in (uploads, samples, contents, queries):
    router.include_router(part.router)
