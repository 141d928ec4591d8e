"""How second factors and recovery codes are kept.

Promises: a code of an app is spent by one statement that succeeds once for its step and all before it, a recovery code
by one that succeeds once.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, or_, select, update

from services.identity.rules.second_factor import SecondFactor
from services.identity.tables import recovery_codes, second_factors
from shared.database import Transaction, insert_into
from shared.ids import UserId


async def second_factor(tx: Transaction, user_id: UserId) -> SecondFactor | None:
    """Requires that the user is locked, if something is to be decided by it."""
    columns = second_factors.c
    query = select(
        columns.user_id, columns.secret, columns.confirmed_at, columns.last_step, columns.pending, columns.pending_until
    ).where(columns.user_id == user_id)
    row = (await tx.execute(query)).one_or_none()
    return SecondFactor(*row) if row else None


async def save_second_factor(tx: Transaction, factor: SecondFactor) -> None:
    values = {
        "secret": factor.secret, "confirmed_at": factor.confirmed_at, "last_step": factor.last_step,
        "pending": factor.pending, "pending_until": factor.pending_until,
    }  # fmt: skip
    statement = insert_into(tx, second_factors).values(user_id=factor.user_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def forget_second_factor(tx: Transaction, user_id: UserId) -> None:
    """With the recovery codes."""
    await tx.execute(delete(second_factors).where(second_factors.c.user_id == user_id))
    await tx.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))


async def spend_step(tx: Transaction, user_id: UserId, step: int) -> bool:
    """Whether it was this call that used a code of this step, and none of a later one was used before."""
    last_step = second_factors.c.last_step
    unspent = (second_factors.c.user_id == user_id, or_(last_step.is_(None), last_step < step))
    return (await tx.execute(update(second_factors).where(*unspent).values(last_step=step))).rowcount == 1


async def spend_recovery_code(tx: Transaction, user_id: UserId, digest: bytes, now: datetime) -> bool:
    """Whether it was this call that used it."""
    columns = recovery_codes.c
    unused = (columns.user_id == user_id, columns.digest == digest, columns.used_at.is_(None))
    return (await tx.execute(update(recovery_codes).where(*unused).values(used_at=now))).rowcount == 1


async def replace_recovery_codes(tx: Transaction, user_id: UserId, digests: Sequence[bytes]) -> None:
    await tx.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    await tx.execute(insert(recovery_codes), [{"user_id": user_id, "digest": digest} for digest in digests])


async def unused_recovery_code_count(tx: Transaction, user_id: UserId) -> int:
    unused = (recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    return (await tx.execute(select(func.count()).select_from(recovery_codes).where(*unused))).scalar_one()
