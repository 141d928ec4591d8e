"""How the log is kept.

Promises: the log's row moves only from the size and epoch that were read; an index, and a number of a stripe, is taken
once; everything else in these tables can be computed again from the leaves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, delete, func, insert, select, tuple_, update

from services.audit.rules import tile as tile_rules
from services.audit.rules.entry import BackLink, SourceHead
from services.audit.rules.tile import Tile, Unfinished
from services.audit.rules.tree import EMPTY_ROOT
from services.audit.tables import (
    checkpoints,
    entries,
    evidence,
    key_heads,
    links,
    log,
    prunings,
    source_heads,
    tiles,
)
from shared.database import Transaction, for_update, insert_into
from shared.errors import Conflict
from shared.ids import EvidenceId, FactId, LeaseId

KEYS_PER_QUERY = 5_000  # both databases take about 32 000 parameters


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
    link_secret: bytes


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A leaf and what it was filed under."""

    index: int
    leaf: bytes
    service: str
    stripe: int
    seq: int
    chain_hash: bytes
    fact_id: FactId


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    size: int
    note: bytes
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A batch that contradicts the log, as it was sent."""

    id: EvidenceId
    service: str
    stripe: int
    seq: int
    known_hash: bytes
    sent_hash: bytes
    first_seq: int
    previous: bytes
    lines: bytes
    received_at: datetime


# --- the log's head


async def ensure_log(tx: Transaction, link_secret: bytes) -> None:
    """Begin an empty log if there is none; the secret of an existing one stays."""
    row = {"number": 1, "size": 0, "root": EMPTY_ROOT, "last_its": 0, "epoch": 0, "link_secret": link_secret}
    await tx.execute(insert_into(tx, log).on_conflict_do_nothing(), [row])


async def head(tx: Transaction) -> Log:
    return _log(await tx.execute(_log_query()))


async def head_for_update(tx: Transaction) -> Log:
    return _log(await tx.execute(for_update(_log_query(), tx)))


async def move_head(tx: Transaction, old: Log, new: Log) -> None:
    """Requires that the row is still as it was read."""
    as_read = (log.c.number == 1, log.c.size == old.size, log.c.epoch == old.epoch)
    values = {"size": new.size, "root": new.root, "last_its": new.last_its, "epoch": new.epoch,
              "holder": new.holder, "leased_until": new.leased_until}  # fmt: skip
    if (await tx.execute(update(log).where(*as_read).values(values))).rowcount != 1:
        raise LogMoved()


# --- entries


async def add_entries(tx: Transaction, new: Sequence[StoredEntry], keys: Sequence[tuple[str, int]]) -> None:
    """The entries, and under which keys they can be found."""
    rows = [
        {"log_index": each.index, "leaf": each.leaf, "service": each.service, "stripe": each.stripe, "seq": each.seq,
         "chain_hash": each.chain_hash, "fact_id": each.fact_id}
        for each in new
    ]  # fmt: skip
    await tx.execute(insert(entries), rows)
    await tx.execute(insert(links), [{"key": key, "log_index": index} for key, index in keys])


async def entries_between(tx: Transaction, first: int, last: int) -> list[StoredEntry]:
    """Entries `first` to `last` (exclusive), in order."""
    query = (
        select(*entries.c).where(entries.c.log_index >= first, entries.c.log_index < last).order_by(entries.c.log_index)
    )
    return _entries(await tx.execute(query))


async def entries_at(tx: Transaction, indexes: Iterable[int]) -> list[StoredEntry]:
    some, found = sorted(set(indexes)), list[StoredEntry]()
    for start in range(0, len(some), KEYS_PER_QUERY):
        here = entries.c.log_index.in_(some[start : start + KEYS_PER_QUERY])
        found += _entries(await tx.execute(select(*entries.c).where(here).order_by(entries.c.log_index)))
    return found


async def find_entries(
    tx: Transaction, filed_under: Iterable[frozenset[str]], fact_id: FactId | None, indexes: range, limit: int,
    but_not_of: str | None = None,
) -> list[StoredEntry]:  # fmt: skip
    """The first entries, in order, of these indexes that are filed under a key of each of the sets."""
    query = select(*entries.c).where(entries.c.log_index.between(indexes.start, indexes.stop - 1))
    if but_not_of is not None:
        query = query.where(entries.c.service != but_not_of)
    for keys in filed_under:
        filed = links.c.log_index.between(indexes.start, indexes.stop - 1)
        query = query.where(entries.c.log_index.in_(select(links.c.log_index).where(links.c.key.in_(keys), filed)))
    if fact_id is not None:
        query = query.where(entries.c.fact_id == fact_id)
    return _entries(await tx.execute(query.order_by(entries.c.log_index).limit(limit)))


async def places_of(
    tx: Transaction, service: str, stripe: int, first_seq: int, last_seq: int
) -> list[tuple[int, bytes]]:
    """For each number that the log has of a stripe, its index and the chain's hash after it."""
    here = (entries.c.service == service, entries.c.stripe == stripe, entries.c.seq.between(first_seq, last_seq))
    rows = await tx.execute(select(entries.c.log_index, entries.c.chain_hash).where(*here).order_by(entries.c.seq))
    return [(row.log_index, row.chain_hash) for row in rows]


# --- pruning


async def minimum_index(tx: Transaction) -> int:
    """From which index on the entries are kept."""
    return await tx.scalar(select(func.max(prunings.c.minimum_index))) or 0


async def prune(tx: Transaction, minimum_index: int, policy_id: str, now: datetime) -> None:
    """Drop the entries below an index; their hashes stay. The database lets go of none that were not pruned so."""
    row = {"minimum_index": minimum_index, "policy_id": policy_id, "pruned_at": now}
    await tx.execute(insert(prunings), [row])
    for table in (links, entries):
        await tx.execute(delete(table).where(table.c.log_index < minimum_index))


# --- heads of sources and of keys


async def source_head(tx: Transaction, service: str, stripe: int) -> SourceHead:
    here = (source_heads.c.service == service, source_heads.c.stripe == stripe)
    row = (await tx.execute(select(source_heads.c.seq, source_heads.c.hash).where(*here))).one_or_none()
    return SourceHead(service, stripe, row.seq, row.hash) if row else SourceHead(service, stripe)


async def save_source_heads(tx: Transaction, heads: Iterable[SourceHead]) -> None:
    rows = [{"service": each.service, "stripe": each.stripe, "seq": each.seq, "hash": each.hash} for each in heads]
    await _upsert(tx, source_heads, rows)


async def key_heads_of(tx: Transaction, keys: Sequence[str]) -> dict[str, BackLink]:
    """For each key that is known, where the next entry about its subject must point."""
    found: dict[str, BackLink] = {}
    for start in range(0, len(keys), KEYS_PER_QUERY):
        some = keys[start : start + KEYS_PER_QUERY]
        for row in await tx.execute(select(*key_heads.c).where(key_heads.c.key.in_(some))):
            found[row.key] = BackLink(row.key, row.last_index, row.entry_count)
    return found


async def save_key_heads(tx: Transaction, newest: Iterable[BackLink]) -> None:
    rows = [{"key": each.key, "last_index": each.previous_index, "entry_count": each.count} for each in newest]
    await _upsert(tx, key_heads, rows)


# --- tiles


async def save_tiles(tx: Transaction, changed: dict[Tile, bytes]) -> None:
    rows = [{"level": each.level, "tile_index": each.index, "hashes": hashes} for each, hashes in changed.items()]
    await _upsert(tx, tiles, rows)


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


# --- checkpoints and evidence


async def newest_checkpoint(tx: Transaction) -> SignedCheckpoint | None:
    rows = await tx.execute(select(*checkpoints.c).order_by(checkpoints.c.size.desc()).limit(1))
    row = rows.one_or_none()
    return SignedCheckpoint(row.size, row.note, row.signed_at) if row else None


async def checkpoint_sizes(tx: Transaction, size_max: int) -> list[int]:
    query = select(checkpoints.c.size).where(checkpoints.c.size <= size_max).order_by(checkpoints.c.size)
    return list(await tx.scalars(query))


async def checkpoint_note(tx: Transaction, size: int) -> bytes | None:
    return await tx.scalar(select(checkpoints.c.note).where(checkpoints.c.size == size))


async def add_checkpoint(tx: Transaction, signed: SignedCheckpoint) -> None:
    """Requires a size beyond the newest checkpoint's, and the log's row locked since that was known."""
    row = {"size": signed.size, "note": signed.note, "signed_at": signed.signed_at}
    await tx.execute(insert(checkpoints), [row])


async def first_checkpoint_with(tx: Transaction, fact_id: FactId) -> SignedCheckpoint | None:
    """The first checkpoint that covers the entry of a fact."""
    index = select(entries.c.log_index).where(entries.c.fact_id == fact_id).scalar_subquery()
    query = select(*checkpoints.c).where(checkpoints.c.size > index).order_by(checkpoints.c.size).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return SignedCheckpoint(row.size, row.note, row.signed_at) if row else None


async def add_evidence(tx: Transaction, found: Evidence) -> bool:
    """False if the same contradiction is on file already."""
    row = {column.name: getattr(found, column.name) for column in evidence.c}
    return (await tx.execute(insert_into(tx, evidence).values(row).on_conflict_do_nothing())).rowcount == 1


def _log_query() -> Select[Any]:
    return select(*log.c).where(log.c.number == 1)


def _log(rows: Any) -> Log:
    row = rows.one()
    return Log(row.size, row.root, row.last_its, row.epoch, row.holder, row.leased_until, row.link_secret)


def _entries(rows: Iterable[Any]) -> list[StoredEntry]:
    return [
        StoredEntry(row.log_index, row.leaf, row.service, row.stripe, row.seq, row.chain_hash, row.fact_id)
        for row in rows
    ]


async def _upsert(tx: Transaction, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert_into(tx, table)
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
