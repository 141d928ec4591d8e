"""A catalogue of its own for each test, on each kind of database."""

from collections.abc import AsyncGenerator

import pytest

from tests.catalog.market import Market, opened
from tests.catalog.register import DAYS
from tests.support.bench import Bench


@pytest.fixture
async def market(bench: Bench) -> AsyncGenerator[Market]:
    async with opened(bench) as market:
        yield market


@pytest.fixture
async def noticed(bench: Bench) -> AsyncGenerator[Market]:
    """A market in which registrations are under public notice first."""
    bench.settings = bench.settings.model_copy(update={"notice_days": DAYS})
    async with opened(bench) as market:
        yield market
