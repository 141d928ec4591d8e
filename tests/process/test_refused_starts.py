"""A service that does not fit its database says why, and does not start."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from migrations import schema
from shared.database import Database
from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(120)]


@pytest.mark.parametrize("revision, way_out", [
    ("0006", "Run `yaosu migrate`"), ("9999", "deploy the code that the database was migrated for"),
])  # fmt: skip
async def test_tables_that_are_older_or_newer_than_the_code(postgres: str, tmp_path: Path, revision: str, way_out: str):
    async with fresh_database(postgres) as dsn:
        database = Database(dsn, schema="pricing", clock=ToldClock())
        await schema.upgrade(database, to="0006")
        async with database.transaction() as tx:
            await tx.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        await database.close()
        told = {"YAOSU_DATABASE_URL": dsn, "YAOSU_VAR": str(tmp_path), "YAOSU_SERVICE_SECRET": "x" * 32}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services", "serve", "pricing", "--port", "0", env=os.environ | told,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
    assert process.returncode == 2 and f"the database is at revision {revision}" in said.decode(), said.decode()
    assert way_out in said.decode()
