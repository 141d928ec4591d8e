"""How it is kept how often the tables were set back to a backup."""

from datetime import datetime

from sqlalchemy import func, insert, select, update

from services.identity.tables import epochs, token_families
from shared.database import Transaction


async def present(tx: Transaction) -> int:
    """Zero until the first time."""
    return await tx.scalar(select(func.max(epochs.c.number))) or 0


async def begin(tx: Transaction, now: datetime) -> int:
    """The next epoch's number. It is larger than any that a market of before can have had: that one may have been set
    back too, after the backup was made, and what it issued then is void as well."""
    number = max(await present(tx) + 1, int(now.timestamp()))
    await tx.execute(insert(epochs).values(number=number, begun_at=now))
    return number


async def end_sessions(tx: Transaction, now: datetime) -> int:
    living = token_families.c.revoked_at.is_(None)
    return (await tx.execute(update(token_families).where(living).values(revoked_at=now))).rowcount
