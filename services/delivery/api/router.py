"""Every endpoint of `delivery`, of what comes in and of what goes out."""

from fastapi import APIRouter

from services.delivery.api import contents, desensitisation, exports, queries, samples, uploads

router = APIRouter(tags=["delivery"])
for part in (uploads, desensitisation, samples, contents, queries, exports):
    router.include_router(part.router)
