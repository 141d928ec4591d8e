"""What happens when a buyer does not accept what was delivered.

Promises: an order, its objection, the right to receive once more and the money that goes back change in one commit;
whoever accepts, objects or answers at the same time as a deadline passes is decided by the locked order and the moment
taken after it.
"""

from collections.abc import Callable
from datetime import datetime

from services.trading.actions.order import bought, follow_up, locked
from services.trading.actions.trading import Trading
from services.trading.events.objection import (
    EntitlementRestored,
    ObjectionAnswered,
    ObjectionEnded,
    OfferedPartDeclined,
    OrderObjected,
)
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import objection as rules
from services.trading.rules.objection import Objection, Said
from services.trading.rules.order import UNDER_OBJECTION, NoSuchOrder, Order
from services.trading.store import entitlement as entitlement_store
from services.trading.store import objection as store
from services.trading.store import order as order_store
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import OrderId, ParticipantId
from shared.money import Money
from shared.web import Page

Act = Callable[[Order, Objection, datetime], tuple[Order, Objection]]
Told = Callable[[Order, Objection], Fact]


async def object_to(trading: Trading, caller: Member, order_id: OrderId, said: Said, once: Once) -> Objection:
    """Do not accept, and say why: no time accepts the order while the provider answers."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before = await bought(tx, caller, order_id)
        last = await store.last_objection(tx, order_id)
        now = await trading.database.now(tx)
        order, objection = rules.object_to(before, last, said, now)
        facts = list[Fact]()
        if order is not before:
            await order_store.save_order(tx, order)
            await store.add_objection(tx, objection)
            facts.append(OrderObjected.of(order, objection))
        await once.remember(tx, objection)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return objection


async def cure(
    trading: Trading, caller: Member, order_id: OrderId, number: int, reason: str, once: Once
) -> Objection:  # fmt: skip
    """Deliver anew: the buyer may receive once more, and inspects again."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before = await _sold(tx, caller, order_id)
        objection = await store.objection(tx, order_id, number, caller.participant_id)
        now = await trading.database.now(tx)
        order, cured = rules.cure(before, objection, reason, now)
        facts = list[Fact]()
        if order is not before:
            await order_store.save_order(tx, order)
            await store.save_objection(tx, cured)
            restored = await _restore_use(tx, order, now)
            facts += [ObjectionAnswered.of(order, cured), ObjectionEnded.of(order, cured), restored]
        await once.remember(tx, cured)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return cured


async def concede(
    trading: Trading, caller: Member, order_id: OrderId, number: int, refund: Money | None, reason: str, once: Once
) -> Objection:
    """Give back what is claimed, or offer a part of it, which the buyer may take."""

    def conceded(order: Order, objection: Objection, now: datetime) -> tuple[Order, Objection]:
        if refund is None or refund == objection.said.claim:
            return rules.concede(order, objection, reason, now)
        return rules.offer(order, objection, refund, reason, now)

    return await _answer(trading, caller, order_id, number, conceded, once)


async def reject(
    trading: Trading, caller: Member, order_id: OrderId, number: int, reason: str, once: Once
) -> Objection:  # fmt: skip
    """Say that nothing is wrong: the buyer takes it further, or the order stands."""

    def rejected(order: Order, objection: Objection, now: datetime) -> tuple[Order, Objection]:
        return rules.reject(order, objection, reason, now)

    return await _answer(trading, caller, order_id, number, rejected, once)


async def take(trading: Trading, caller: Member, order_id: OrderId, number: int, once: Once) -> Objection:
    """Take the part that was offered; the rest is shared out."""
    return await _respond(trading, caller, order_id, number, rules.take, once)


async def decline(trading: Trading, caller: Member, order_id: OrderId, number: int, once: Once) -> Objection:
    """Do not take the part that was offered."""
    return await _respond(trading, caller, order_id, number, rules.decline, once, OfferedPartDeclined.of)


async def withdraw(trading: Trading, caller: Member, order_id: OrderId, number: int, once: Once) -> Objection:
    """Accept after all."""
    return await _respond(trading, caller, order_id, number, rules.withdraw, once)


async def objection(
    trading: Trading, party_id: ParticipantId | None, order_id: OrderId, number: int
) -> Objection:  # fmt: skip
    async with trading.database.read() as tx:
        return await store.objection(tx, order_id, number, party_id)


async def objections(
    trading: Trading, party_id: ParticipantId | None, order_id: OrderId, page: Page
) -> list[Objection]:  # fmt: skip
    async with trading.database.read() as tx:
        await order_store.order(tx, order_id, party_id)
        return await store.page_of_objections(tx, page, order_id)


async def _answer(
    trading: Trading, caller: Member, order_id: OrderId, number: int, act: Act, once: Once
) -> Objection:  # fmt: skip
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before = await _sold(tx, caller, order_id)
        return await _proceed(trading, tx, caller, before, number, act, once, ObjectionAnswered.of)


async def _respond(
    trading: Trading, caller: Member, order_id: OrderId, number: int, act: Act, once: Once, told: Told | None = None
) -> Objection:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Objection):
            return earlier
        before = await bought(tx, caller, order_id)
        return await _proceed(trading, tx, caller, before, number, act, once, told)


async def _proceed(
    trading: Trading, tx: Transaction, caller: Member, before: Order, number: int, act: Act, once: Once,
    told: Told | None,
) -> Objection:  # fmt: skip
    """What one side says, and what follows from it. What was said before changes nothing. Requires the locked order."""
    objection = await store.objection(tx, before.id, number, caller.participant_id)
    now = await trading.database.now(tx)
    order, changed = act(before, objection, now)
    facts = list[Fact]()
    if order is not before:
        await order_store.save_order(tx, order)
        await store.save_objection(tx, changed)
        facts += [told(order, changed)] if told else []
        facts += [] if order.state in UNDER_OBJECTION else await follow_up(tx, before, order, now)
    await once.remember(tx, changed)
    await trading.outbox.record(tx, caller.actor, now, *facts)
    return changed


async def _restore_use(tx: Transaction, order: Order, now: datetime) -> EntitlementRestored:
    assert order.entitlement_id is not None
    entitlement = await entitlement_store.entitlement_for_update(tx, order.entitlement_id)
    restored = entitlement_rules.restore_use(entitlement, now)
    await entitlement_store.save_entitlement(tx, restored)
    return EntitlementRestored.of(restored)


async def _sold(tx: Transaction, caller: Member, order_id: OrderId) -> Order:
    """The provider's own order, locked: another's is not there."""
    order = await locked(tx, order_id)
    if order.provider_id != caller.participant_id:
        raise NoSuchOrder()
    return order
