"""A till, or a whole market, for each test, on each kind of database in turn."""

from collections.abc import AsyncGenerator

import pytest

from tests.support.bench import Bench
from tests.trading.market import Market, a_market
from tests.trading.money.till import Till, a_till


@pytest.fixture
async def till(bench: Bench) -> AsyncGenerator[Till]:
    async with a_till(bench) as till:
        yield till


@pytest.fixture
async def market(bench: Bench) -> AsyncGenerator[Market]:
    async with a_market(bench) as market:
        yield market
