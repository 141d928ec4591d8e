"""What `catalog` is made of."""

from functools import partial

from fastapi import FastAPI

from services.catalog import jobs
from services.catalog.actions.catalog import Catalog
from services.catalog.api.router import router
from shared import web
from shared.core import Core


def build(core: Core) -> FastAPI:
    catalog = Catalog.of(core)
    return web.application(
        core, router, catalog, jobs=[partial(job, catalog) for job in (jobs.run, jobs.follow, jobs.index)]
    )
