"""Which contents some row names. Every table of `delivery` that has such a column is asked."""

from collections.abc import Collection

from sqlalchemy import Column, select, union_all

from services.delivery.tables.whole import metadata
from shared.database import IdOf, Transaction
from shared.ids import ContentId


async def named(tx: Transaction, contents: Collection[ContentId]) -> set[ContentId]:
    """Those of the contents that are named. Requires some hundreds at most."""
    asked = (select(column).where(column.in_(contents)) for column in _naming())
    return {row[0] for row in await tx.execute(union_all(*asked))}


async def kept_contents(tx: Transaction) -> list[tuple[ContentId, int, str]]:
    """Every content that is named, with its bytes and its SHA-256, each once."""
    found = dict[ContentId, tuple[ContentId, int, str]]()
    for column in _naming():
        table = column.table
        of_content = select(column, table.c.bytes, table.c.content_hash).where(column.is_not(None))
        found |= {row[0]: (row[0], row[1], row[2]) for row in await tx.execute(of_content)}
    return [found[content_id] for content_id in sorted(found)]


def _naming() -> list[Column[ContentId]]:
    return [
        column
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, IdOf) and column.type.kind is ContentId
    ]
