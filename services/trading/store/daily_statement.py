"""How the daily statements of the custodian are kept: which were compared, and what each closed with."""

from datetime import UTC, datetime

from sqlalchemy import func, insert, select

from services.trading.rules.statement_balance import SubAccount, Sums
from services.trading.tables.money import statement_balances, statements
from shared.database import Transaction, insert_into


async def newest(tx: Transaction) -> datetime | None:
    """The start of the newest day that was compared."""
    day = await tx.scalar(select(func.max(statements.c.day)))
    return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None


async def add(tx: Transaction, day: str, differences: int, closings: Sums, now: datetime) -> bool:
    """Whether it is new: of two processes that compared the same day, one finds it done."""
    row = {"day": day, "differences": differences, "compared_at": now}
    if (await tx.execute(insert_into(tx, statements).values(row).on_conflict_do_nothing())).rowcount != 1:
        return False
    rows = [
        {"day": day, "account": each.name, "currency": each.currency, "closing_minor": minor}
        for each, minor in sorted(closings.items())
    ]
    if rows:
        await tx.execute(insert(statement_balances), rows)
    return True


async def closings(tx: Transaction, day: str) -> dict[SubAccount, int] | None:
    """What a day closed with; None if no balance of it was ever stated."""
    names = ("account", "currency", "closing_minor")
    query = select(*(statement_balances.c[name] for name in names)).where(statement_balances.c.day == day)
    found = {SubAccount(row.account, row.currency): row.closing_minor for row in await tx.execute(query)}
    return found or None
