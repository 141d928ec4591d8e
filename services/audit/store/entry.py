"""How entries are kept.

Promises: an index, and a number of a stripe, is taken once; the keys under which entries are found can be computed
again from the leaves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

from msgspec import json
from sqlalchemy import and_, func, select

from services.audit.rules.entry import Arrival
from services.audit.store.rows import KEYS_PER_QUERY
from services.audit.tables import entries, links, source_heads
from shared.database import Transaction
from shared.ids import FactId
from shared.sqlite import Script, Step

WIDTH_BITS = 16  # of the place of a leaf: as many as its width can have
_ENTRIES_ON_SQLITE = """
    INSERT INTO entries (log_index, service, stripe, seq, leaf, chain_hash, fact_id)
    SELECT ?1 + key, ?2, ?3, ?4 + key, substr(?5, value >> 16, value & 65535), substr(?6, 32 * key + 1, 32),
        CAST(substr(?7, 37 * key + 1, 37) AS TEXT)
    FROM json_each(?8)
"""
_LINKS_ON_SQLITE = """
    INSERT INTO links (key, log_index)
    SELECT told.key, place.value FROM json_each(?) AS told, json_each(told.value) AS place
"""
_ON_POSTGRESQL = """
    WITH filed AS (
        INSERT INTO links (key, log_index)
        SELECT told.key, place::bigint FROM json_each($1::json) AS told, json_array_elements_text(told.value) AS place
    )
    INSERT INTO entries (log_index, leaf, service, stripe, seq, chain_hash, fact_id)
    SELECT * FROM unnest(
        $2::bigint[], $3::bytea[], $4::varchar[], $5::integer[], $6::bigint[], $7::bytea[], $8::varchar[]
    )
"""


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


async def add_entries(
    tx: Transaction, first_index: int, arrivals: Sequence[Arrival], leaves: Sequence[bytes],
    filed: Mapping[str, Sequence[int]],
) -> None:  # fmt: skip
    """The entries from an index on, and under which keys each is found. Requires one of each at least.

    Few statements, in which the database goes through the rows by itself: Python can compute meanwhile.
    """
    by_key = json.encode(dict(sorted(filed.items()))).decode()  # as the index has them: neighbours go to one page
    if tx.dialect.name == "sqlite":
        runs = _runs(first_index, arrivals, leaves)
        await tx.exec_driver_sql(Script((Step("execute", _LINKS_ON_SQLITE, (by_key,)), *runs)))
        return
    indexes = range(first_index, first_index + len(leaves))
    services, stripes, seqs, _, hashes, _, events = zip(*arrivals, strict=True)
    fact_ids = [each.id for each in events]
    await tx.exec_driver_sql(
        _ON_POSTGRESQL, (by_key, list(indexes), list(leaves), services, stripes, seqs, hashes, fact_ids)
    )


def _runs(first_index: int, arrivals: Sequence[Arrival], leaves: Sequence[bytes]) -> Iterator[Step]:
    """For SQLite, which takes no arrays: of each source in a row, the leaves one behind the other and where each lies,
    as one number, the hashes and the ids. Of bytes it cuts out a part without a look at what stands before."""
    start = 0
    for source, run in groupby(arrivals, key=itemgetter(0, 1)):
        some = list(run)
        here = leaves[start : start + len(some)]
        widths = list(map(len, here))
        places = [at << WIDTH_BITS | width for at, width in zip(accumulate(widths, initial=1), widths, strict=False)]
        told = (first_index + start, *source, some[0].seq, b"".join(here), b"".join([each.hash for each in some]))
        ids = "".join([each.event.id for each in some]).encode()
        yield Step("execute", _ENTRIES_ON_SQLITE, (*told, ids, json.encode(places).decode()))
        start += len(some)


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


async def entries_numbered(tx: Transaction, service: str, stripe: int, seqs: range) -> list[StoredEntry]:
    """The entries with these numbers of a stripe, in the order of the numbers."""
    here = (entries.c.service == service, entries.c.stripe == stripe)
    numbered = (entries.c.seq >= seqs.start, entries.c.seq < seqs.stop)
    return _entries(await tx.execute(select(*entries.c).where(*here, *numbered).order_by(entries.c.seq)))


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


async def last_entries(tx: Transaction) -> list[StoredEntry]:
    """The last entry of every stripe."""
    here = (entries.c.service, entries.c.stripe, entries.c.seq)
    last = (source_heads.c.service, source_heads.c.stripe, source_heads.c.seq)
    is_last = and_(*(ours == theirs for ours, theirs in zip(here, last, strict=True)))
    return _entries(await tx.execute(select(*entries.c).join(source_heads, is_last)))


def _entries(rows: Iterable[Any]) -> list[StoredEntry]:
    return [
        StoredEntry(row.log_index, row.leaf, row.service, row.stripe, row.seq, row.chain_hash, row.fact_id)
        for row in rows
    ]
