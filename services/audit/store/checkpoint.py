"""How signed checkpoints and what witnesses say of them are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from services.audit.rules.cosignature import Cosignature
from services.audit.tables import checkpoints, cosignatures, entries, witnessed
from shared.database import Transaction, insert_into
from shared.ids import FactId


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    size: int
    note: bytes
    signed_at: datetime


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


async def first_signed_beyond(tx: Transaction, size: int) -> datetime | None:
    """When the first checkpoint beyond a size was signed."""
    beyond = select(checkpoints.c.signed_at).where(checkpoints.c.size > size)
    return await tx.scalar(beyond.order_by(checkpoints.c.size).limit(1))


async def first_checkpoint_with(tx: Transaction, fact_id: FactId) -> SignedCheckpoint | None:
    """The first checkpoint that covers the entry of a fact."""
    index = select(entries.c.log_index).where(entries.c.fact_id == fact_id).scalar_subquery()
    query = select(*checkpoints.c).where(checkpoints.c.size > index).order_by(checkpoints.c.size).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return SignedCheckpoint(row.size, row.note, row.signed_at) if row else None
