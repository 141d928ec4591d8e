"""Every endpoint of `delivery`: of what comes in, of what is shown, of what goes out, and of what is computed."""

from fastapi import APIRouter

from services.delivery.api import contents, cubes, desensitisation, exports, queries, samples, uploads

router = APIRouter(tags=["delivery"])
for part in (uploads, desensitisation, samples, contents, queries, cubes, exports):
    router.include_router(part.router)
