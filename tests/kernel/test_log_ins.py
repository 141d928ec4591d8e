"""What each log-in of PostgreSQL may not do: define, look into another's schema, change what is never changed."""

import ast
import base64
import hashlib
import hmac
import importlib
from collections.abc import Generator
from pathlib import Path

import asyncpg
import pytest
from asyncpg.exceptions import InsufficientPrivilegeError, RaiseError
from sqlalchemy import Table

from migrations import rights, roles, schema
from migrations.roles import LOG_INS, OWNER, REGULATOR, VERIFIER, UnknownLogIn, login_of, scram_verifier
from shared.settings import SERVICES
from tests.support.migrated import PASSWORD
from tests.support.prepared import Connection, connected, prepared_database

ROOT = Path(__file__).parent.parent.parent
KEPT = {service: schema.kept_of(service) for service in SERVICES}
TABLES = [table for kept in KEPT.values() for table in kept.metadata.sorted_tables]
DEFINING = (
    "CREATE TABLE {schema}.stray (id integer)",
    "CREATE TABLE public.stray (id integer)",
    "CREATE TEMPORARY TABLE stray (id integer)",
    "CREATE SCHEMA stray",
    "CREATE FUNCTION {schema}.stray() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE VIEW {schema}.stray AS SELECT 1",
    "CREATE EXTENSION dblink SCHEMA {schema}",
    "CREATE TRIGGER stray BEFORE INSERT ON {schema}.outbox_facts EXECUTE FUNCTION {schema}.refuse_change()",
    "CREATE INDEX stray ON {schema}.outbox_facts (act)",
    "DROP SCHEMA {schema} CASCADE",
    "ALTER SCHEMA {schema} OWNER TO CURRENT_USER",
    "SET ROLE yaosu_owner",
    "SET SESSION AUTHORIZATION yaosu_owner",
    "SET session_replication_role = replica",
    "CREATE ROLE stray",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "GRANT yaosu_owner TO CURRENT_USER",
    "ALTER SYSTEM SET fsync = off",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/stray'",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT lo_import('/etc/hostname')",
)
OF_A_TABLE = (
    "DROP TABLE {table}",
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} ADD COLUMN stray integer",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} DISABLE TRIGGER USER",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "ALTER TABLE {table} RENAME TO stray",
    "CREATE RULE stray AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE POLICY stray ON {table} USING (true)",
)
READABLE = """
SELECT attname FROM pg_attribute WHERE attrelid = $2::regclass AND attnum > 0 AND NOT attisdropped
AND has_column_privilege($1::name, $2::regclass, attname, 'SELECT')
"""


@pytest.fixture(scope="module")
def prepared(postgres: str, template: str) -> Generator[str]:
    with prepared_database(postgres, template) as dsn:
        yield dsn


async def refused(connection: Connection, statements: list[str]) -> list[str]:
    """Which of the statements were refused for want of a right. One that fails for another reason was not."""
    found: list[str] = []
    for statement in statements:
        try:
            await connection.execute(statement)
            print(statement, "→ done")
        except InsufficientPrivilegeError:
            found.append(statement)
        except asyncpg.PostgresError as other:
            print(statement, "→", other)
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_defines_nothing_and_changes_no_definition(prepared: str, service: str):
    statements = [statement.format(schema=service) for statement in DEFINING]
    for table in KEPT[service].metadata.sorted_tables:
        statements += [statement.format(table=f"{service}.{table.name}") for statement in OF_A_TABLE]
    async with connected(prepared, login_of(service)) as connection:
        assert await refused(connection, statements) == statements


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_sees_and_writes_nothing_of_another(prepared: str, service: str):
    theirs = [table for table in TABLES if table.metadata is not KEPT[service].metadata]
    statements = [
        statement.format(table=f"{name}.{table.name}")
        for table in theirs
        for name in SERVICES
        if KEPT[name].metadata is table.metadata
        for statement in ("SELECT 1 FROM {table}", "DELETE FROM {table}", "INSERT INTO {table} DEFAULT VALUES")
    ]
    async with connected(prepared, login_of(service)) as connection:
        assert await refused(connection, statements) == statements


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_may_do_with_each_of_its_tables_what_is_declared_and_no_more(prepared: str, service: str):
    kept = KEPT[service]
    async with connected(prepared, login_of(service)) as connection:
        for table in kept.metadata.sorted_tables:
            place = f"{service}.{table.name}"
            given = {verb for verb in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
                     if await connection.fetchval("SELECT has_table_privilege($1, $2)", place, verb)}  # fmt: skip
            wanted = {"SELECT", "INSERT"}
            if table.name not in kept.append_only and table.name not in rights.CHANGING:
                wanted.add("UPDATE")
            if table.name in kept.forgotten:
                wanted.add("DELETE")
            assert given == wanted, place


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_never_changed_is_changed_by_nobody_and_not_by_its_owner_either(prepared: str, service: str):
    kept, never = KEPT[service], sorted(KEPT[service].append_only)
    assert never or service == "identity"
    async with connected(prepared, login_of(service)) as connection:
        for name in never:
            column = next(iter(kept.metadata.tables[name].c)).name
            statements = [f'UPDATE {service}.{name} SET "{column}" = "{column}"', f"TRUNCATE {service}.{name} CASCADE"]
            if name not in kept.forgotten:
                statements.append(f"DELETE FROM {service}.{name}")
            assert await refused(connection, statements) == statements
    async with connected(prepared) as administrator:
        await administrator.execute(f"SET search_path = {service}")
        for role in (None, OWNER):
            await administrator.execute(f"SET ROLE {role}" if role else "RESET ROLE")
            for name in never:
                column = next(iter(kept.metadata.tables[name].c)).name
                with pytest.raises(RaiseError, match="append-only"):
                    await administrator.execute(f'UPDATE {name} SET "{column}" = "{column}"')
                with pytest.raises(RaiseError, match="append-only"):
                    await administrator.execute(f"TRUNCATE {name} CASCADE")
                if name not in kept.forgotten:
                    with pytest.raises(RaiseError, match="append-only"):
                        await administrator.execute(f"DELETE FROM {name}")


@pytest.mark.parametrize("service", SERVICES)
async def test_of_a_fact_only_its_place_in_the_log_is_written_later(prepared: str, service: str):
    async with connected(prepared, login_of(service)) as connection:
        await connection.execute(f"UPDATE {service}.outbox_facts SET log_index = 1")
        for column in KEPT[service].metadata.tables["outbox_facts"].c:
            may = await connection.fetchval(
                "SELECT has_column_privilege($1, $2, 'UPDATE')", f"{service}.outbox_facts", column.name
            )  # fmt: skip
            assert may == (column.name == "log_index"), column.name
    async with connected(prepared) as administrator:
        await administrator.execute(f"SET search_path = {service}")
        for statement in ("UPDATE outbox_facts SET line = 'x'", "DELETE FROM outbox_facts", "TRUNCATE outbox_facts"):
            with pytest.raises(RaiseError, match="append-only"):
                await administrator.execute(statement)


async def test_of_a_contract_only_where_it_is_in_its_life_is_written_later(prepared: str):
    async with connected(prepared, login_of("trading")) as connection:
        for column in KEPT["trading"].metadata.tables["contracts"].c:
            may = await connection.fetchval(
                "SELECT has_column_privilege($1, $2, 'UPDATE')", "trading.contracts", column.name
            )  # fmt: skip
            assert may == (column.name in rights.CHANGING["contracts"]), column.name


async def test_nobody_logs_in_as_the_owner_and_no_log_in_can_raise_itself(prepared: str):
    async with connected(prepared) as administrator:
        found = await administrator.fetch(
            "SELECT rolname, rolcanlogin,"
            " rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS mighty"
            " FROM pg_roles WHERE rolname LIKE 'yaosu\\_%'"
        )
        assert {row["rolname"]: row["rolcanlogin"] for row in found} == dict.fromkeys(LOG_INS, True) | {OWNER: False}
        assert not any(row["mighty"] for row in found)
        members = await administrator.fetch(
            "SELECT member::regrole::text FROM pg_auth_members WHERE member::regrole::text LIKE 'yaosu\\_%'"
        )
        assert members == []
        owners = await administrator.fetch(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace::regnamespace::text = ANY($1)",
            list(SERVICES),
        )
        assert [row[0] for row in owners] == [OWNER]


async def test_the_regulator_reads_all_services_and_writes_nothing(prepared: str):
    await only_reads(prepared, REGULATOR, TABLES)


async def test_the_verifier_reads_the_log_alone_and_writes_nothing(prepared: str):
    await only_reads(prepared, VERIFIER, list(KEPT["audit"].metadata.sorted_tables))


async def only_reads(prepared: str, reader: str, readable: list[Table]) -> None:
    async with connected(prepared, reader) as connection, connected(prepared) as administrator:
        for service, kept in KEPT.items():
            for table in kept.metadata.sorted_tables:
                place = f"{service}.{table.name}"
                secret = table.name in rights.SECRET_TABLES
                found = {row[0] for row in await administrator.fetch(READABLE, reader, place)}
                shown = {column.name for column in table.c if column.name not in rights.SECRET_COLUMNS}
                if secret or table not in readable:
                    assert not found, place
                else:  # and what stands beside the definitions, as what the search looks words up in
                    assert found >= shown and not found & rights.SECRET_COLUMNS, place
                writing = [f"INSERT INTO {place} DEFAULT VALUES", f"DELETE FROM {place}", f"TRUNCATE {place} CASCADE"]
                assert await refused(connection, writing) == writing


async def test_a_password_is_known_by_its_verifier_alone_and_opens_one_log_in(prepared: str):
    async with connected(prepared) as administrator:
        [kept] = await administrator.fetch("SELECT rolpassword FROM pg_authid WHERE rolname = 'yaosu_trading'")
        method, iterations, salt = kept[0].replace(":", "$").split("$")[:3]
        assert (method, PASSWORD in kept[0]) == ("SCRAM-SHA-256", False)
        assert kept[0] == scram_verifier(PASSWORD, base64.b64decode(salt)) and iterations == "4096"


def test_the_verifier_of_a_password_is_that_of_rfc_7677():
    """The example of RFC 7677: user, pencil; the server's signature there follows from the server key."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    _, _, keys = scram_verifier("pencil", salt).split("$")
    stored, server = (base64.b64decode(part) for part in keys.split(":"))
    told = ("n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,"
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")  # fmt: skip
    assert (
        base64.b64encode(hmac.digest(server, told.encode(), "sha256"))
        == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(stored, told.encode(), "sha256")
    client = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    assert hashlib.sha256(client).digest() == stored


@pytest.mark.parametrize("password", ["密码密码", "a\nb", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_password_that_would_have_to_be_prepared_first_is_refused(password: str):
    with pytest.raises(ValueError, match="ASCII"):
        scram_verifier(password, b"salt")


async def test_a_password_for_a_log_in_that_there_is_not_is_refused(prepared: str):
    with pytest.raises(UnknownLogIn, match="yaosu_stray.*yaosu_identity"):
        roles.ensure(None, {"yaosu_stray": "x" * 32})  # pyright: ignore[reportArgumentType]


# --- what the code takes away, it has to be allowed to


DELETES = sorted(
    path for path in ROOT.glob("services/*/**/*.py") if "delete(" in path.read_text() and "/rules/" not in str(path)
)


def deleted_in(path: Path) -> list[Table]:
    """The tables that a module takes rows from, each by its name or one after the other."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    names, meant = list[str](), dict[str, list[str]]()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id="delete"), args=[ast.Name(id=name)]):
                names.append(name)
            case ast.For(target=ast.Name(id=name), iter=ast.Tuple(elts=elements)):
                meant[name] = [element.id for element in elements if isinstance(element, ast.Name)]
            case _:
                pass
    return [getattr(module, each) for name in names for each in meant.get(name, [name])]


@pytest.mark.parametrize("path", DELETES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_table_that_rows_are_taken_from_is_named(path: Path):
    service = path.relative_to(ROOT).parts[1]
    for table in deleted_in(path):
        assert table.name in KEPT[service].forgotten, f"{path} deletes from {table.name}: name it in FORGOTTEN"


def test_nothing_may_be_taken_away_that_no_code_takes_away():
    taken = {(path.relative_to(ROOT).parts[1], table.name) for path in DELETES for table in deleted_in(path)}
    taken.add(("identity", "outbox_disclosures"))  # by shared/disclosing.py
    taken |= {(service, "idempotency_answers") for service in KEPT}  # by shared/forgetting.py
    assert {(service, name) for service, kept in KEPT.items() for name in kept.forgotten} == taken
