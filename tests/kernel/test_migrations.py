"""Migrations leave exactly the tables that the code has, on both databases, however often they run."""

import pytest
from sqlalchemy import MetaData, text

from migrations import schema
from migrations.schema import SchemaDiffers
from shared.settings import SERVICES
from tests.conftest import MakeDatabase

NOTHING = MetaData()


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrated_tables_are_those_of_the_code(database: MakeDatabase, service: str):
    own = await database(service, NOTHING)
    for _ in range(2):  # the second time there is nothing to do
        await schema.upgrade(own)
        await schema.require_newest(own)
    assert await schema.drift(own) == []


async def test_tables_that_were_never_migrated_are_refused_with_the_way_out(database: MakeDatabase):
    own = await database("pricing", NOTHING)
    with pytest.raises(SchemaDiffers, match="pricing.*yaosu migrate"):
        await schema.require_newest(own)


async def test_tables_of_a_newer_code_are_refused(database: MakeDatabase):
    own = await database("pricing", NOTHING)
    await schema.upgrade(own)
    async with own.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaDiffers, match="9999.*deploy the code"):
        await schema.require_newest(own)


async def test_a_table_that_the_code_does_not_know_is_told(database: MakeDatabase):
    own = await database("pricing", NOTHING)
    await schema.upgrade(own)
    async with own.transaction() as tx:
        await tx.execute(text("CREATE TABLE stray (id INTEGER)"))
    assert any("stray" in difference for difference in await schema.drift(own))
