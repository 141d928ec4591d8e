"""What the stores of files share: a row that changed since it was read is not saved; pages."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVarTuple

from sqlalchemy import Column, Select, Table, true, update

from services.catalog.store.entries import ChangedMeanwhile
from shared.database import Transaction
from shared.ids import Id

DUE_MAX = 100
Columns = TypeVarTuple("Columns")


class Revised(Protocol):
    @property
    def id(self) -> Id: ...

    @property
    def revision(self) -> int: ...


async def save(tx: Transaction, table: Table, kept: Revised, row: Mapping[str, object]) -> None:
    """Requires that one act, and so one revision, lies between what was read and what is saved."""
    as_read = (table.c.id == kept.id, table.c.revision == kept.revision - 1)
    if (await tx.execute(update(table).where(*as_read).values(dict(row)))).rowcount != 1:
        raise ChangedMeanwhile()


def newest_first(
    query: Select[*Columns], column: Column[Any], before: str | None, limit: int
) -> Select[*Columns]:  # fmt: skip
    """Ids sort by age."""
    older = column < before if before else true()
    return query.where(older).order_by(column.desc()).limit(limit)
