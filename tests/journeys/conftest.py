"""A whole market on each kind of database, at a time that the test tells."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database
from tests.support.whole import WholeMarket, whole_market


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
