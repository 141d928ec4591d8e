"""A market for each test, on each kind of database in turn."""

from collections.abc import AsyncGenerator

import pytest

from tests.support.bench import Bench
from tests.trading.market import Market, a_market


@pytest.fixture
async def market(bench: Bench) -> AsyncGenerator[Market]:
    async with a_market(bench) as market:
        yield market
