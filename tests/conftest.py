"""Fixtures that every suite shares: the two databases, and a bench to put a service on."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from shared.database import Database
from tests.support.bench import Bench
from tests.support.clock import ToldClock

MakeDatabase = Callable[[str, MetaData], Awaitable[Database]]


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture(params=["sqlite"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, clock: ToldClock) -> AsyncGenerator[MakeDatabase]:
    """Makes an empty database for a service, on each kind of database in turn."""
    made: list[Database] = []

    async def make(service: str, metadata: MetaData) -> Database:
        fresh = Database(f"sqlite+aiosqlite:///{tmp_path / service}.db", schema=service, clock=clock)
        await fresh.create(metadata)
        made.append(fresh)
        return fresh

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def bench(database: MakeDatabase, clock: ToldClock) -> Bench:
    return Bench(database, clock=clock)
