"""Tables whose rows are never changed or taken away, by whoever asks: the database itself refuses.

This stops accidents, not the owner of the database: what shows his hand is the log, and whoever holds its checkpoints.
"""

from alembic import op
from sqlalchemy import inspect

SQLITE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} BEGIN
    SELECT RAISE(ABORT, '{table} is append-only');
END
"""
FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""
POSTGRESQL = "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} EXECUTE FUNCTION refuse_change()"


def protect(*tables: str) -> None:
    """Refuse UPDATE and DELETE on the tables from now on, and TRUNCATE where there is one."""
    if op.get_bind().dialect.name == "sqlite":
        for table in tables:
            for verb in ("UPDATE", "DELETE"):
                op.execute(SQLITE.format(table=table, verb=verb))
        return
    op.execute(FUNCTION)
    for table in tables:
        for verb in ("UPDATE", "DELETE", "TRUNCATE"):
            op.execute(POSTGRESQL.format(table=table, verb=verb))


SQLITE_BUT = """
CREATE TRIGGER {table}_no_UPDATE BEFORE UPDATE OF {columns} ON {table} BEGIN
    SELECT RAISE(ABORT, '{table} is append-only');
END
"""
POSTGRESQL_BUT = (
    "CREATE TRIGGER {table}_no_UPDATE BEFORE UPDATE OF {columns} ON {table} EXECUTE FUNCTION refuse_change()"
)


def let_change(table: str, *columns: str) -> None:
    """Of a protected table, let UPDATE change these columns, and no others."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    others = ", ".join(
        column["name"] for column in inspect(connection).get_columns(table) if column["name"] not in columns
    )
    op.execute(f"DROP TRIGGER {table}_no_UPDATE" + ("" if is_sqlite else f" ON {table}"))
    op.execute((SQLITE_BUT if is_sqlite else POSTGRESQL_BUT).format(table=table, columns=others))


SQLITE_ONCE = """
CREATE TRIGGER {table}_keeps_{column} BEFORE UPDATE OF {column} ON {table}
WHEN OLD.{column} IS NOT NULL AND NEW.{column} IS NOT OLD.{column} BEGIN
    SELECT RAISE(ABORT, '{table} is append-only');
END
"""
POSTGRESQL_ONCE = """
CREATE TRIGGER {table}_keeps_{column} BEFORE UPDATE OF {column} ON {table} FOR EACH ROW
WHEN (OLD.{column} IS NOT NULL AND NEW.{column} IS DISTINCT FROM OLD.{column}) EXECUTE FUNCTION refuse_change()
"""


def write_once(table: str, *columns: str) -> None:
    """Of a protected table, let UPDATE fill these columns where they are empty, and never change what they hold."""
    statement = SQLITE_ONCE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_ONCE
    for column in columns:
        op.execute(statement.format(table=table, column=column))


SQLITE_BELOW = """
CREATE TRIGGER {table}_no_DELETE BEFORE DELETE ON {table}
WHEN OLD.log_index >= (SELECT COALESCE(MAX(minimum_index), 0) FROM prunings) BEGIN
    SELECT RAISE(ABORT, '{table} is append-only');
END
"""
FUNCTION_BELOW = """
CREATE OR REPLACE FUNCTION refuse_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM gone WHERE log_index >= (SELECT COALESCE(MAX(minimum_index), 0) FROM prunings)) THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$
"""
POSTGRESQL_BELOW = """
CREATE TRIGGER {table}_no_DELETE AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone EXECUTE FUNCTION refuse_kept()
"""


def let_go_below(*tables: str) -> None:
    """Of protected tables, let DELETE take rows below the `minimum_index` that `prunings` has, and no others."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute(FUNCTION_BELOW)
    for table in tables:
        op.execute(f"DROP TRIGGER {table}_no_DELETE" + ("" if is_sqlite else f" ON {table}"))
        op.execute((SQLITE_BELOW if is_sqlite else POSTGRESQL_BELOW).format(table=table))
