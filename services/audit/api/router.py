"""Every endpoint of `audit`."""

from fastapi import APIRouter

from services.audit.api import answers, cases, incidents, log, redactions, samplings

router = APIRouter(tags=["audit"])
for part in (log, answers, cases, samplings, redactions, incidents):
    router.include_router(part.router)
