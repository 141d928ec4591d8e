"""What every store of the log does alike."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Dialect, Table

from shared.database import Transaction, insert_into

KEYS_PER_QUERY = 5_000  # both databases take about 32 000 parameters


async def add_rows(tx: Transaction, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """New rows, by the driver's own means: thousands at a time, where each value's way through SQLAlchemy would cost
    more than the database. Requires a value for each column, in order, as the driver takes it."""
    if not rows:
        return
    statement = _insertion(table, tx.dialect.name, tx.dialect)
    columns = rows if tx.dialect.name == "sqlite" else tuple(zip(*rows, strict=True))
    await tx.exec_driver_sql(statement, columns)  # pyright: ignore[reportArgumentType]


@cache
def _insertion(table: Table, dialect_name: str, dialect: Dialect) -> str:
    """A statement that takes a row, or on PostgreSQL a list for each column."""
    names = ", ".join(table.c.keys())
    if dialect_name == "sqlite":
        return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.c))})"
    kinds = [column.type.compile(dialect) for column in table.c]
    lists = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(kinds, 1))
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({lists})"


async def upsert(tx: Transaction, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert_into(tx, table)
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
