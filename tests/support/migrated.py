"""The tables of all services as their migrations leave them, made once a run and copied for each test."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import MetaData, make_url

from migrations import roles, schema
from shared.database import Database, Transaction
from shared.settings import SERVICES
from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database

PASSWORD = "of every log-in that the tests make"
_administrators = dict[str, str]()


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
        await make_log_ins(dsn)
        for service in SERVICES:
            await _migrate(dsn, service)
        yield dsn.rpartition("/")[2]


async def make_log_ins(dsn: str) -> None:
    """What `yaosu roles` does, by the server's administrator."""
    database = Database(dsn, schema="public", clock=ToldClock())
    async with database.transaction() as tx:
        await tx.run_sync(roles.ensure, dict.fromkeys(roles.LOG_INS, PASSWORD))
    await database.close()


def as_log_in(dsn: str, log_in: str) -> str:
    """The same database, for one of the log-ins."""
    url = make_url(dsn).set(username=log_in, password=PASSWORD).render_as_string(hide_password=False)
    _administrators[url] = dsn
    return url


def administrators_url(database: Database) -> str:
    """The same database for whoever owns it; on SQLite that is everyone."""
    return _administrators.get(database.url, database.url)


@asynccontextmanager
async def by_administrator(database: Database) -> AsyncGenerator[Transaction]:
    """A transaction of whoever owns the database, whom no grant holds; triggers still do."""
    if database.url not in _administrators:
        async with database.transaction() as tx:
            yield tx
        return
    mighty = Database(administrators_url(database), schema=database.schema, clock=ToldClock())
    try:
        async with mighty.transaction() as tx:
            yield tx
    finally:
        await mighty.close()


async def _migrate(url: str, service: str) -> None:
    database = Database(url, schema=service, clock=ToldClock())
    await schema.upgrade(database)
    await database.close()
