"""What a dispute does with money, inside the transaction that decides it.

Requires that the order and the dispute are locked; the accounts that may change are locked here first, together, for
what follows is more than one statement. Promises: a fee is held before its side is heard and ends once; what nobody
disputes is shared out once; the end of a dispute moves what is left in escrow, whole.
"""

from collections.abc import Sequence
from datetime import datetime

from services.trading.actions import money
from services.trading.events.dispute_effects import (
    ArbitrationFeeCharged,
    ArbitrationFeeHeld,
    ArbitrationFeeReleased,
    OrderDivided,
)
from services.trading.rules import disputed, ledger
from services.trading.rules import order as order_rules
from services.trading.rules.arbitration_fee import FeeHold, charged
from services.trading.rules.demand import Side, Split
from services.trading.rules.dispute import Dispute
from services.trading.rules.hold import HELD, POSTED, VOIDED
from services.trading.rules.instruction import EXCHANGE_FEE, InstructionKind
from services.trading.rules.ledger import Account, AccountKind, Phase, Transfer
from services.trading.rules.order import Order
from services.trading.store import arbiter as arbiter_store
from services.trading.store import ledger as ledger_store
from services.trading.store import order as order_store
from shared.database import Transaction
from shared.facts import Fact
from shared.ids import DisputeId, FactId, ParticipantId, TransferId
from shared.money import Money


async def hold_fee(tx: Transaction, dispute: Dispute, side: Side, amount: Money, now: datetime) -> Fact:
    """Bind a side's fee for the round that it takes part in. Raises InsufficientFunds, FeeHeldAlready."""
    owner = dispute.participant_of(side)
    hold = FeeHold(TransferId.new(), dispute.id, dispute.number, side, owner, amount)
    fact_id = FactId.new()
    await ledger_store.add_transfers(tx, {fact_id: [_pending(hold)]}, now)
    await arbiter_store.add_fee(tx, hold)
    return ArbitrationFeeHeld.of(hold, fact_id)


async def lock(tx: Transaction, order: Order, dispute: Dispute) -> None:
    """Every balance that the end of a dispute can change, in the one order."""
    currency = dispute.price.currency
    owners = {dispute.buyer_id, dispute.provider_id} | {owner for owner, _ in order_rules.owners_of(order, order.price)}
    accounts = [ledger.escrow(dispute.order_id, currency)]
    if dispute.is_late:
        accounts.append(ledger.exchange(AccountKind.RESERVE, currency))
    for owner in owners:
        accounts += [ledger.wallet(owner, currency), ledger.arbitration(dispute.id, owner, currency)]
    await ledger_store.lock_accounts(tx, accounts)


async def end_fees(tx: Transaction, dispute: Dispute, fees: Split | None, now: datetime) -> list[Fact]:
    """Charge each side what the outcome lays on it, and free the rest."""
    facts = list[Fact]()
    for hold in await arbiter_store.fees_of(tx, dispute.id):
        if hold.state is HELD:
            facts += await _end_fee(tx, hold, charged(hold, fees), now)
    return facts


async def release_undisputed(tx: Transaction, order: Order, dispute: Dispute, now: datetime) -> list[Fact]:
    """What the claimant does not ask for is the other side's, before anything is ruled. Nothing, if all is disputed."""
    undisputed, nothing = dispute.undisputed, Money(0, dispute.price.currency)
    if undisputed == nothing:
        return []
    is_buyers = dispute.respondent_id == dispute.buyer_id
    divided = disputed.release(order, *((nothing, undisputed) if is_buyers else (undisputed, nothing)))
    await order_store.save_order(tx, divided)
    shares, earned = order_rules.shares_of(order, divided.released), order_rules.owners_of(order, divided.released)
    moved = await money.release_early(tx, order.id, order.buyer_id, shares, divided.refund, now, earned)
    return [OrderDivided.of(divided), *moved]


def refund_of(dispute: Dispute) -> Money:
    """What of the price is the buyer's, all in all. Requires an outcome."""
    outcome = dispute.outcome
    assert outcome is not None
    if dispute.claimant_id == dispute.buyer_id:
        return outcome.claimant
    return outcome.respondent + dispute.undisputed


async def entries(tx: Transaction, dispute: Dispute, limit: int) -> Sequence[ledger_store.Entry]:
    """The ledger's entries on the order's escrow and both sides' fees, oldest first."""
    currency = dispute.price.currency
    accounts = [ledger.escrow(dispute.order_id, currency)]
    accounts += [_account(dispute.id, owner, currency) for owner in (dispute.buyer_id, dispute.provider_id)]
    found = {
        entry.transfer.id: entry
        for account in accounts
        for entry in await ledger_store.entries_of(tx, account, None, limit)
    }
    return [found[each] for each in sorted(found)]


async def _end_fee(tx: Transaction, hold: FeeHold, due: Money, now: datetime) -> list[Fact]:
    pending, fact_id = _pending(hold), FactId.new()
    if due.minor == 0:
        await arbiter_store.end_fee(tx, hold, VOIDED)
        await ledger_store.add_transfers(tx, {fact_id: [pending.void(TransferId.new())]}, now)
        to_owner = {str(hold.participant_id): hold.amount}
        release = (InstructionKind.RELEASE, hold.participant_id, to_owner, f"release:{hold.id}", hold.dispute_id)
        return [ArbitrationFeeReleased.of(hold, fact_id), await money.give(tx, *release, now=now)]
    await arbiter_store.end_fee(tx, hold, POSTED)
    first = {fact_id: [pending.post(TransferId.new(), due)]}
    paid = {EXCHANGE_FEE: (ledger.exchange(AccountKind.FEE_INCOME, due.currency), due)}
    told = (hold.id, hold.dispute_id, hold.number, hold.side, hold.participant_id, hold.amount, due)
    split = (pending.credit, hold.participant_id, paid, f"arbitration:{hold.id}", hold.dispute_id)
    return [ArbitrationFeeCharged(*told, fact_id=fact_id), *await money.share_out(tx, *split, now, first)]


def _pending(hold: FeeHold) -> Transfer:
    wallet = ledger.wallet(hold.participant_id, hold.amount.currency)
    account = _account(hold.dispute_id, hold.participant_id, hold.amount.currency)
    return Transfer(hold.id, wallet, account, hold.amount, Phase.PENDING)


def _account(dispute_id: DisputeId, owner: ParticipantId, currency: str) -> Account:
    return ledger.arbitration(dispute_id, owner, currency)
