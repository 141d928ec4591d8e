"""What `pricing` is made of."""

from fastapi import FastAPI

from services.catalog.client import CatalogClient
from services.pricing.actions.pricing import Pricing
from services.pricing.api.router import router
from shared import web
from shared.core import Core


def build(core: Core, *, catalog: CatalogClient) -> FastAPI:
    return web.application(core, router, Pricing(core.database, core.outbox, core.standing, catalog))
