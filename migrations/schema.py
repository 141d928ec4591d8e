"""The tables of each service as its migrations leave them: bringing them up, and telling whether they are right.

Promises: each service has its own folder of revisions and its own version table, in its own file or schema; a database
that is older or newer than the code is refused with the way out.
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.schema import CreateSchema

from migrations import rights, roles, version
from migrations.patience import Patience, patiently
from shared import tenancy
from shared.database import Database
from shared.idempotency import answers_table
from shared.outbox import receipts_table

HERE = Path(__file__).parent
PATIENT = Patience()
PARTITIONS = """
SELECT whole.relname AS whole, part.relname AS part FROM pg_inherits
JOIN pg_class AS whole ON whole.oid = inhparent JOIN pg_class AS part ON part.oid = inhrelid
WHERE whole.relnamespace = current_schema()::regnamespace AND whole.relkind = 'p'
"""
SHADOWS = ("data", "idx", "content", "docsize", "config")  # what SQLite keeps an FTS5 table in
Result = TypeVar("Result")


async def upgrade(database: Database, to: str = "head", patience: Patience = PATIENT) -> None:
    """Bring the service's tables to the newest revision, or to a named one, and their rights to what is declared.

    In one transaction, on PostgreSQL as the owner where there is one, and under no organisation's row-level security.
    Several may do this at once, and with the old code serving. Raises Blocked, TooSlow or PostgresTooOld.
    """
    with tenancy.for_everyone():
        if database.is_sqlite:
            async with database.rewriting() as tx:
                await tx.run_sync(lambda connection: command.upgrade(_config(database.schema, connection), to))
        else:
            await version.require_known(database)
            await patiently(database, patience, lambda tx: tx.run_sync(_upgrade, database.schema, to))


def _upgrade(connection: Connection, service: str, to: str) -> None:
    roles.become_owner(connection)
    connection.execute(CreateSchema(service, if_not_exists=True))
    command.upgrade(_config(service, connection), to)
    if to == "head":
        rights.apply(connection, kept_of(service))


async def drift(database: Database) -> list[str]:
    """What the migrated tables lack or have too much, compared with the code's. Requires that they are migrated.

    Which partitions a table has, and what is unique in it once it has some, is the operator's (docs/scaling.md).
    """

    def compare(connection: Connection) -> list[str]:
        metadata, is_compared = metadata_of(database.schema), compared(metadata_of(database.schema))
        split, parts = _partitioned(connection)

        def include(name: str | None, kind: str, parents: Mapping[Any, str | None]) -> bool:
            return is_compared(name, kind, parents) and not (kind == "table" and name in parts)

        def include_object(item: Any, _: str | None, kind: str, __: bool, ___: Any) -> bool:
            unique = kind == "unique_constraint" or (kind == "index" and item.unique)
            return not (unique and item.table.name in split)

        opts = {"compare_type": False, "include_name": include, "include_object": include_object}
        context = MigrationContext.configure(connection, opts=opts)
        return [str(difference) for difference in compare_metadata(context, metadata)]

    return await _run(database, compare)


async def write_revision(database: Database, message: str) -> None:
    """Write the next revision of a service from the difference between its code and a migrated database."""

    folder = HERE / database.schema / "versions"

    def write(connection: Connection) -> None:
        config = _config(database.schema, connection)
        number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}", version_path=str(folder))

    folder.mkdir(parents=True, exist_ok=True)
    await _run(database, write)


def metadata_of(service: str) -> MetaData:
    """The tables of a service."""
    return _room(service).metadata


def kept_of(service: str) -> rights.Kept:
    """The tables of a service, and how they are kept."""
    room = _room(service)
    never_changed = frozenset(table.name for table in (*room.APPEND_ONLY, receipts_table))
    forgotten = frozenset(table.name for table in (*room.FORGOTTEN, answers_table))
    return rights.Kept(service, room.metadata, never_changed, forgotten)


def _room(service: str) -> Any:
    """The room `tables` of a service: a file, or a folder whose `whole.py` has them all."""
    room = importlib.import_module(f"services.{service}.tables")
    return room if room.__file__ else importlib.import_module(f"services.{service}.tables.whole")


def compared(metadata: MetaData) -> Callable[[str | None, str, Mapping[Any, str | None]], bool]:
    """Whether something that a database has is to be found in the code as well.

    What `metadata.info["beside"]` names stands beside the definitions, because one of the two databases alone has it: a
    virtual table of SQLite with the tables that it is kept in, a `table.column`, or an index.
    """
    beside: frozenset[str] = metadata.info.get("beside", frozenset())

    def include(name: str | None, kind: str, parents: Mapping[Any, str | None]) -> bool:
        full = f"{parents.get('table_name')}.{name}" if kind == "column" else str(name)
        shadow = kind == "table" and any(full == f"{table}_{part}" for table in beside for part in SHADOWS)
        return full not in beside and not shadow

    return include


def _partitioned(connection: Connection) -> tuple[set[str], set[str]]:
    """The tables that have partitions, and the partitions."""
    if connection.dialect.name == "sqlite":
        return set(), set()
    found = connection.execute(text(PARTITIONS)).all()
    return {row.whole for row in found}, {row.part for row in found}


def _config(service: str, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", str(HERE / service / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, metadata=metadata_of(service))
    return config


async def _run(database: Database, work: Callable[[Connection], Result]) -> Result:
    async with database.transaction() as tx:
        return await tx.run_sync(work)
