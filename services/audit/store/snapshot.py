"""How maps of keys are kept: each can be made again from the entries."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_

from services.audit.rules.snapshot import Head, Lags, Snapshot, heads_of
from services.audit.rules.tile import Tile
from services.audit.store.rows import upsert
from services.audit.tables import entries, links, snapshot_tiles, snapshots
from shared.database import Transaction


async def heads_at(tx: Transaction, size: int, after_key: str, limit: int) -> list[Head]:
    """The heads of the next keys, in order, as the log's first `size` entries have them: the same at any time."""
    query = (
        select(links.c.key, func.max(links.c.log_index).label("last_index"), func.count().label("entry_count"))
        .where(links.c.key > after_key, links.c.log_index < size)
        .group_by(links.c.key)
        .order_by(links.c.key)
        .limit(limit)
    )
    return [Head(row.key, row.last_index, row.entry_count) for row in await tx.execute(query)]


async def heads_of_keys(tx: Transaction, size: int, keys: Sequence[str]) -> dict[str, Head]:
    """Of these keys, the heads of those that the log's first `size` entries have."""
    query = (
        select(links.c.key, func.max(links.c.log_index).label("last_index"), func.count().label("entry_count"))
        .where(links.c.key.in_(keys), links.c.log_index < size)
        .group_by(links.c.key)
    )
    return {row.key: Head(row.key, row.last_index, row.entry_count) for row in await tx.execute(query)}


async def newest_snapshot(tx: Transaction) -> Snapshot | None:
    row = (await tx.execute(select(*snapshots.c).order_by(snapshots.c.size.desc()).limit(1))).one_or_none()
    return _snapshot(row) if row else None


async def told_snapshot(tx: Transaction, size: int) -> tuple[Snapshot, int] | None:
    """The newest map whose root the log's first `size` entries tell, and the index of the entry that does."""
    query = (
        select(*snapshots.c, entries.c.log_index)
        .join(entries, entries.c.fact_id == snapshots.c.fact_id)
        .where(entries.c.log_index < size)
        .order_by(snapshots.c.size.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return (_snapshot(row), row.log_index) if row else None


async def add_snapshot(tx: Transaction, new: Snapshot) -> None:
    row = {"size": new.size, "root": new.root, "key_count": new.key_count, "lag_least_us": new.lags.least_us,
           "lag_most_us": new.lags.most_us, "fact_id": new.fact_id, "taken_at": new.taken_at}  # fmt: skip
    await tx.execute(insert(snapshots), [row])


async def drop_snapshots_but(tx: Transaction, kept: Iterable[int]) -> None:
    """Forget every other map: each can be made again from the entries."""
    sizes = list(kept)
    for table in (snapshots, snapshot_tiles):
        await tx.execute(delete(table).where(table.c.size.not_in(sizes)))


async def save_snapshot_tiles(tx: Transaction, size: int, changed: Mapping[Tile, bytes]) -> None:
    """Requires heads, in order, in the tiles of level 0."""
    rows = [
        {"size": size, "level": each.level, "tile_index": each.index, "content": content,
         "first_key": heads_of(content)[0].key if each.level == 0 else None}
        for each, content in changed.items()
    ]  # fmt: skip
    await upsert(tx, snapshot_tiles, rows)


async def snapshot_tile_contents(
    tx: Transaction, size: int, wanted: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """The tiles of a map at these levels and indexes."""
    places = tuple_(snapshot_tiles.c.level, snapshot_tiles.c.tile_index).in_(list(wanted))
    columns = (snapshot_tiles.c.level, snapshot_tiles.c.tile_index, snapshot_tiles.c.content)
    rows = await tx.execute(select(*columns).where(snapshot_tiles.c.size == size, places))
    return {(row.level, row.tile_index): row.content for row in rows}


async def snapshot_tile_before(tx: Transaction, size: int, key: str) -> int:
    """The last tile of heads that does not begin beyond the key; the first if all do."""
    here = (snapshot_tiles.c.size == size, snapshot_tiles.c.level == 0, snapshot_tiles.c.first_key <= key)
    return await tx.scalar(select(func.max(snapshot_tiles.c.tile_index)).where(*here)) or 0


def _snapshot(row: Any) -> Snapshot:
    lags = Lags(row.lag_least_us, row.lag_most_us)
    return Snapshot(row.size, row.root, row.key_count, lags, row.fact_id, row.taken_at)
