"""What happens when the use of an order has been measured: by its buyer's word, or at the end of the period.

Promises: the units, the price, the end of the right and what goes back of the reserve are one commit, which locks the
right: a use is either read off, or not made.
"""

from datetime import datetime

from services.trading.actions import money
from services.trading.actions.order import bought, locked
from services.trading.actions.trading import Trading
from services.trading.events.deals import ContractEnded, EntitlementEnded
from services.trading.events.settlement import OrderMetered
from services.trading.rules import contract as contract_rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import metered as rules
from services.trading.rules.entitlement import Entitlement
from services.trading.rules.order import Order
from services.trading.store import contract as contract_store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import order as store
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import OrderId


async def close(trading: Trading, caller: Member, order_id: OrderId, once: Once) -> Order:
    """By the buyer, before the period is over. The very order, once it is read off."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Order):
            return earlier
        order, facts = await bought(tx, caller, order_id), list[Fact]()
        now = await trading.database.now(tx)
        if order.metered_units is None:
            order, facts = await _stopped(tx, order, now)
        await once.remember(tx, order)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return order


async def pass_deadline(trading: Trading, order_id: OrderId) -> None:
    """Read the meter of an order whose period is over, if nobody has yet."""
    async with trading.database.transaction() as tx:
        order = await locked(tx, order_id)
        now = await trading.database.now(tx)
        if not rules.is_read_off_at(order, now):
            return
        _, facts = await _stopped(tx, order, now)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def read_off(tx: Transaction, order: Order, right: Entitlement, now: datetime) -> tuple[Order, list[Fact]]:
    """The order at the price of what was used, saved, with the rest of the reserve on its way back. Requires that the
    right is locked, and ends in this commit."""
    order, unused = rules.read_off(order, right.uses_spent, now)
    await store.save_tax(tx, order)
    moved = await money.return_reserve(tx, order.id, order.buyer_id, unused, now)
    return order, [OrderMetered.of(order, unused), *moved]


async def _stopped(tx: Transaction, order: Order, now: datetime) -> tuple[Order, list[Fact]]:
    rules.require_runs(order)
    contract = await contract_store.contract_for_update(tx, order.contract_id)
    assert order.entitlement_id is not None
    right = await entitlement_store.entitlement_for_update(tx, order.entitlement_id)
    order, facts = await read_off(tx, order, right, now)
    over = entitlement_rules.end(right, entitlement_rules.Reason.METER_CLOSED)
    if over is not right:
        await entitlement_store.save_entitlement(tx, over)
        facts.append(EntitlementEnded.of(over))
    ended = contract_rules.end(contract, entitlement_rules.Reason.METER_CLOSED, fulfilled=True)
    if ended is not contract:
        await contract_store.save_contract(tx, ended)
        facts.append(ContractEnded.of(ended))
    return order, facts
