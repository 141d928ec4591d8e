"""What `pricing` is made of."""

from functools import partial

from fastapi import FastAPI

from services.catalog.client import CatalogClient
from services.pricing import jobs
from services.pricing.actions.pricing import Pricing
from services.pricing.api.router import router
from services.pricing.rules import fee
from shared import web
from shared.changes import FeedClient
from shared.core import Core


def build(core: Core, *, catalog: CatalogClient) -> FastAPI:
    """Raises PublishedTooLate for a schedule that was published less than seven days before it begins."""
    fee.require_published_in_time()
    trading_feed = FeedClient(core.peer("trading"))
    pricing = Pricing(core.database, core.outbox, core.standing, catalog, core.clock, trading_feed)
    return web.application(core, router, pricing, jobs=[partial(jobs.follow, pricing), partial(jobs.run, pricing)])
