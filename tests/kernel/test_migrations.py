"""Migrations leave exactly the tables that the code has, on both databases, however often they run."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, MetaData, Table, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine

from migrations import newest, schema
from migrations.newest import SchemaDiffers
from shared.database import Transaction
from shared.settings import SERVICES
from tests.conftest import MakeDatabase

NOTHING = MetaData()


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrated_tables_are_those_of_the_code(database: MakeDatabase, service: str):
    own = await database(service, NOTHING)
    for _ in range(2):  # the second time there is nothing to do
        await schema.upgrade(own)
        await newest.require(own)
    assert await schema.drift(own) == []


async def test_a_table_that_others_refer_to_is_written_anew_with_its_rows(database: MakeDatabase):
    trading = await database("trading", NOTHING)
    await schema.upgrade(trading, to="0003")
    async with trading.transaction() as tx:
        await _fill(tx, "listings", id="listing_1")
        await _fill(tx, "orders", id="order_1", listing_id="listing_1", buyer_id="b", provider_id="p")
        await _fill(tx, "contracts", id="contract_1", order_id="order_1")
    await schema.upgrade(trading)
    async with trading.transaction() as tx:
        assert list(await tx.scalars(text("SELECT id FROM orders"))) == ["order_1"]
        with pytest.raises(IntegrityError):
            await tx.execute(text("DELETE FROM orders"))


async def _fill(tx: Transaction, table: str, **named: object) -> None:
    """A row of whatever the columns take."""
    columns = await tx.run_sync(lambda connection: inspect(connection).get_columns(table))
    told: dict[str, object] = {}
    for column in columns:
        if not column["nullable"] and column["default"] is None:
            told[column["name"]] = named.get(column["name"], _any(column["type"]))
    await tx.execute(Table(table, MetaData(), *(Column(one["name"], one["type"]) for one in columns)).insert(), told)


def _any(kind: TypeEngine[Any]) -> object:
    match kind:
        case Boolean():
            return False
        case Integer():
            return 0
        case DateTime():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case JSON():
            return {}
        case _:
            return "x"


async def test_tables_that_were_never_migrated_are_refused_with_the_way_out(database: MakeDatabase):
    own = await database("pricing", NOTHING)
    with pytest.raises(SchemaDiffers, match="pricing.*yaosu migrate"):
        await newest.require(own)


async def test_tables_of_a_newer_code_are_refused(database: MakeDatabase):
    own = await database("pricing", NOTHING)
    await schema.upgrade(own)
    async with own.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaDiffers, match="9999.*deploy the code"):
        await newest.require(own)


async def test_a_table_that_the_code_does_not_know_is_told(database: MakeDatabase):
    own = await database("pricing", NOTHING)
    await schema.upgrade(own)
    async with own.transaction() as tx:
        await tx.execute(text("CREATE TABLE stray (id INTEGER)"))
    assert any("stray" in difference for difference in await schema.drift(own))
