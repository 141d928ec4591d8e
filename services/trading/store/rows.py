"""What the stores of deals share: a row that changed since it was read is not saved; pages in one stable order."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Column, ColumnElement, Select, Table, Update, bindparam, insert, update

from shared.database import Transaction
from shared.errors import Conflict
from shared.ids import Id
from shared.money import Money
from shared.web import BadCursor, Page

AnyId = TypeVar("AnyId", bound=Id)


class ChangedMeanwhile(Conflict):
    """Someone else changed this at the same time; look again."""


class Revised(Protocol):
    @property
    def id(self) -> Id: ...

    @property
    def revision(self) -> int: ...


async def add(tx: Transaction, table: Table, row: Mapping[str, object]) -> None:
    await tx.execute(insert(table), row)


async def save(tx: Transaction, table: Table, kept: Revised, row: Mapping[str, object], acts: int = 1) -> None:
    """Requires that so many acts, each a revision, lie between what was read and what is saved."""
    as_read = {"kept_id": kept.id, "kept_revision": kept.revision - acts}
    if (await tx.execute(_saving(table), {**row, **as_read})).rowcount != 1:
        raise ChangedMeanwhile()


@cache
def _saving(table: Table) -> Update:
    """Sets whatever columns it is given."""
    as_read = (table.c.id == bindparam("kept_id"), table.c.revision == bindparam("kept_revision"))
    return update(table).where(*as_read)


def newest_first(query: Select[Any], column: Column[Any], kind: type[AnyId], page: Page) -> Select[Any]:
    """One more than the page's limit, so that the end is known. Ids sort by age."""
    if (after := page.after_id(kind)) is not None:
        query = query.where(column < after)
    return query.order_by(column.desc()).limit(page.limit + 1)


def whose(buyer: Column[Any], provider: Column[Any], party_id: Id | None) -> list[ColumnElement[bool]]:
    """The condition that a party's own is looked for. None looks for everyone's."""
    return [] if party_id is None else [(buyer == party_id) | (provider == party_id)]


def sequence_after(page: Page) -> int | None:
    """The number that a page of numbered things starts after. Raises BadCursor."""
    if page.after is None:
        return None
    if not page.after.isascii() or not page.after.isdigit() or len(page.after) > 9:
        raise BadCursor()
    return int(page.after)


def money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def told(value: object) -> Any:
    """A value as JSON columns keep it."""
    return _writer(type(value)).dump_python(value, mode="json")


def names(kept: list[str] | None) -> tuple[str, ...] | None:
    return None if kept is None else tuple(kept)


@cache
def _writer(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
