"""What becomes of a service's outbox when its tables were set back to a backup.

Promises: a process of before records nothing more, for every lease is void and every fence is beyond any that it can
have had; what the log has forgotten is sent again; what the log has and the outbox lost is put back under its number
and hash, so that stripes have no gaps and followers go on; who follows is set back where its source was.
Requires that no process of the service runs.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import MetaData, insert, select, tuple_, update

from shared.changes import inbox_table
from shared.database import Database, Transaction
from shared.facts import GENESIS, link
from shared.ids import FactId
from shared.outbox import StripeHead, facts_table, receipts_table, stripes_table

PAGE = 1_000
FENCE_STEP = 1_000_000  # no stripe changes hands so often within the life of a backup


class NotAChain(RuntimeError):
    """What the log has of a stripe does not follow on what the stripe has."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A fact that the log has and the outbox has not."""

    seq: int
    id: FactId
    act: str
    line: bytes
    hash: bytes
    log_index: int


async def void_leases(tx: Transaction) -> None:
    beyond = {"fence": stripes_table.c.fence + FENCE_STEP, "holder": None, "leased_until": None}
    await tx.execute(update(stripes_table).values(beyond))


async def heads(tx: Transaction) -> dict[int, StripeHead]:
    columns = (stripes_table.c.number, stripes_table.c.seq, stripes_table.c.hash)
    return {row.number: StripeHead(*row) for row in await tx.execute(select(*columns).order_by(columns[0]))}


async def hash_at(tx: Transaction, stripe: int, seq: int) -> bytes | None:
    """The chain's hash after a number; None if there is no such fact."""
    if seq == 0:
        return GENESIS
    here = (facts_table.c.stripe == stripe, facts_table.c.seq == seq)
    return await tx.scalar(select(facts_table.c.hash).where(*here))


async def receipts(database: Database) -> AsyncIterator[str]:
    """What the log promised, each as it was answered, in the order of stripes and numbers."""
    key, place = (receipts_table.c.stripe, receipts_table.c.last_seq, receipts_table.c.last_index), (-1, 0, 0)
    while True:
        query = select(*receipts_table.c).where(tuple_(*key) > place).order_by(*key).limit(PAGE)
        async with database.read() as tx:
            rows = (await tx.execute(query)).all()
        for row in rows:
            yield row.receipt
        if len(rows) < PAGE:
            return
        place = (rows[-1].stripe, rows[-1].last_seq, rows[-1].last_index)


async def send_again(tx: Transaction, stripe: int, after_seq: int) -> int:
    """Let the relay send what comes after a number. Returns how many facts that are."""
    here = (facts_table.c.stripe == stripe, facts_table.c.seq > after_seq)
    return (await tx.execute(update(facts_table).where(*here).values(log_index=None))).rowcount


async def put_back(tx: Transaction, stripe: int, lost: Iterable[Lost]) -> None:
    """Lengthen a stripe by what the log has of it. Raises NotAChain unless each fact follows on the one before."""
    head = (await heads(tx))[stripe]
    seq, reached, rows = head.seq, head.hash, list[dict[str, object]]()
    for each in lost:
        reached = link(reached, each.seq, each.line)
        if each.seq != seq + 1 or reached != each.hash:
            raise NotAChain(f"stripe {stripe}: number {each.seq} does not follow on {seq}")
        seq = each.seq
        rows.append({
            "stripe": stripe, "seq": seq, "id": each.id, "act": each.act, "line": each.line, "hash": each.hash,
            "log_index": each.log_index,
        })  # fmt: skip
    if rows:
        await tx.execute(insert(facts_table), rows)
        here = stripes_table.c.number == stripe
        await tx.execute(update(stripes_table).where(here).values(seq=seq, hash=reached))


def follows(metadata: MetaData) -> bool:
    """Whether a service keeps in its tables how far it followed others."""
    return inbox_table.name in metadata.tables


async def set_back(tx: Transaction, source: str, ends: Mapping[int, StripeHead]) -> int:
    """Let a follower go on from the ends of its source's stripes, where it had come beyond them. Returns how many."""
    moved = 0
    for end in ends.values():
        here = (inbox_table.c.source == source, inbox_table.c.stripe == end.stripe, inbox_table.c.seq > end.seq)
        moved += (await tx.execute(update(inbox_table).where(*here).values(seq=end.seq, hash=end.hash))).rowcount
    return moved
