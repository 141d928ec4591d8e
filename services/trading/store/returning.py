"""How returns are kept, and what is owed because of them.

Promises: an order's returns are numbered from one without a gap, for whoever adds one has the order locked; a debt is
collected by one conditional statement, never beyond its amount.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from services.trading.rules.returning import Cause, Debt, NoSuchReturn, Payment, Receivable, Return
from services.trading.store import rows
from services.trading.tables.returns import collections, receivables, return_payments, returns
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.ids import InstructionId, OrderId, ParticipantId, ReceivableId, TransferId
from shared.money import Money
from shared.web import Page

Key = tuple[OrderId, int]


class CollectedMeanwhile(Conflict):
    """This debt was collected at the same time; look again."""


async def next_number(tx: Transaction, order_id: OrderId) -> int:
    """Requires the locked order."""
    return 1 + (await tx.scalar(select(func.max(returns.c.number)).where(returns.c.order_id == order_id)) or 0)


async def add(tx: Transaction, made: Return, transfers: Mapping[Payment, TransferId]) -> None:
    row = {
        "order_id": made.order_id, "number": made.number, "amount_minor": made.amount.minor,
        "currency": made.amount.currency, "cause": made.cause, "reason": made.reason, "returned_at": made.returned_at,
    }  # fmt: skip
    await tx.execute(insert(returns).values(row))
    of_it = {"order_id": made.order_id, "number": made.number}
    payments = [
        of_it | {
            "transfer_id": transfers[each], "bearer": each.bearer, "payer": each.payer,
            "amount_minor": each.amount.minor, "currency": each.amount.currency,
        }
        for each in made.payments
    ]  # fmt: skip
    if payments:
        await tx.execute(insert(return_payments), payments)


async def add_receivables(tx: Transaction, opened: Sequence[Receivable]) -> None:
    told = [
        {
            "id": each.id, "debtor_id": each.debtor_id, "creditor": each.creditor, "order_id": each.order_id,
            "number": each.number, "amount_minor": each.amount.minor, "currency": each.amount.currency,
            "opened_at": each.opened_at,
        }
        for each in opened
    ]  # fmt: skip
    if told:
        await tx.execute(insert(receivables), told)


async def of_order(tx: Transaction, order_id: OrderId, page: Page) -> list[Return]:
    """In the order in which they were made."""
    after = rows.sequence_after(page) or 0
    here = (returns.c.order_id == order_id, returns.c.number > after)
    found = (await tx.execute(select(*returns.c).where(*here).order_by(returns.c.number).limit(page.limit + 1))).all()
    return await _with_parts(tx, found)


async def one(tx: Transaction, order_id: OrderId, number: int) -> Return:
    here = (returns.c.order_id == order_id, returns.c.number == number)
    found = (await tx.execute(select(*returns.c).where(*here))).all()
    if not found:
        raise NoSuchReturn()
    return (await _with_parts(tx, found))[0]


async def open_debts(
    tx: Transaction, debtors: Iterable[ParticipantId], currency: str, *, lock: bool = True
) -> list[Receivable]:  # fmt: skip
    """What these participants owe still, the oldest first, locked."""
    owing = (receivables.c.debtor_id.in_(sorted(debtors)), receivables.c.collected_minor < receivables.c.amount_minor)
    query = select(*receivables.c).where(*owing, receivables.c.currency == currency).order_by(receivables.c.id)
    return [_receivable(row) for row in await tx.execute(for_update(query, tx) if lock else query)]


async def owed_minor(tx: Transaction, debtor_id: ParticipantId, currency: str) -> int:
    open_minor = func.sum(receivables.c.amount_minor - receivables.c.collected_minor)
    here = (receivables.c.debtor_id == debtor_id, receivables.c.currency == currency)
    return int(await tx.scalar(select(open_minor).where(*here)) or 0)


async def collect(
    tx: Transaction, receivable: Receivable, amount: Money, transfer_id: TransferId, came_by: InstructionId
) -> None:
    """Requires the receivable as it is after this amount. Raises CollectedMeanwhile."""
    as_read = (
        receivables.c.id == receivable.id,
        receivables.c.collected_minor == (receivable.collected - amount).minor,
    )
    counted = update(receivables).where(*as_read).values(collected_minor=receivable.collected.minor)
    if (await tx.execute(counted)).rowcount != 1:
        raise CollectedMeanwhile()
    row = {
        "transfer_id": transfer_id, "receivable_id": receivable.id, "came_by": came_by, "amount_minor": amount.minor,
        "currency": amount.currency,
    }  # fmt: skip
    await tx.execute(insert(collections).values(row))


async def page_of_receivables(tx: Transaction, page: Page, party_id: ParticipantId | None) -> list[Receivable]:
    """What a participant owes or is owed. For None, everyone's."""
    query = select(*receivables.c)
    if party_id is not None:
        query = query.where(or_(receivables.c.debtor_id == party_id, receivables.c.creditor == str(party_id)))
    found = await tx.execute(rows.newest_first(query, receivables.c.id, ReceivableId, page))
    return [_receivable(row) for row in found]


async def of_orders(tx: Transaction, order_ids: Iterable[OrderId]) -> dict[OrderId, list[Return]]:
    """All returns of these orders, in the order of their numbers."""
    query = select(*returns.c).where(returns.c.order_id.in_(sorted(order_ids)))
    made = await _with_parts(tx, (await tx.execute(query.order_by(returns.c.order_id, returns.c.number))).all())
    found = dict[OrderId, list[Return]]()
    for each in made:
        found.setdefault(each.order_id, []).append(each)
    return found


async def _with_parts(tx: Transaction, found: Sequence[Row[Any]]) -> list[Return]:
    """With payments and debts, by one statement for each. Requires rows of returns."""
    order_ids = sorted({row.order_id for row in found})
    query = select(*return_payments.c).where(return_payments.c.order_id.in_(order_ids))
    payments, debts = dict[Key, list[Payment]](), dict[Key, list[Debt]]()
    for row in await tx.execute(query.order_by(return_payments.c.transfer_id)):
        payment = Payment(row.bearer, row.payer, Money(row.amount_minor, row.currency))
        payments.setdefault((row.order_id, row.number), []).append(payment)
    owed = select(*receivables.c).where(receivables.c.order_id.in_(order_ids)).order_by(receivables.c.id)
    for row in await tx.execute(owed):
        debt = Debt(row.debtor_id, row.creditor, Money(row.amount_minor, row.currency))
        debts.setdefault((row.order_id, row.number), []).append(debt)
    return [
        Return(
            row.order_id, row.number, Money(row.amount_minor, row.currency), Cause(row.cause), row.reason,
            tuple(payments.get((row.order_id, row.number), ())), tuple(debts.get((row.order_id, row.number), ())),
            row.returned_at,
        )
        for row in found
    ]  # fmt: skip


def _receivable(row: Row[Any]) -> Receivable:
    return Receivable(
        row.id, row.debtor_id, row.creditor, row.order_id, row.number, Money(row.amount_minor, row.currency),
        Money(row.collected_minor, row.currency), row.opened_at,
    )  # fmt: skip
