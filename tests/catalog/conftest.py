"""A catalogue of its own for each test, on each kind of database."""

from collections.abc import AsyncGenerator

import pytest

from tests.catalog.market import Market, opened
from tests.support.bench import Bench


@pytest.fixture
async def market(bench: Bench) -> AsyncGenerator[Market]:
    async with opened(bench) as market:
        yield market
