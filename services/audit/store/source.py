"""How it is kept how far each source has reported and whom the newest entries are about, and what contradicts that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services.audit.rules.entry import BackLink, SourceHead
from services.audit.store.rows import KEYS_PER_QUERY, upsert
from services.audit.tables import evidence, key_heads, source_heads
from shared.database import Transaction, insert_into
from shared.ids import EvidenceId


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


async def save_source_heads(tx: Transaction, heads: Iterable[SourceHead]) -> None:
    rows = [{"service": each.service, "stripe": each.stripe, "seq": each.seq, "hash": each.hash} for each in heads]
    await upsert(tx, source_heads, rows)


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
    await upsert(tx, key_heads, rows)


async def add_evidence(tx: Transaction, found: Evidence) -> bool:
    """False if the same contradiction is on file already."""
    row = {column.name: getattr(found, column.name) for column in evidence.c}
    return (await tx.execute(insert_into(tx, evidence).values(row).on_conflict_do_nothing())).rowcount == 1
