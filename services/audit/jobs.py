"""What `audit` does unasked: it signs the log, once a second where it has grown, and lets deadlines pass."""

import logging

from services.audit.actions import case, oversight, pruning, redaction, sampling
from services.audit.actions.audit import Audit

INTERVAL_SECONDS = 1.0
JOBS = (
    oversight.label_entries, case.pass_deadlines, redaction.pass_deadlines, sampling.draw_due, pruning.prune_if_wanted,
)  # fmt: skip
log = logging.getLogger(__name__)


async def run(audit: Audit) -> None:
    while True:
        await audit.clock.sleep(INTERVAL_SECONDS)
        await tick(audit)


async def tick(audit: Audit) -> None:
    """Sign what has grown, then every other job once. A log that contradicts itself is said so, every time, until
    someone comes."""
    try:
        await audit.signer.sign()
    except Exception:
        log.exception("nothing was signed; tried again in %s s", INTERVAL_SECONDS)
    for job in JOBS:
        try:
            await job(audit)
        except Exception:
            log.exception("%s failed; it runs again in %s s", job.__name__, INTERVAL_SECONDS)
