"""What every store of the log does alike."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Table

from shared.database import Transaction, insert_into

KEYS_PER_QUERY = 5_000  # both databases take about 32 000 parameters


async def upsert(tx: Transaction, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert_into(tx, table)
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
