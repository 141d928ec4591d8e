"""Which revision the tables of a service are at, and which this code knows, told without loading what migrates them.

Requires that a revision's file begins with its number, and that the numbers of a service are one line.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from shared.database import Database

HERE = Path(__file__).parent


class SchemaDiffers(RuntimeError):
    """The database's tables are not those that this code was written for."""


def revision_known(service: str) -> str:
    """The newest revision that this code has."""
    return max(path.stem.partition("_")[0] for path in (HERE / service / "versions").glob("[0-9]*.py"))


async def revision_of(database: Database) -> str | None:
    """The revision of the tables; None if they were never migrated."""
    async with database.transaction() as tx:
        return await tx.run_sync(_told)


async def is_reached(database: Database) -> bool:
    return await revision_of(database) == revision_known(database.schema)


async def require(database: Database) -> None:
    """Raises SchemaDiffers unless the tables are at the newest revision that this code knows."""
    known, found = revision_known(database.schema), await revision_of(database)
    if found != known:
        raise SchemaDiffers(
            f"{database.schema}: the database is at revision {found}, this code at {known}. Run `yaosu migrate` if the "
            "code is the newer of the two, or deploy the code that the database was migrated for."
        )


def _told(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))
