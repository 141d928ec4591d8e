"""Which orders have something to invoice in a month, with when they were settled and what went back of them."""

from datetime import datetime

from sqlalchemy import String, cast, func, literal, or_, select

from services.trading.rules.ledger import Phase
from services.trading.rules.order import SETTLED, Order
from services.trading.rules.returning import Return
from services.trading.store import order as order_store
from services.trading.store import returning as returning_store
from services.trading.tables.deals import orders
from services.trading.tables.money import transfers
from services.trading.tables.returns import returns
from shared.database import Transaction
from shared.ids import OrderId, ParticipantId

Invoiced = tuple[Order, datetime, list[Return]]


async def orders_invoiced(
    tx: Transaction, party_id: ParticipantId, begins: datetime, ends: datetime, after: OrderId | None, limit: int
) -> list[Invoiced]:  # fmt: skip
    """A party's orders that were settled, or of which something went back, from one moment on, before another; in the
    order of their ids, each with all its returns."""
    escrow = literal("CNY/escrow:").concat(cast(orders.c.id, String))
    shared_out = (transfers.c.debit == escrow, transfers.c.phase == Phase.POST)
    settled_at = select(func.min(transfers.c.created_at)).where(*shared_out).scalar_subquery()
    went_back = select(returns.c.number).where(
        returns.c.order_id == orders.c.id, returns.c.returned_at >= begins, returns.c.returned_at < ends
    )
    within = (settled_at >= begins) & (settled_at < ends)
    own = or_(orders.c.buyer_id == party_id, orders.c.provider_id == party_id)
    query = select(orders.c.id, settled_at.label("settled_at")).where(
        own, orders.c.state == SETTLED, orders.c.price_minor > 0, or_(within, went_back.exists())
    )
    if after is not None:
        query = query.where(orders.c.id > after)
    found = (await tx.execute(query.order_by(orders.c.id).limit(limit))).all()
    settled = {row.id: row.settled_at for row in found}
    whole = await order_store.orders_by_id(tx, settled)
    made = await returning_store.of_orders(tx, settled)
    return [(order, settled[order.id], made.get(order.id, [])) for order in whole]
