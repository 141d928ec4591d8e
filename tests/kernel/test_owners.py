"""Whose rows a transaction sees: every table is somebody's or named with the reason, and PostgreSQL holds to it."""

import asyncio
import json
from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from sqlalchemy import Column, MetaData, String, Table, select, text

from migrations import schema
from migrations.roles import REGULATOR, login_of
from shared import owners, tenancy
from shared.database import Database, IdOf
from shared.ids import ParticipantId
from shared.owners import Of, Through, owned_tables, reason_of
from shared.settings import SERVICES
from tests.support.clock import ToldClock
from tests.support.migrated import as_log_in
from tests.support.postgres import fresh_database
from tests.support.prepared import Connection, a_row, add_row, connected, named, prepared_database, schema_of

ANA, BEN, EVE = (ParticipantId(f"participant_{digit * 32}") for digit in "abe")
TABLES = [table for service in SERVICES for table in schema.metadata_of(service).sorted_tables]
OWNED = [(table, of) for service in SERVICES for table, of in owned_tables(schema.metadata_of(service))]
WITH_COLUMNS = [(table, of) for table, of in OWNED if isinstance(of, Of)]
WITH_PARENT = [(table, of) for table, of in OWNED if isinstance(of, Through)]
OFF = """
SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'v')
AND NOT (relrowsecurity AND relforcerowsecurity)
"""


@pytest.fixture(scope="module")
def prepared(postgres: str, template: str) -> Generator[str]:
    """Its columns take anything: these rows are somebody's, and mean nothing."""
    with prepared_database(postgres, template) as dsn:
        asyncio.run(_take_checks_off(dsn))
        yield dsn


async def _take_checks_off(dsn: str) -> None:
    async with connected(dsn) as administrator:
        for place, name in await administrator.fetch(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
            " AND connamespace::regnamespace::text = ANY($1)", SERVICES
        ):  # fmt: skip
            await administrator.execute(f'ALTER TABLE {place} DROP CONSTRAINT "{name}"')


def ids(cases: Sequence[tuple[Table, object]]) -> list[str]:
    return named(table for table, _ in cases)


@pytest.mark.parametrize("table", TABLES, ids=named(TABLES))
def test_a_table_has_owners_or_a_reason_why_it_has_none(table: Table):
    assert (owners.OWNERS in table.info) != bool(reason_of(table)), f"declare {table.name} in its tables/owners.py"


# The tables that name organisations and are nobody's nevertheless, a second time: declared so in passing, a table of
# members' own rows would be without its second lock, and nothing would show it.
NAME_ORGANISATIONS = """
identity affiliations
catalog  assets search_index authority_filings certificates
pricing  plans price_caps price_lists trades
trading  complaints credit_entries listings auctions bids registrations sealed_bids
"""


def test_a_table_that_names_organisations_is_owned_or_is_known_to_be_nobodys():
    lines = [line.split() for line in NAME_ORGANISATIONS.strip().splitlines()]
    by_hand = {f"{service}.{name}" for service, *names in lines for name in names}
    assert set(named(table for table in TABLES if reason_of(table) and names_organisations(table))) == by_hand


def names_organisations(table: Table) -> bool:
    return any(isinstance(each.type, IdOf) and each.type.kind is ParticipantId for each in table.c)


def test_tables_with_the_columns_of_two_parties_name_both():
    for table, of in WITH_COLUMNS:
        if {"buyer_id", "provider_id"} <= set(table.c.keys()):
            assert {"buyer_id", "provider_id"} <= set(of.columns), table.name


async def unlocked(connection: Connection) -> list[str]:
    """The tables without a second lock, that are not named with a reason."""
    found: list[str] = []
    for service in SERVICES:
        metadata = schema.metadata_of(service)
        meant = {table.name for table in metadata.sorted_tables if reason_of(table)} | {"alembic_version"}
        found += [f"{service}.{row[0]}" for row in await connection.fetch(OFF, service) if row[0] not in meant]
    return found


async def test_every_owned_table_is_locked_and_its_owner_with_it(prepared: str):
    async with connected(prepared) as administrator:
        assert await unlocked(administrator) == []
        policies = await administrator.fetch(
            "SELECT schemaname || '.' || tablename, count(*) FROM pg_policies WHERE policyname = 'tenant' GROUP BY 1"
        )
        assert {row[0]: row[1] for row in policies} == dict.fromkeys(ids(OWNED), 1)


@pytest.mark.parametrize("plant", [
    "ALTER TABLE trading.orders DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE trading.orders NO FORCE ROW LEVEL SECURITY",
    "CREATE VIEW trading.all_orders AS SELECT * FROM trading.orders",
    "CREATE TABLE trading.copies AS SELECT * FROM trading.orders",
], ids=["off", "not_forced", "view", "copy"])  # fmt: skip
async def test_a_lock_that_was_taken_off_is_found_and_put_back(postgres: str, template: str, plant: str):
    async with fresh_database(postgres, template) as dsn:
        async with connected(dsn) as administrator:
            assert await unlocked(administrator) == []
            await administrator.execute(plant)
            [found] = await unlocked(administrator)
            assert found in plant
        if found == "trading.orders":
            database = Database(dsn, schema="trading", clock=ToldClock())
            await schema.upgrade(database)
            await database.close()
            async with connected(dsn) as administrator:
                assert await unlocked(administrator) == []


# --- what each sees


async def seen(connection: Connection, table: Table, tenant: str | None, *, writing: bool = False) -> int:
    """How many rows the table's service sees by its own log-in, in a transaction for somebody."""
    async with connection.transaction(readonly=not writing):
        if tenant is not None:
            await connection.execute("SELECT set_config('app.tenant', $1, true)", tenant)
        return await connection.fetchval(f"SELECT count(*) FROM {schema_of(table)}.{table.name}")


@pytest.mark.parametrize("table, of", WITH_COLUMNS, ids=ids(WITH_COLUMNS))
async def test_rows_show_to_whom_they_name_and_to_nobody_else(prepared: str, table: Table, of: Of):
    parties = dict(zip(of.columns, (ANA, BEN), strict=False))
    async with connected(prepared) as administrator, connected(prepared, login_of(schema_of(table))) as service:
        await add_row(administrator, table, a_row(table, **parties) | ({of.listed: "[]"} if of.listed else {}))
        for party in parties.values():
            assert await seen(service, table, party) == 1
        for stranger in (EVE, tenancy.NOBODY, None, "participant_", "%", "'*'", "* "):
            assert await seen(service, table, stranger) == 0
        assert await seen(service, table, EVE, writing=True) == (1 if of.decides else 0)
        assert await seen(service, table, tenancy.EVERYONE) == 1
        await administrator.execute(f"SET session_replication_role = replica; DELETE FROM {named([table])[0]}")


@pytest.mark.parametrize("table, of", WITH_PARENT, ids=ids(WITH_PARENT))
async def test_rows_show_to_whoever_sees_what_they_belong_to(prepared: str, table: Table, of: Through):
    parent = of.parent.info[owners.OWNERS]
    assert isinstance(parent, Of)
    async with connected(prepared) as administrator, connected(prepared, login_of(schema_of(table))) as service:
        [key] = [of.parent.c[of.by]] if of.by else of.parent.primary_key.columns
        named_parent = dict(zip(parent.columns, (ANA, BEN), strict=False)) | {key.name: "parent"}
        listed = {parent.listed: "[]"} if parent.listed else {}
        await add_row(administrator, of.parent, a_row(of.parent, **named_parent) | listed)
        for column in of.columns:
            others = dict.fromkeys(of.columns, "another")
            await add_row(administrator, table, a_row(table, **others | {column: "parent"}))
            assert await seen(service, table, ANA) == 1
            assert await seen(service, table, EVE) == await seen(service, table, tenancy.NOBODY) == 0
            assert await seen(service, table, tenancy.EVERYONE) == 1
            await administrator.execute(f"SET session_replication_role = replica; DELETE FROM {named([table])[0]}")
        await administrator.execute(f"SET session_replication_role = replica; DELETE FROM {named([of.parent])[0]}")


@pytest.mark.parametrize("place", ["trading.inquiries", "pricing.revenue_shares"])
async def test_rows_show_to_everyone_whom_they_list_and_to_nobody_by_a_part_of_a_name(prepared: str, place: str):
    service, name = place.split(".")
    table = schema.metadata_of(service).tables[name]
    of = dict(OWNED)[table]
    assert isinstance(of, Of) and of.listed
    async with connected(prepared) as administrator, connected(prepared, login_of(service)) as own:
        listed = json.dumps([{"party": ANA}, BEN])
        await add_row(administrator, table, a_row(table) | {of.listed: listed})
        for party, shown in {ANA: 1, BEN: 1, EVE: 0, "participant_": 0, ANA[:-1]: 0, "party": 1}.items():
            assert await seen(own, table, party) == shown, party
        assert await seen(own, table, EVE, writing=True) == await seen(own, table, None) == 0
        await administrator.execute(f"SET session_replication_role = replica; DELETE FROM {place}")


async def test_a_row_of_before_there_was_a_list_shows_to_who_is_named_beside_it_alone(prepared: str):
    """Until a job has written the list into it."""
    inquiries = schema.metadata_of("trading").tables["inquiries"]
    async with connected(prepared) as administrator, connected(prepared, login_of("trading")) as own:
        await add_row(administrator, inquiries, a_row(inquiries, buyer_id=ANA, invited=None))
        for tenant, shown in ((ANA, 1), (EVE, 0), (tenancy.EVERYONE, 1), (tenancy.NOBODY, 0), (None, 0)):
            assert await seen(own, inquiries, tenant) == shown, tenant
        await administrator.execute("SET session_replication_role = replica; DELETE FROM trading.inquiries")


async def test_what_is_said_against_an_asset_shows_to_whoever_holds_it_now(prepared: str):
    catalog = schema.metadata_of("catalog")
    assets, objections = catalog.tables["assets"], catalog.tables["objections"]
    async with connected(prepared) as administrator, connected(prepared, login_of("catalog")) as own:
        await add_row(administrator, assets, a_row(assets, id="asset", provider_id=BEN))
        await add_row(administrator, objections, a_row(objections, asset_id="asset", objector_id=ANA))
        for holder, other in ((BEN, EVE), (EVE, BEN)):
            await administrator.execute("UPDATE catalog.assets SET provider_id = $1", holder)
            assert [await seen(own, objections, each) for each in (ANA, holder, other)] == [1, 1, 0]
        truncated = "DELETE FROM catalog.objections; DELETE FROM catalog.assets"
        await administrator.execute(f"SET session_replication_role = replica; {truncated}")


async def test_a_row_is_neither_made_for_another_nor_given_away(prepared: str):
    table = schema.metadata_of("pricing").tables["cost_sheets"]
    row = {column.name: value for column, value in zip(table.c, a_row(table, provider_id=BEN).values(), strict=False)}
    names, marks = ", ".join(row), ", ".join(f"${number + 1}" for number in range(len(row)))
    async with connected(prepared, login_of("pricing")) as connection:
        for tenant, is_refused in ((EVE, True), (tenancy.NOBODY, True), (BEN, False), (tenancy.EVERYONE, False)):
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("SELECT set_config('app.tenant', $1, true)", tenant)
            try:
                await connection.execute(f"INSERT INTO pricing.cost_sheets ({names}) VALUES ({marks})", *row.values())
                assert not is_refused
            except InsufficientPrivilegeError as refusal:
                assert is_refused and "row-level security" in str(refusal)
            await transaction.rollback()


async def test_the_regulator_sees_everyones_rows(prepared: str):
    table = schema.metadata_of("trading").tables["orders"]
    async with connected(prepared) as administrator:
        await add_row(administrator, table, a_row(table, buyer_id=ANA, provider_id=BEN))
        async with connected(prepared, REGULATOR) as regulator:
            assert await regulator.fetchval("SELECT count(*) FROM trading.orders WHERE buyer_id = $1", ANA) == 1
        await administrator.execute("SET session_replication_role = replica; DELETE FROM trading.orders")


# --- how it is said


async def test_a_transaction_is_for_whom_its_task_works_and_the_pool_forgets_it(prepared: str):
    table = schema.metadata_of("trading").tables["negotiations"]
    database = Database(as_log_in(prepared, "yaosu_trading"), schema="trading", clock=ToldClock())

    async def shown() -> list[int]:
        found: list[int] = []
        for opened in (database.read, database.transaction):
            async with opened() as tx:
                found.append(len((await tx.execute(select(table.c.id))).all()))
        return found

    async with connected(prepared) as administrator:
        await add_row(administrator, table, a_row(table, id=f"negotiation_{'1' * 32}", buyer_id=ANA, provider_id=BEN))
    with tenancy.for_nobody():
        assert await shown() == [0, 0]
        tenancy.work_for(ANA)
        assert await shown() == [1, 1]
        tenancy.work_for(EVE)
        assert await shown() == [0, 0]
        tenancy.work_for_everyone()
        assert await shown() == [1, 1]
        with tenancy.for_nobody():
            assert await shown() == [0, 0]
        assert await shown() == [1, 1]
    async with connected(prepared) as administrator:
        await administrator.execute("SET session_replication_role = replica; DELETE FROM trading.negotiations")
    await database.close()


async def test_the_tenant_costs_no_trip_and_ends_with_its_transaction(prepared: str):
    database = Database(as_log_in(prepared, "yaosu_trading"), schema="trading", clock=ToldClock())
    tenant, sent = text("SELECT current_setting('app.tenant', true)"), list[str]()
    with tenancy.for_everyone():
        async with database.transaction() as tx:
            connection: Connection = (await tx.get_raw_connection()).driver_connection
            connection.add_query_logger(partial(note, sent))
            assert await tx.scalar(tenant) == "*"
        async with database.transaction() as tx:
            assert await tx.scalar(tenant) == "*"
    assert "BEGIN; SET LOCAL app.tenant = '*'" in sent
    assert not [query for query in sent if "app.tenant" in query and not query.startswith(("BEGIN", "SELECT"))]
    assert await connection.fetchval("SELECT current_setting('app.tenant', true)") == ""
    await database.close()


def note(sent: list[str], told: Any) -> None:
    sent.append(told.query)


async def test_a_tenant_is_told_as_text_and_nothing_more(prepared: str):
    database = Database(as_log_in(prepared, "yaosu_trading"), schema="trading", clock=ToldClock())
    spoiled = "x'; SET LOCAL app.tenant = '*"
    with tenancy.for_nobody():
        tenancy._tenant.set(spoiled)  # pyright: ignore[reportPrivateUsage]
        async with database.read() as tx:
            assert await tx.scalar(text("SELECT current_setting('app.tenant', true)")) == spoiled
    await database.close()


def test_a_declaration_of_a_column_that_is_not_there_stops_the_start():
    metadata = MetaData()
    table = Table("deals", metadata, Column("buyer_id", String))
    with pytest.raises(KeyError):
        owners.declare(metadata, {table: owners.of("seller_id")}, {})
