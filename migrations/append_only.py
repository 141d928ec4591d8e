"""Tables whose rows are never changed or taken away, by whoever asks: the database itself refuses.

This stops accidents, not the owner of the database: what shows his hand is the log, and whoever holds its checkpoints.
"""

from alembic import op

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
