"""How the log is kept.

Promises: the log's row moves only from the size and epoch that were read; an index, and a number of a stripe, is taken
once; everything else in these tables can be computed again from the leaves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, and_, delete, func, insert, select, tuple_, update

from services.audit.rules import tile as tile_rules
from services.audit.rules.cosignature import Cosignature
from services.audit.rules.entry import BackLink, SourceHead
from services.audit.rules.snapshot import Head, Lags, Snapshot, heads_of
from services.audit.rules.tile import Tile, Unfinished
from services.audit.rules.tree import EMPTY_ROOT
from services.audit.tables import (
    checkpoints,
    cosignatures,
    entries,
    evidence,
    key_heads,
    links,
    log,
    prunings,
    snapshot_tiles,
    snapshots,
    source_heads,
    tiles,
    witnessed,
)  # fmt: skip
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


async def count_filed(tx: Transaction, keys: Iterable[str], size: int) -> int:
    """How many of the log's first `size` entries are filed under any of the keys."""
    here = (links.c.key.in_(list(keys)), links.c.log_index < size)
    return await tx.scalar(select(func.count(func.distinct(links.c.log_index))).where(*here)) or 0


async def entries_of_source(
    tx: Transaction, service: str, stripe: int, seqs: range, indexes: range, limit: int
) -> list[StoredEntry]:
    """The first entries, in order, with these numbers of a stripe and these indexes."""
    here = (entries.c.service == service, entries.c.stripe == stripe)
    numbered = (entries.c.seq >= seqs.start, entries.c.seq < seqs.stop)
    placed = (entries.c.log_index >= indexes.start, entries.c.log_index < indexes.stop)
    query = select(*entries.c).where(*here, *numbered, *placed).order_by(entries.c.log_index).limit(limit)
    return _entries(await tx.execute(query))


async def place_of_fact(tx: Transaction, service: str, fact_id: FactId) -> int | None:
    """The index of a service's own fact."""
    here = (entries.c.fact_id == fact_id, entries.c.service == service)
    return await tx.scalar(select(func.min(entries.c.log_index)).where(*here))


async def newest_seq(tx: Transaction, service: str, stripe: int, size: int) -> int:
    """The last number that the log's first `size` entries have of a stripe; 0 if none."""
    here = (entries.c.service == service, entries.c.stripe == stripe, entries.c.log_index < size)
    return await tx.scalar(select(func.max(entries.c.seq)).where(*here)) or 0


async def places_of(
    tx: Transaction, service: str, stripe: int, first_seq: int, last_seq: int
) -> list[tuple[int, bytes]]:
    """For each number that the log has of a stripe, its index and the chain's hash after it."""
    here = (entries.c.service == service, entries.c.stripe == stripe, entries.c.seq.between(first_seq, last_seq))
    rows = await tx.execute(select(entries.c.log_index, entries.c.chain_hash).where(*here).order_by(entries.c.seq))
    return [(row.log_index, row.chain_hash) for row in rows]


async def ids_between(tx: Transaction, service: str, stripe: int, first_seq: int, last_seq: int) -> list[FactId]:
    """The facts that the log has of a stripe under these numbers, in order."""
    here = (entries.c.service == service, entries.c.stripe == stripe, entries.c.seq.between(first_seq, last_seq))
    return list(await tx.scalars(select(entries.c.fact_id).where(*here).order_by(entries.c.seq)))


# --- pruning


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


# --- heads of sources and of keys


async def source_head(tx: Transaction, service: str, stripe: int) -> SourceHead:
    here = (source_heads.c.service == service, source_heads.c.stripe == stripe)
    row = (await tx.execute(select(source_heads.c.seq, source_heads.c.hash).where(*here))).one_or_none()
    return SourceHead(service, stripe, row.seq, row.hash) if row else SourceHead(service, stripe)


async def last_entries(tx: Transaction) -> list[StoredEntry]:
    """The last entry of every stripe."""
    here = (entries.c.service, entries.c.stripe, entries.c.seq)
    last = (source_heads.c.service, source_heads.c.stripe, source_heads.c.seq)
    is_last = and_(*(ours == theirs for ours, theirs in zip(here, last, strict=True)))
    return _entries(await tx.execute(select(*entries.c).join(source_heads, is_last)))


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


async def checkpoints_between(tx: Transaction, after_size: int, size: int) -> list[SignedCheckpoint]:
    """Those beyond the one size and up to the other, in order."""
    here = (checkpoints.c.size > after_size, checkpoints.c.size <= size)
    rows = await tx.execute(select(*checkpoints.c).where(*here).order_by(checkpoints.c.size))
    return [SignedCheckpoint(row.size, row.note, row.signed_at) for row in rows]


async def checkpoint_sizes(tx: Transaction, size_max: int) -> list[int]:
    query = select(checkpoints.c.size).where(checkpoints.c.size <= size_max).order_by(checkpoints.c.size)
    return list(await tx.scalars(query))


async def checkpoint_note(tx: Transaction, size: int) -> bytes | None:
    """The checkpoint of this size, with the newest word of each witness below it."""
    note = await tx.scalar(select(checkpoints.c.note).where(checkpoints.c.size == size))
    newest_last = cosignatures.c.witness, cosignatures.c.time
    words = select(cosignatures.c.witness, cosignatures.c.line).where(cosignatures.c.size == size)
    lines = {row.witness: row.line for row in await tx.execute(words.order_by(*newest_last))}
    return note and note + "".join(lines.values()).encode()


async def add_checkpoint(tx: Transaction, signed: SignedCheckpoint) -> None:
    """Requires a size beyond the newest checkpoint's, and the log's row locked since that was known."""
    row = {"size": signed.size, "note": signed.note, "signed_at": signed.signed_at}
    await tx.execute(insert(checkpoints), [row])


async def add_cosignatures(tx: Transaction, size: int, given: Iterable[Cosignature]) -> None:
    rows = [{"size": size, "witness": each.key.name, "time": each.time, "line": each.line()} for each in given]
    await tx.execute(insert_into(tx, cosignatures).on_conflict_do_nothing(), rows)


async def witnesses_of(tx: Transaction, size: int) -> set[str]:
    """Whose word there is for the checkpoint of this size."""
    return set(await tx.scalars(select(cosignatures.c.witness).where(cosignatures.c.size == size)))


async def add_witnessed(tx: Transaction, size: int, now: datetime) -> None:
    """The checkpoint of this size meets the policy. Nothing happens if that was known."""
    row = {"size": size, "witnessed_at": now}
    await tx.execute(insert_into(tx, witnessed).values(row).on_conflict_do_nothing())


async def witnessed_size(tx: Transaction) -> int:
    """The largest size that ever met the policy; 0 if none did."""
    return await tx.scalar(select(witnessed.c.size).order_by(witnessed.c.size.desc()).limit(1)) or 0


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


# --- maps of keys


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
    await _upsert(tx, snapshot_tiles, rows)


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
