"""Every endpoint of `delivery`: of what comes in, of what is shown, of what goes out, and of what is computed."""

from fastapi import APIRouter

from services.delivery.api import contents, cubes, samples, uploads

router = APIRouter(tags=["delivery"])
for part in (uploads, samples, contents, cubes):
    router.include_router(part.router)
