"""What happens when a service was less than was promised.

Promises: a credit and the order it goes back with change in one commit; a period is claimed once, whoever asks how
often; what is owed is paid once, in the commit that notes it. Locks the order first, so that no credit is confirmed
while its price is being shared out.
"""

from contextlib import suppress
from datetime import datetime

from services.trading.actions import measuring
from services.trading.actions.order import bought, locked
from services.trading.actions.returning import return_after_settlement
from services.trading.actions.trading import Trading
from services.trading.events.credit import CreditClaimed, CreditDecided, CreditPaid
from services.trading.rules import credit as rules
from services.trading.rules import service_level
from services.trading.rules.credit import Credit, NoSuchCredit, NothingPromised, Payment
from services.trading.rules.freeze import Frozen
from services.trading.rules.measured import Measured
from services.trading.rules.order import Order
from services.trading.rules.returning import Cause
from services.trading.rules.scope import narrowed
from services.trading.rules.service_level import Figures
from services.trading.store import credit as store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared.access import Member
from shared.database import Transaction
from shared.errors import Failure
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import CreditId, OrderId, ParticipantId
from shared.web import Page


async def claim(
    trading: Trading, caller: Member, order_id: OrderId, period: int, figures: Figures, once: Once
) -> Credit:  # fmt: skip
    """Claim what goes back for a period of one's own right that is over."""
    seen = await _seen(trading, caller, order_id, period, figures)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Credit):
            return earlier
        order = await bought(tx, caller, order_id)
        begins_at, days = await _period(tx, order)
        known = await store.credits_of(tx, order_id)
        now = await trading.database.now(tx)
        credit = rules.claim(CreditId.new(), order, begins_at, days, known, period, figures, now, seen)
        facts = list[Fact]()
        if credit not in known:
            await store.add_credit(tx, credit)
            facts.append(CreditClaimed.of(credit, order))
        await once.remember(tx, credit)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return credit


async def confirm(trading: Trading, caller: Member, credit_id: CreditId, once: Once) -> Credit:
    """Agree to the figures: the credit goes back with the price, or is owed."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Credit):
            return earlier
        before, order = await _sold(tx, caller, credit_id)
        now = await trading.database.now(tx)
        credit, credited = rules.confirm(before, order, now)
        facts = await _save(tx, before, credit, order, credited)
        await once.remember(tx, credit)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return credit


async def contest(trading: Trading, caller: Member, credit_id: CreditId, reason: str, once: Once) -> Credit:
    """Say that the figures are wrong."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Credit):
            return earlier
        before, order = await _sold(tx, caller, credit_id)
        now = await trading.database.now(tx)
        credit = rules.contest(before, reason, now)
        facts = await _save(tx, before, credit, order, order)
        await once.remember(tx, credit)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return credit


async def credit(trading: Trading, party_id: ParticipantId | None, credit_id: CreditId) -> Credit:
    async with trading.database.read() as tx:
        return await store.credit(tx, credit_id, party_id)


async def credits(
    trading: Trading, party_id: ParticipantId | None, order_id: OrderId, page: Page
) -> list[Credit]:  # fmt: skip
    async with trading.database.read() as tx:
        await order_store.order(tx, order_id, party_id)
        return await store.page_of_credits(tx, page, order_id)


async def pass_deadline(trading: Trading, credit_id: CreditId) -> None:
    """Confirm a credit that its provider was silent on, if nobody has decided it yet."""
    async with trading.database.transaction() as tx:
        before, order = await _locked(tx, credit_id, None)
        now = await trading.database.now(tx)
        if before.deadline is None or now < before.deadline:
            return
        credit, credited = rules.pass_deadline(before, order, now)
        facts = await _save(tx, before, credit, order, credited)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def pay(trading: Trading, credit_id: CreditId) -> None:
    """Give back what is owed for a credit, once its price has been shared out, if nobody has yet. While a freeze order
    holds the money, it waits."""
    with suppress(Frozen):
        await _pay(trading, credit_id)


async def _pay(trading: Trading, credit_id: CreditId) -> None:
    async with trading.database.transaction() as tx:
        owed, order = await _locked(tx, credit_id, None)
        now = await trading.database.now(tx)
        amount, number, facts = rules.payable(owed, order), None, list[Fact]()
        if amount is None:
            return
        if amount.minor:
            made, moved = await return_after_settlement(tx, order, amount, Cause.SERVICE_CREDIT, str(owed.id), now)
            number = made.number
            facts += moved
        paid = rules.pay(owed, Payment(amount, number, now))
        await store.save_credit(tx, paid)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts, CreditPaid.of(paid, order))


async def _seen(
    trading: Trading, caller: Member, order_id: OrderId, period: int, figures: Figures
) -> Measured | None:  # fmt: skip
    """What the platform saw of what is claimed; nothing of a claim that will be refused, or was made before."""
    async with trading.database.read() as tx:
        try:
            order = await order_store.order(tx, order_id, caller.participant_id)
            (begins_at, days), now = await _period(tx, order), await trading.database.now(tx)
            known = await store.credits_of(tx, order_id)
            credit = rules.claim(CreditId.new(), order, begins_at, days, known, period, figures, now)
        except Failure:
            return None
        level, right_id = order.acceptance.service_level, order.entitlement_id
        if credit in known or level is None or right_id is None:
            return None
        right = await entitlement_store.entitlement(tx, right_id, None)
    of_the_right = service_level.period_of(level, order.price, begins_at, days, period)
    return await measuring.measure(trading, right, level, of_the_right, figures, now)


async def _save(tx: Transaction, before: Credit, credit: Credit, order: Order, credited: Order) -> list[Fact]:
    if credit is before:
        return []
    await store.save_credit(tx, credit)
    if credited is not order:
        await order_store.save_order(tx, credited)
    return [CreditDecided.of(credit, credited)]


async def _period(tx: Transaction, order: Order) -> tuple[datetime, int]:
    """When the order's right begins, and for how many days it was bought."""
    if order.entitlement_id is None:
        raise NothingPromised(state=order.state)
    right = narrowed(await listing_store.listing(tx, order.listing_id), order.scope).right
    entitlement = await entitlement_store.entitlement(tx, order.entitlement_id, None)
    return entitlement.begins_at or entitlement.granted_at, right.period_days


async def _sold(tx: Transaction, caller: Member, credit_id: CreditId) -> tuple[Credit, Order]:
    """A credit against the provider itself: another's is not there, and its buyer's own decides nothing."""
    found, order = await _locked(tx, credit_id, caller.participant_id)
    if order.provider_id != caller.participant_id:
        raise NoSuchCredit()
    return found, order


async def _locked(tx: Transaction, credit_id: CreditId, party_id: ParticipantId | None) -> tuple[Credit, Order]:
    """The credit as it is under the locked order."""
    seen = await store.credit(tx, credit_id, party_id)
    order = await locked(tx, seen.order_id)
    return await store.credit(tx, credit_id, party_id), order
