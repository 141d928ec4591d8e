"""The tables of all services as their migrations leave them, made once a run and copied for each test."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import MetaData

from migrations import schema
from shared.database import Database
from shared.settings import SERVICES
from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database


def is_whole(service: str, metadata: MetaData) -> bool:
    """Whether these are all the tables of a service, and not a test's own."""
    return service in SERVICES and schema.metadata_of(service) is metadata


def migrated_files(folder: Path) -> dict[str, Path]:
    """An SQLite file for each service, migrated and empty."""
    files = {service: folder / f"{service}.db" for service in SERVICES}
    for service, path in files.items():
        asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}", service))
    return files


@contextmanager
def migrated_template(server_dsn: str) -> Generator[str]:
    """The name of a PostgreSQL database with every service's schema, migrated and empty."""
    with asyncio.Runner() as runner:
        context = _template(server_dsn)
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@asynccontextmanager
async def _template(server_dsn: str) -> AsyncGenerator[str]:
    async with fresh_database(server_dsn) as dsn:
        for service in SERVICES:
            await _migrate(dsn, service)
        yield dsn.rpartition("/")[2]


async def _migrate(url: str, service: str) -> None:
    database = Database(url, schema=service, clock=ToldClock())
    await schema.upgrade(database)
    await database.close()
