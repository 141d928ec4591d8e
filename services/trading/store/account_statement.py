"""How a wallet's movements of a month are found, in a constant number of statements however many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select

from services.trading.rules import account_statement as rules
from services.trading.rules.account_statement import Deal, Movement
from services.trading.rules.ledger import Account, Phase, Transfer
from services.trading.rules.returning import Payment
from services.trading.store import order as order_store
from services.trading.tables.deals import auctions
from services.trading.tables.money import transfers
from services.trading.tables.returns import collections, receivables, return_payments
from shared.database import Transaction
from shared.ids import AuctionId, OrderId, ParticipantId, TransferId
from shared.money import Money

Sums = tuple[int, int]
_moves = transfers.c.phase.in_([Phase.POSTED, Phase.POST])


async def sums(
    tx: Transaction, wallet: Account, begins: datetime | None, ends: datetime, until: TransferId | None = None
) -> Sums:
    """What came in and what went out from one moment on, before another; `until` is the last transfer that counts."""
    amount = transfers.c.amount_minor
    came_in = func.coalesce(func.sum(case((transfers.c.credit == wallet.id, amount), else_=0)), 0)
    went_out = func.coalesce(func.sum(case((transfers.c.debit == wallet.id, amount), else_=0)), 0)
    where = [_moves, _of(wallet), transfers.c.created_at < ends]
    if begins is not None:
        where.append(transfers.c.created_at >= begins)
    if until is not None:
        where.append(~_after(until))
    row = (await tx.execute(select(came_in, went_out).where(*where))).one()
    return int(row[0]), int(row[1])


async def movements(
    tx: Transaction, wallet: Account, begins: datetime, ends: datetime, after: TransferId | None, limit: int
) -> list[Movement]:
    """In the order in which they happened, with the returns and the debts that they belong to."""
    names = ("id", "debit", "credit", "amount_minor", "currency", "phase", "pending_id", "created_at")
    query: Select[Any] = select(*(transfers.c[name] for name in names))
    query = query.where(_moves, _of(wallet), transfers.c.created_at >= begins, transfers.c.created_at < ends)
    if after is not None:
        query = query.where(_after(after))
    query = query.order_by(transfers.c.created_at, transfers.c.id).limit(limit)
    found = [Movement(_transfer(row), row.created_at) for row in await tx.execute(query)]
    pending = [each.transfer.pending_id for each in found if each.transfer.pending_id]
    returned, collected = await _returned(tx, pending), await _collected(tx, pending)
    return [_of_what(movement, returned, collected) for movement in found]


async def deals_of(tx: Transaction, movements: Iterable[Movement]) -> dict[OrderId, Deal]:
    """The orders that these are about."""
    wanted = set[OrderId]()
    for each in movements:
        sides = (rules.order_of(each.transfer.debit), rules.order_of(each.transfer.credit), each.order_id)
        wanted.update(order_id for order_id in sides if order_id)
    found = dict[OrderId, Deal]()
    for order in await order_store.orders_by_id(tx, wanted):
        nothing = Money(0, order.price.currency)
        shares = order.settlement
        fee, tax = (shares.fee, shares.tax) if shares else (nothing, nothing)
        found[order.id] = Deal(order.buyer_id, order.provider_id, fee, tax)
    return found


async def providers_of(tx: Transaction, movements: Iterable[Movement]) -> dict[AuctionId, ParticipantId]:
    """Of the auctions whose deposits these are."""
    accounts = (account for each in movements for account in (each.transfer.debit, each.transfer.credit))
    wanted = {auction_id for account in accounts if (auction_id := rules.auction_of(account))}
    query = select(auctions.c.id, auctions.c.provider_id).where(auctions.c.id.in_(sorted(wanted)))
    return {row.id: row.provider_id for row in await tx.execute(query)}


async def _returned(
    tx: Transaction, pending: Sequence[TransferId]
) -> dict[TransferId, tuple[OrderId, tuple[Payment, ...]]]:
    """For each of these that a return pays by: its order, and all payments of that return."""
    here = return_payments.c.transfer_id.in_(pending)
    wanted = select(return_payments.c.order_id, return_payments.c.number).where(here).subquery()
    same = and_(return_payments.c.order_id == wanted.c.order_id, return_payments.c.number == wanted.c.number)
    query = select(*return_payments.c).join(wanted, same).distinct().order_by(return_payments.c.transfer_id)
    rows = (await tx.execute(query)).all()
    whole = dict[tuple[OrderId, int], list[Payment]]()
    for row in rows:
        payment = Payment(row.bearer, row.payer, Money(row.amount_minor, row.currency))
        whole.setdefault((row.order_id, row.number), []).append(payment)
    return {row.transfer_id: (row.order_id, tuple(whole[row.order_id, row.number])) for row in rows}


async def _collected(tx: Transaction, pending: Sequence[TransferId]) -> dict[TransferId, OrderId]:
    """For each of these that collects a debt: the order that it came of."""
    owed = collections.c.receivable_id == receivables.c.id
    query = select(collections.c.transfer_id, receivables.c.order_id).join(receivables, owed)
    return {
        row.transfer_id: row.order_id for row in await tx.execute(query.where(collections.c.transfer_id.in_(pending)))
    }


def _of_what(
    movement: Movement, returned: dict[TransferId, tuple[OrderId, tuple[Payment, ...]]],
    collected: dict[TransferId, OrderId],
) -> Movement:  # fmt: skip
    pending_id = movement.transfer.pending_id
    if pending_id is None:
        return movement
    if pending_id in returned:
        order_id, payments = returned[pending_id]
        return replace(movement, order_id=order_id, payments=payments)
    if pending_id in collected:
        return replace(movement, order_id=collected[pending_id], is_collection=True)
    return movement


def _of(wallet: Account) -> ColumnElement[bool]:
    return or_(transfers.c.debit == wallet.id, transfers.c.credit == wallet.id)


def _after(transfer_id: TransferId) -> ColumnElement[bool]:
    """After this transfer, in the order in which movements are told."""
    at = select(transfers.c.created_at).where(transfers.c.id == transfer_id).scalar_subquery()
    return or_(transfers.c.created_at > at, and_(transfers.c.created_at == at, transfers.c.id > transfer_id))


def _transfer(row: Row[Any]) -> Transfer:
    sides = (Account.read(row.debit), Account.read(row.credit))
    return Transfer(row.id, *sides, Money(row.amount_minor, row.currency), Phase(row.phase), row.pending_id)
