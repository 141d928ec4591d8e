"""Every endpoint of `audit`."""

from services.audit.api import answers, cases, incidents, log, redactions, samplings
from shared.routing import Router

router = Router()
for part in (log, answers, cases, samplings, redactions, incidents):
    router.include(part.router)
