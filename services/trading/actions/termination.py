"""What happens when the parties end a contract before its time: proposed by one, agreed to or contested by the other.

Promises: the commit of a yes ends the contract, its right and, if nothing was delivered, its order, whose money goes
back; what was delivered is accepted and settled as it would have been, and the right ends for the future alone.
Locks the auction before its order, the order before its contract, and the proposal last.
"""

from datetime import datetime

from services.trading.actions.meter import read_off
from services.trading.actions.order import follow_up
from services.trading.actions.trading import Trading
from services.trading.events.contracts import TerminationAnswered, TerminationProposed
from services.trading.events.deals import ContractEnded, EntitlementEnded
from services.trading.rules import contract as contract_rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import termination as rules
from services.trading.rules.contract import Contract
from services.trading.rules.order import Order
from services.trading.rules.termination import Ground, Objection, Termination
from services.trading.store import auction as auction_store
from services.trading.store import contract as contract_store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import order as order_store
from services.trading.store import termination as store
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import ContractId, ParticipantId, TerminationId
from shared.web import Page


async def propose(
    trading: Trading, caller: Member, contract_id: ContractId, ground: Ground, reason: str, once: Once
) -> Termination:
    """Ask the other side to end a contract in force, and say why."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Termination):
            return earlier
        _, contract = await _locked(tx, contract_id, caller.participant_id)
        now = await trading.database.now(tx)
        side = contract.side_of(caller.participant_id)
        proposed = rules.propose(TerminationId.new(), contract, side, ground, reason, now)
        await store.add_termination(tx, proposed)
        await once.remember(tx, proposed)
        await trading.outbox.record(tx, caller.actor, now, TerminationProposed.of(proposed))
    return proposed


async def agree(
    trading: Trading, caller: Member, contract_id: ContractId, termination_id: TerminationId, ground: Ground,
    reason: str, once: Once,
) -> Termination:  # fmt: skip
    """Agree to what the other side proposed: the contract ends with this."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Termination):
            return earlier
        order, contract = await _locked(tx, contract_id, caller.participant_id)
        proposed = await store.termination_for_update(tx, termination_id, contract_id)
        now = await trading.database.now(tx)
        agreed = rules.agree(proposed, contract.side_of(caller.participant_id), ground, reason, now)
        contract_rules.require_active(contract)
        await store.save_termination(tx, agreed)
        facts: list[Fact] = [TerminationAnswered.of(agreed), *await _end(tx, order, contract, now)]
        await once.remember(tx, agreed)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return agreed


async def contest(
    trading: Trading, caller: Member, contract_id: ContractId, termination_id: TerminationId, objection: Objection,
    reason: str, once: Once,
) -> Termination:  # fmt: skip
    """Not agree to what the other side proposed, and say why: the contract stands."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Termination):
            return earlier
        _, contract = await _locked(tx, contract_id, caller.participant_id)
        proposed = await store.termination_for_update(tx, termination_id, contract_id)
        now = await trading.database.now(tx)
        contested = rules.contest(proposed, contract.side_of(caller.participant_id), objection, reason, now)
        await store.save_termination(tx, contested)
        await once.remember(tx, contested)
        await trading.outbox.record(tx, caller.actor, now, TerminationAnswered.of(contested))
    return contested


async def terminations(
    trading: Trading, party_id: ParticipantId | None, contract_id: ContractId, page: Page
) -> list[Termination]:
    """What was proposed to end a contract, newest first."""
    async with trading.database.read() as tx:
        await contract_store.contract(tx, contract_id, party_id)
        return await store.page_of_terminations(tx, page, contract_id)


async def pass_deadline(trading: Trading, termination_id: TerminationId) -> None:
    """Take no answer for a no, if nobody has answered yet."""
    async with trading.database.transaction() as tx:
        contract_id = await store.contract_of(tx, termination_id)
        await _locked(tx, contract_id, None)
        proposed = await store.termination_for_update(tx, termination_id, contract_id)
        now = await trading.database.now(tx)
        if proposed.state is not rules.PROPOSED or not rules.deadline_has_passed(proposed, now):
            return
        lapsed = rules.pass_deadline(proposed)
        await store.save_termination(tx, lapsed)
        await trading.outbox.record(tx, trading.outbox.itself, now, TerminationAnswered.of(lapsed))


async def _locked(
    tx: Transaction, contract_id: ContractId, party_id: ParticipantId | None
) -> tuple[Order, Contract]:  # fmt: skip
    """Raises NoSuchContract for whoever is not one of the two."""
    seen = await contract_store.contract(tx, contract_id, party_id)
    auction_id = await order_store.auction_of(tx, seen.order_id)
    if auction_id is not None:
        await auction_store.auction_for_update(tx, auction_id)
    await order_store.lock_bundle(tx, seen.order_id)
    order = await order_store.order_for_update(tx, seen.order_id)
    return order, await contract_store.contract_for_update(tx, contract_id)


async def _end(tx: Transaction, order: Order, contract: Contract, now: datetime) -> list[Fact]:
    """End the contract: with its order, where nothing was delivered, and alone where something was."""
    called_off = rules.call_off(order, now)
    if called_off is not order:
        await order_store.save_order(tx, called_off)
        return await follow_up(tx, order, called_off, now)
    ended = contract_rules.end(contract, entitlement_rules.Reason.TERMINATED_BY_AGREEMENT)
    await contract_store.save_contract(tx, ended)
    facts: list[Fact] = [ContractEnded.of(ended)]
    assert order.entitlement_id
    right = await entitlement_store.entitlement_for_update(tx, order.entitlement_id)
    over = entitlement_rules.end(right, entitlement_rules.Reason.TERMINATED_BY_AGREEMENT)
    if over is not right:
        await entitlement_store.save_entitlement(tx, over)
        facts.append(EntitlementEnded.of(over))
    if order.runs_meter:
        _, read = await read_off(tx, order, right, now)
        facts += read
    return facts
