"""What `catalog` does unasked: it lets deadlines pass, raises what stands below what it is derived from, follows
trading and pricing, and brings its index up to date at the start.

Promises: nothing is decided here, so a late or missed tick changes when something is noticed, never what is true.
"""

import logging
from collections.abc import Awaitable, Callable

from services.catalog.actions import access, due, lineage, news, quality, search
from services.catalog.actions.catalog import Catalog
from services.catalog.actions.consent import pass_consent_deadlines
from services.catalog.actions.personal_request import pass_request_deadlines, tell_disclosures
from services.catalog.actions.petition import pass_petition_deadlines
from services.catalog.actions.records import pass_record_deadlines
from services.catalog.actions.regrading import pass_regrading_deadlines
from shared.jobs import attempt
from shared.together import together

INTERVAL_SECONDS = 30.0
log = logging.getLogger(__name__)
Job = Callable[[Catalog], Awaitable[None]]
JOBS: tuple[Job, ...] = (
    due.pass_deadlines, access.pass_deadlines, pass_petition_deadlines, pass_record_deadlines,
    pass_regrading_deadlines, pass_consent_deadlines, pass_request_deadlines, tell_disclosures, news.pass_price_changes,
    lineage.raise_lagging, quality.renew_expired,
)  # fmt: skip


async def follow_trading(catalog: Catalog) -> None:
    await news.follower_of_trading(catalog).tick()


async def follow_pricing(catalog: Catalog) -> None:
    await news.follower_of_pricing(catalog).tick()


async def run(catalog: Catalog) -> None:
    while True:
        await catalog.clock.sleep(INTERVAL_SECONDS)
        for job in JOBS:
            await attempt(job, catalog)


async def follow(catalog: Catalog) -> None:
    """By long poll, so that what is on offer is found within a second."""
    await together(news.follower_of_trading(catalog).run(), news.follower_of_pricing(catalog).run())


async def index(catalog: Catalog) -> None:
    """Once, at the start: what was registered before there was an index, or read by another tokeniser."""
    while True:
        try:
            await search.reindex(catalog.database)
            return
        except Exception:
            log.exception("the index is not up to date; it goes on in %s s", INTERVAL_SECONDS)
            await catalog.clock.sleep(INTERVAL_SECONDS)


async def tick(catalog: Catalog) -> None:
    """Every job once. One that fails neither ends the loop nor keeps the others from their turn."""
    for job in (*JOBS, follow_trading, follow_pricing):
        await attempt(job, catalog)
