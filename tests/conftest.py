"""Fixtures that every suite shares: the two databases, and a bench to put a service on."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import MetaData
from sqlalchemy.schema import CreateSchema

from shared.database import Database
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.support.postgres import NO_POSTGRES, fresh_database, postgres_server

MakeDatabase = Callable[[str, MetaData], Awaitable[Database]]


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """The DSN of a PostgreSQL server, kept for the whole run."""
    with postgres_server() as dsn:
        if dsn is None:
            pytest.skip(NO_POSTGRES)
        yield dsn


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, clock: ToldClock) -> AsyncGenerator[MakeDatabase]:
    """Makes an empty database for a service, on each kind of database in turn."""
    async with AsyncExitStack() as stack:
        dsn = None
        if request.param == "postgresql":
            dsn = await stack.enter_async_context(fresh_database(request.getfixturevalue("postgres")))

        async def make(service: str, metadata: MetaData) -> Database:
            url = dsn or f"sqlite+aiosqlite:///{tmp_path / service}.db"
            fresh = Database(url, schema=service, clock=clock, told_time=True)
            stack.push_async_callback(fresh.close)
            if dsn:
                async with fresh.transaction() as tx:
                    await tx.execute(CreateSchema(service, if_not_exists=True))
            await fresh.create(metadata)
            return fresh

        yield make


@pytest.fixture
def bench(database: MakeDatabase, clock: ToldClock) -> Bench:
    return Bench(database, clock=clock)
