"""How the log's head, its tree and its beginning are kept.

Promises: the log's row moves only from the size and epoch that were read; tiles can be computed again from the leaves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_

from services.audit.rules import tile as tile_rules
from services.audit.rules.tile import Tile, Unfinished
from services.audit.rules.tree import EMPTY_ROOT
from services.audit.tables import entries, log, prunings, tiles
from shared.database import Transaction, insert_into
from shared.errors import Conflict
from shared.ids import LeaseId
from shared.turn import Changed, Put, write_all

_head = select(*log.c).where(log.c.number == 1)
_locked_head = _head.with_for_update()


class LogMoved(Conflict):
    """Another process wrote to the log at the same time."""


@dataclass(frozen=True, slots=True)
class Log:
    """The log's row: how far it reaches, and who may let it grow until when."""

    size: int
    root: bytes
    last_its: int
    epoch: int
    holder: LeaseId | None
    leased_until: datetime | None
    link_secret: bytes = field(repr=False)


async def ensure_log(tx: Transaction, link_secret: bytes) -> None:
    """Begin an empty log if there is none; the secret of an existing one stays."""
    row = {"number": 1, "size": 0, "root": EMPTY_ROOT, "last_its": 0, "epoch": 0, "link_secret": link_secret}
    await tx.execute(insert_into(tx, log).on_conflict_do_nothing(), [row])


async def head(tx: Transaction) -> Log:
    return _log(await tx.execute(_head))


async def has_begun(tx: Transaction) -> bool:
    """Whether there is a log: not before its first entry was asked for."""
    return await tx.scalar(select(log.c.number)) is not None


async def head_for_update(tx: Transaction) -> Log:
    return _log(await tx.execute(_head if tx.dialect.name == "sqlite" else _locked_head))


async def move_head(tx: Transaction, old: Log, new: Log, *beside: Put) -> None:
    """Requires that the row is still as it was read. What follows from the leaves goes beside it, in the same turn."""
    as_read = {"number": 1, "size": old.size, "epoch": old.epoch}
    values = {"size": new.size, "root": new.root, "last_its": new.last_its, "epoch": new.epoch,
              "holder": new.holder, "leased_until": new.leased_until}  # fmt: skip
    *_, moved = await write_all(tx, *(each for each in beside if each.rows), Changed(log, values, as_read))
    if moved != 1:
        raise LogMoved()


async def minimum_index(tx: Transaction) -> int:
    """From which index on the entries are kept."""
    return await tx.scalar(select(func.max(prunings.c.minimum_index))) or 0


async def prune(tx: Transaction, minimum_index: int, policy_id: str, now: datetime) -> None:
    """Drop the entries below an index. Their hashes stay, and their links: from these the maps of keys are made.

    The database lets go of no entries that were not pruned so.
    """
    row = {"minimum_index": minimum_index, "policy_id": policy_id, "pruned_at": now}
    await tx.execute(insert(prunings), [row])
    await tx.execute(delete(entries).where(entries.c.log_index < minimum_index))


def of_tiles(changed: dict[Tile, bytes]) -> Put:
    return Put(tiles, [(each.level, each.index, hashes) for each, hashes in changed.items()])


async def tile_hashes(tx: Transaction, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The tiles at these levels and indexes, as wide as they are now."""
    places = tuple_(tiles.c.level, tiles.c.tile_index).in_(list(wanted))
    rows = await tx.execute(select(tiles.c.level, tiles.c.tile_index, tiles.c.hashes).where(places))
    return {(row.level, row.tile_index): row.hashes for row in rows}


async def unfinished_at(tx: Transaction, size: int) -> Unfinished:
    """The unfinished tiles as they were at a size that the log has reached: a tile only ever gets wider."""
    wanted = tile_rules.unfinished_tiles(size)
    found = await tile_hashes(tx, [(each.level, each.index) for each in wanted if each])
    levels = [
        tile_rules.hashes_of(found[each.level, each.index])[: each.width] if each else () for each in wanted
    ]  # fmt: skip
    return Unfinished(size, tuple(levels))


def _log(rows: Any) -> Log:
    row = rows.one()
    return Log(row.size, row.root, row.last_its, row.epoch, row.holder, row.leased_until, row.link_secret)
