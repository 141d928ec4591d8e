"""A whole market on each kind of database, at a time that the test tells."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database
from tests.support.whole import WholeMarket, whole_market

# Each service's own suite tries its stores on both databases; a journey that asks no more of them runs on one.
ON_SQLITE = pytest.mark.parametrize("market", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("market", ["postgresql"], indirect=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def market(request: pytest.FixtureRequest, tmp_path: Path, clock: ToldClock) -> AsyncGenerator[WholeMarket]:
    if request.param == "sqlite":
        async with whole_market(tmp_path, clock) as market:
            yield market
        return
    async with (
        fresh_database(request.getfixturevalue("postgres")) as dsn,
        whole_market(tmp_path, clock, dsn) as market,
    ):
        yield market
