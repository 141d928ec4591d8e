"""A PostgreSQL database as `yaosu roles` and `yaosu migrate` leave it, and connections to it as each of its log-ins."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, LargeBinary, Table, make_url

from migrations import schema
from shared.database import Database
from shared.settings import SERVICES
from tests.support.clock import ToldClock
from tests.support.migrated import as_log_in, make_log_ins
from tests.support.postgres import fresh_database

Connection = Any  # asyncpg's, which tells a type checker little
driver: Any = asyncpg


@contextmanager
def prepared_database(server_dsn: str, template: str) -> Generator[str]:
    """The DSN of its administrator."""
    with asyncio.Runner() as runner:
        context = _prepared(server_dsn, template)
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@asynccontextmanager
async def _prepared(server_dsn: str, template: str) -> AsyncGenerator[str]:
    async with fresh_database(server_dsn, template) as dsn:
        for _ in range(2):  # the second time there is nothing to do
            await make_log_ins(dsn)
            for service in SERVICES:
                database = Database(dsn, schema=service, clock=ToldClock())
                await schema.upgrade(database)
                await database.close()
        yield dsn


@asynccontextmanager
async def connected(dsn: str, log_in: str | None = None) -> AsyncGenerator[Connection]:
    """As one of the log-ins, or as the administrator."""
    url = make_url(as_log_in(dsn, log_in) if log_in else dsn).set(drivername="postgresql")
    connection = await driver.connect(url.render_as_string(hide_password=False))
    try:
        yield connection
    finally:
        await connection.close()


def a_row(table: Table, **named: object) -> dict[str, Any]:
    """Some value for each column that must have one."""
    return {
        column.name: named.get(column.name, some_value(column))
        for column in table.c
        if column.name in named or not (column.nullable or column.server_default)
    }


def some_value(column: Column[Any]) -> Any:
    match getattr(column.type, "impl", column.type):
        case Boolean():
            return False
        case Integer():
            return 1
        case DateTime():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case JSON():
            return "{}"
        case LargeBinary():
            return b"x"
        case _:
            return f"some {column.name}"


async def add_row(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Requires an administrator: no reference is looked after, and no trigger runs."""
    service = schema_of(table)
    await connection.execute("SET session_replication_role = replica")
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(f"${n + 1}" for n in range(len(row)))
    await connection.execute(f"INSERT INTO {service}.{table.name} ({names}) VALUES ({marks})", *row.values())
    await connection.execute("SET session_replication_role = origin")


def schema_of(table: Table) -> str:
    """The service whose table it is."""
    return next(service for service in SERVICES if schema.metadata_of(service) is table.metadata)


def named(tables: Iterable[Table]) -> list[str]:
    return [f"{schema_of(table)}.{table.name}" for table in tables]
