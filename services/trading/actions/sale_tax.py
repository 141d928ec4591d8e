"""What happens when a seller states how a price is taxed that no quote told."""

from services.trading.actions.trading import Trading
from services.trading.events.sale_tax import SaleTaxStated
from services.trading.rules import sale_tax as rules
from services.trading.rules.order import NoSuchOrder, Order
from services.trading.rules.sale_tax import Rate, TaxCategory
from services.trading.store import order as store
from shared.access import Member
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import OrderId


async def state(trading: Trading, provider: Member, order_id: OrderId, category: TaxCategory, once: Once) -> Order:
    """For invoices alone: no money moves. Raises NoSuchOrder, and what the rule raises."""
    told = await trading.pricing.tax_rates()
    rates = [Rate(each.id, TaxCategory(each.category), each.basis_points, each.effective_from) for each in told]
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Order):
            return earlier
        before = await store.order_for_update(tx, order_id)
        if before.provider_id != provider.participant_id:
            raise NoSuchOrder()
        now = await trading.database.now(tx)
        order, facts = rules.state(before, category, rates), list[Fact]()
        if order is not before:
            await store.save_tax(tx, order)
            facts.append(SaleTaxStated.of(order))
        await once.remember(tx, order)
        await trading.outbox.record(tx, provider.actor, now, *facts)
    return order
