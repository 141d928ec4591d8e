"""Pricing on a bench, with the real catalogue behind it, on each kind of database."""

from collections.abc import AsyncGenerator

import pytest

from services.catalog.app import build as build_catalog
from services.catalog.client import CatalogClient
from services.catalog.tables.whole import metadata as catalog_metadata
from services.pricing.app import build
from services.pricing.tables import metadata
from tests.catalog.market import Market
from tests.support.bench import PATIENT_SECONDS, Bench


@pytest.fixture
async def market(bench: Bench) -> AsyncGenerator[Market]:
    catalog = build_catalog(await bench.core("catalog", catalog_metadata))
    core = await bench.core("pricing", metadata)
    pricing = build(core, catalog=CatalogClient(core.peer("catalog"), PATIENT_SECONDS))
    async with bench.serve(catalog=catalog, pricing=pricing):
        yield Market(bench)
