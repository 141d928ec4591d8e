"""What follows when an order is accepted, by whichever way."""

from datetime import datetime

from services.trading.actions import money
from services.trading.events.deals import OrderAccepted
from services.trading.events.settlement import OrderSettled
from services.trading.rules.order import SETTLED, Order
from shared.database import Transaction
from shared.facts import Fact


async def settle(tx: Transaction, order: Order, now: datetime) -> list[Fact]:
    """Have an accepted order shared out; one that cost nothing is settled at once. Requires that it is saved."""
    if order.state is SETTLED:
        return [OrderAccepted.of(order), OrderSettled.of(order)]
    shares = order.settlement
    assert shares is not None
    moved = await money.settle_order(tx, order.id, order.buyer_id, shares, order.refund, now, order.earned)
    return [OrderAccepted.of(order), *moved]
