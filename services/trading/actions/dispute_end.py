"""What follows from a dispute's new state, whoever brought it about, in the commit that saves it.

Promises: the order's money moves once, by the one outcome; what it does to the right is done in the same commit; a
withdrawn claim leaves the order as it was, with what was left of its window. A settled order stays settled: what goes
back of it is a return (`late_claim`).
"""

from collections.abc import Iterable
from datetime import datetime

from services.trading.actions import credit_record, dispute_money, late_claim
from services.trading.actions import order as order_actions
from services.trading.events.deals import ContractEnded, EntitlementEnded, EntitlementSuspended
from services.trading.events.dispute import facts_of
from services.trading.events.dispute_effects import EntitlementEnlarged, OrderDivided, OrderResumed
from services.trading.rules import contract as contract_rules
from services.trading.rules import dispute as rules
from services.trading.rules import disputed
from services.trading.rules import entitlement as right_rules
from services.trading.rules import order as order_rules
from services.trading.rules.contract import Contract
from services.trading.rules.demand import Remedy
from services.trading.rules.dispute import REVIEW, WITHDRAWN, Dispute
from services.trading.rules.dispute_outcome import Outcome
from services.trading.rules.entitlement import ENDED, Entitlement, Reason
from services.trading.rules.order import AWAITING_ACCEPTANCE, REFUNDED, Order
from services.trading.store import contract as contract_store
from services.trading.store import dispute as store
from services.trading.store import entitlement as right_store
from services.trading.store import order as order_store
from shared.database import Transaction
from shared.facts import Fact


async def keep(tx: Transaction, order: Order, before: Dispute, after: Dispute, now: datetime) -> list[Fact]:
    """Save the dispute, and do what follows. Requires that the order and the dispute are locked."""
    await store.save_dispute(tx, before, after)
    facts = facts_of(before, after)
    if after.state is REVIEW and before.state is not REVIEW:
        await dispute_money.lock(tx, order, after)
        facts += await dispute_money.release_undisputed(tx, order, after, now)
    if after.state is WITHDRAWN:
        facts += await _resume(tx, order, after, now)
    if after.outcome:
        await store.add_outcome(tx, after, now)
        enforce = _enforce_late if after.is_late else _enforce
        facts += await enforce(tx, order, after, after.outcome, now)
        facts += await dispute_money.end_fees(tx, after, after.outcome.fees, now)
        facts += await credit_record.follow_ruling(tx, after, now)
    return facts


async def _enforce(tx: Transaction, order: Order, dispute: Dispute, outcome: Outcome, now: datetime) -> list[Fact]:
    refund = dispute_money.refund_of(dispute)
    concluded = order_rules.conclude(order, order_rules.Reason.DISPUTE_ENDED, now, refund)
    await order_store.save_order(tx, concluded)
    await dispute_money.lock(tx, order, dispute)
    facts: list[Fact] = [OrderDivided.of(concluded)]
    facts += await order_actions.divide(tx, order, concluded, now)
    return facts if concluded.state is REFUNDED else [*facts, *await _carry_out(tx, concluded, outcome.remedies)]


async def _enforce_late(tx: Transaction, order: Order, dispute: Dispute, outcome: Outcome, now: datetime) -> list[Fact]:
    facts, remedies = await late_claim.carry_out(tx, order, dispute, outcome, now)
    return [*facts, *await _carry_out(tx, order, remedies)]


async def _resume(tx: Transaction, order: Order, dispute: Dispute, now: datetime) -> list[Fact]:
    facts = list[Fact]() if dispute.is_late else await _go_on(tx, order, dispute, now)
    await dispute_money.lock(tx, order, dispute)
    return [*facts, *await dispute_money.end_fees(tx, dispute, rules.fees_of_withdrawal(dispute), now)]


async def _go_on(tx: Transaction, order: Order, dispute: Dispute, now: datetime) -> list[Fact]:
    resumed = disputed.resume(order, dispute.came_from, dispute.window_seconds, now)
    await order_store.save_order(tx, resumed)
    facts: list[Fact] = [OrderResumed.of(resumed)]
    if resumed.state is AWAITING_ACCEPTANCE and order.entitlement_id is not None:
        contract = await contract_store.contract_for_update(tx, order.contract_id)
        facts += await _end_contract(tx, contract, await right_store.entitlement(tx, order.entitlement_id, None))
    return facts


async def _carry_out(tx: Transaction, order: Order, remedies: Iterable[Remedy]) -> list[Fact]:
    """What the outcome orders beside money. A right that is over ends its contract too."""
    if order.entitlement_id is None:
        return []
    contract = await contract_store.contract_for_update(tx, order.contract_id)
    before = await right_store.entitlement_for_update(tx, order.entitlement_id)
    facts, right = list[Fact](), before
    for remedy in remedies:
        changed = _remedied(right, remedy)
        if changed is not right:
            await right_store.save_entitlement(tx, changed)
            facts.append(TOLD_BY[remedy].of(changed))
        right = changed
    return [*facts, *await _end_contract(tx, contract, right)]


async def _end_contract(tx: Transaction, contract: Contract, right: Entitlement) -> list[Fact]:
    """Of a right that is over: its contract waited for the dispute."""
    if right.state is not ENDED:
        return []
    ruled = right.reason_code == Reason.RULED
    ended = contract_rules.end(contract, str(right.reason_code), fulfilled=not ruled)
    if ended is contract:
        return []
    await contract_store.save_contract(tx, ended)
    return [ContractEnded.of(ended)]


TOLD_BY: dict[Remedy, type[EntitlementEnded | EntitlementSuspended | EntitlementEnlarged]] = {
    Remedy.END_RIGHT: EntitlementEnded,
    Remedy.SUSPEND_RIGHT: EntitlementSuspended,
    Remedy.REDELIVER: EntitlementEnlarged,
}


def _remedied(right: Entitlement, remedy: Remedy) -> Entitlement:
    match remedy:
        case Remedy.END_RIGHT:
            return right_rules.end(right, Reason.RULED)
        case Remedy.SUSPEND_RIGHT:
            return right_rules.suspend(right, Reason.RULED)
        case Remedy.REDELIVER:
            return right_rules.redeliver(right)
