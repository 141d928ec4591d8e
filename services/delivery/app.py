"""What `delivery` is made of."""

from functools import partial

from fastapi import FastAPI

from services.catalog.client import CatalogClient
from services.delivery import jobs
from services.delivery.actions.depot import Depot
from services.delivery.actions.watch import EntitlementWatch
from services.delivery.api.router import router
from services.delivery.api.uploads import STREAMS
from services.delivery.rules.upload import Limits
from services.delivery.sandbox import Inspector, Sandbox
from services.delivery.store.content import content_store
from services.trading.client import TradingClient
from shared import web
from shared.changes import FeedClient
from shared.core import Core
from shared.guard import Doors


def build(core: Core, *, catalog: CatalogClient, trading: TradingClient, inspector: Inspector | None = None) -> FastAPI:
    """`inspector` is a child process for each file, unless another way is given (the simulator's, for one)."""
    settings, folder = core.settings, core.settings.var / "delivery"
    watch = EntitlementWatch(core.clock, FeedClient(core.peer("trading")), core.database)
    depot = Depot(
        core.database, core.outbox, core.clock, core.standing, catalog, trading,
        content_store(settings.bucket, folder / "content"), inspector or Sandbox(), watch, folder / "scratch",
        Limits(bytes_max=settings.upload_bytes_max), settings.require_secret("pseudonym_key").encode(),
        hands_over=settings.accel and settings.bucket is None,
    )  # fmt: skip
    doors = Doors(settings.allowed_hosts, streams=STREAMS)
    tasks = [partial(jobs.run, depot), partial(jobs.inspect, depot), partial(jobs.tidy, depot), watch.run]
    return web.application(core, router, depot, jobs=tasks, doors=doors)
