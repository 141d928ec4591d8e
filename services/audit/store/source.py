"""How it is kept how far each source has reported and whom the newest entries are about, and what contradicts that."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from services.audit.rules.entry import BackLink, SourceHead
from services.audit.tables import evidence, key_heads, source_heads
from shared.database import Transaction, insert_into
from shared.ids import EvidenceId
from shared.turn import Put

Source = tuple[str, int]
_HEADS = "SELECT service, stripe, seq, hash FROM source_heads WHERE service {}"
_KEY_HEADS = "SELECT key, last_index, entry_count FROM key_heads WHERE key {}"


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


async def source_head(tx: Transaction, service: str, stripe: int) -> SourceHead:
    here = (source_heads.c.service == service, source_heads.c.stripe == stripe)
    row = (await tx.execute(select(source_heads.c.seq, source_heads.c.hash).where(*here))).one_or_none()
    return SourceHead(service, stripe, row.seq, row.hash) if row else SourceHead(service, stripe)


async def source_heads_of(tx: Transaction, service: str) -> dict[int, SourceHead]:
    """How far the log has each stripe of a service."""
    columns = (source_heads.c.stripe, source_heads.c.seq, source_heads.c.hash)
    rows = await tx.execute(select(*columns).where(source_heads.c.service == service))
    return {row.stripe: SourceHead(service, row.stripe, row.seq, row.hash) for row in rows}


async def heads_at(tx: Transaction, sources: Iterable[Source]) -> dict[Source, SourceHead]:
    """How far the log has each of these stripes."""
    wanted = set(sources)
    rows = await _among(tx, _HEADS, {service for service, _ in wanted})
    return {each: SourceHead(*each) for each in wanted} | {(row[0], row[1]): SourceHead(*row) for row in rows}


def of_source_heads(heads: Iterable[SourceHead]) -> Put:
    return Put(source_heads, [(each.service, each.stripe, each.seq, each.hash) for each in heads])


async def key_heads_of(tx: Transaction, keys: Iterable[str]) -> dict[str, BackLink]:
    """For each key that is known, where the next entry about its subject must point."""
    return {row[0]: BackLink(*row) for row in await _among(tx, _KEY_HEADS, keys)}


def of_key_heads(newest: Iterable[BackLink]) -> Put:
    return Put(key_heads, list(newest))


async def add_evidence(tx: Transaction, found: Evidence) -> bool:
    """False if the same contradiction is on file already."""
    row = {column.name: getattr(found, column.name) for column in evidence.c}
    return (await tx.execute(insert_into(tx, evidence).values(row).on_conflict_do_nothing())).rowcount == 1


async def _among(tx: Transaction, query: str, names: Iterable[str]) -> Iterable[tuple[Any, ...]]:
    """The rows that the query has for any of the names, however many these are: they go as one value."""
    if tx.dialect.name == "sqlite":
        told, given = "IN (SELECT value FROM json_each(?))", json.dumps(list(names))
    else:
        told, given = "= ANY ($1::varchar[])", list(names)
    return map(tuple, await tx.exec_driver_sql(query.format(told), (given,)))
