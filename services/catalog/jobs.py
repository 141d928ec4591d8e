"""What `catalog` does unasked: it lets deadlines pass, and raises what stands below what it is derived from.

Promises: nothing is decided here, so a late or missed tick changes when something is noticed, never what is true.
"""

import logging

from services.catalog.actions import access, due, lineage, quality
from services.catalog.actions.catalog import Catalog
from services.catalog.actions.petition import pass_petition_deadlines
from services.catalog.actions.records import pass_record_deadlines
from services.catalog.actions.regrading import pass_regrading_deadlines
from shared.clock import Clock

INTERVAL_SECONDS = 30.0
JOBS = (
    due.pass_deadlines, access.pass_deadlines, pass_petition_deadlines, pass_record_deadlines,
    pass_regrading_deadlines, lineage.raise_lagging, quality.renew_expired,
)  # fmt: skip
log = logging.getLogger(__name__)


async def run(catalog: Catalog, clock: Clock) -> None:
    while True:
        await clock.sleep(INTERVAL_SECONDS)
        await tick(catalog)


async def tick(catalog: Catalog) -> None:
    """Every job once. One that fails neither ends the loop nor keeps the others from their turn."""
    for job in JOBS:
        try:
            await job(catalog)
        except Exception:
            log.exception("%s failed; it runs again in %s s", job.__name__, INTERVAL_SECONDS)
