"""What a dispute over a settled order does: nothing when it is opened, and all of it when it ends.

Promises: an order is decided on once; what an outcome gives the buyer goes back as one return, in the commit that ends
the dispute; the right ends with all of a price. Requires that the order and the dispute are locked.
"""

from datetime import datetime, timedelta

from services.trading.actions import dispute_money
from services.trading.actions.restraint import require_may_return
from services.trading.actions.returning import return_after_settlement
from services.trading.rules import late_claim as rules
from services.trading.rules.demand import Category, Remedy
from services.trading.rules.dispute import Dispute
from services.trading.rules.dispute_outcome import Outcome
from services.trading.rules.order import Order
from services.trading.rules.returning import Cause
from services.trading.rules.scope import narrowed
from services.trading.store import dispute as store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import listing as listing_store
from shared.database import Transaction
from shared.facts import Fact


async def require_claimable(tx: Transaction, order: Order, category: Category, now: datetime) -> None:
    """Raises DecidedAlready, NotDue, DeadlinePassed."""
    if await store.is_decided(tx, order.id):
        raise rules.DecidedAlready(order_id=order.id)
    rules.require_in_time(order, category, await _right_ends_at(tx, order), now)


async def carry_out(
    tx: Transaction, order: Order, dispute: Dispute, outcome: Outcome, now: datetime
) -> tuple[list[Fact], tuple[Remedy, ...]]:
    """Give back what the outcome gives the buyer. Returns what becomes of the right, too. Raises Frozen."""
    await require_may_return(tx, order, now)
    await dispute_money.lock(tx, order, dispute)
    buyers = dispute_money.refund_of(dispute)
    back, facts = rules.goes_back(order, buyers), list[Fact]()
    if back.minor:
        _, moved = await return_after_settlement(tx, order, back, Cause.BY_RULING, str(dispute.id), now)
        facts += moved
    return facts, rules.remedies_of(order, outcome, buyers)


async def _right_ends_at(tx: Transaction, order: Order) -> datetime | None:
    """When the period ends that was bought, whenever the right did."""
    if order.entitlement_id is None:
        return None
    right = narrowed(await listing_store.listing(tx, order.listing_id), order.scope).right
    entitlement = await entitlement_store.entitlement(tx, order.entitlement_id, None)
    return (entitlement.begins_at or entitlement.granted_at) + timedelta(days=right.period_days)
