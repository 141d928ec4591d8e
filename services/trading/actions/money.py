"""What a deal does with money, inside the transaction that decides the deal.

Each act takes the open transaction, moves money in the ledger, queues the instructions that follow from it, and gives
back the facts to record with the deal's own; each entry of the ledger names its fact. Requires that the aggregate
concerned is locked already; accounts are locked here, in the order of their ids, and the stripe comes last, with the
facts.
Promises: no money moves twice, whatever is retried; a deal whose money cannot move is taken back whole. What moves
between sub-accounts at the custodian is pending here until the custodian says that it has moved.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.trading.events.money import (
    DepositApplied,
    DepositForfeited,
    DepositHeld,
    DepositReleased,
    EscrowPaid,
    EscrowRefunded,
    InstructionGiven,
)
from services.trading.rules import ledger
from services.trading.rules.hold import POSTED, VOIDED, Hold
from services.trading.rules.instruction import (
    EXCHANGE_FEE,
    EXCHANGE_RESERVE,
    EXCHANGE_TAX,
    Instruction,
    InstructionKind,
    InstructionState,
    Part,
    Subject,
)
from services.trading.rules.ledger import Account, AccountKind, Phase, Transfer
from services.trading.rules.settlement import Forfeited, Shares
from services.trading.store import instruction as instruction_store
from services.trading.store import ledger as ledger_store
from shared.database import Transaction
from shared.facts import Fact
from shared.ids import AuctionId, FactId, InstructionId, OrderId, ParticipantId, TransferId
from shared.money import Money

Facts = tuple[Fact, ...]
Owners = tuple[tuple[ParticipantId, Money], ...]


async def hold_deposit(
    tx: Transaction, auction_id: AuctionId, participant_id: ParticipantId, amount: Money, now: datetime
) -> tuple[Hold, DepositHeld]:
    """Bind a bidder's deposit. Raises InsufficientFunds, or DepositHeldAlready at the second try for one auction."""
    wallet = ledger.wallet(participant_id, amount.currency)
    deposit = ledger.deposit(auction_id, participant_id, amount.currency)
    hold, fact_id = Hold(TransferId.new(), auction_id, participant_id, amount), FactId.new()
    pending = Transfer(hold.id, wallet, deposit, amount, Phase.PENDING)
    await ledger_store.add_transfers(tx, {fact_id: [pending]}, now)
    await ledger_store.add_hold(tx, hold)
    return hold, DepositHeld.of(hold, fact_id)


async def hold_of(tx: Transaction, auction_id: AuctionId, participant_id: ParticipantId) -> Hold:
    """A bidder's deposit, held or ended. Raises NoSuchHold."""
    return await ledger_store.hold_of(tx, auction_id, participant_id)


async def holds_of(tx: Transaction, auction_id: AuctionId) -> list[Hold]:
    """The deposits that are still held for an auction."""
    return await ledger_store.holds_of(tx, auction_id)


async def void_holds(tx: Transaction, holds: Sequence[Hold], now: datetime) -> Facts:
    """Free these deposits at once. Each has an instruction of its own, so that none waits for another's."""
    voids, facts = dict[FactId, Sequence[Transfer]](), list[Fact]()
    for hold in holds:
        await ledger_store.end_hold(tx, hold, VOIDED)
        fact_id = FactId.new()
        voids[fact_id] = [_pending(hold).void(TransferId.new())]
        facts.append(DepositReleased.of(hold, fact_id))
    if voids:
        await ledger_store.add_transfers(tx, voids, now)
    for hold in holds:
        to_owner = {str(hold.participant_id): hold.amount}
        release = (InstructionKind.RELEASE, hold.participant_id, to_owner, f"release:{hold.id}", hold.auction_id)
        facts.append(await give(tx, *release, now=now))
    return tuple(facts)


async def lock_holds(tx: Transaction, holds: Sequence[Hold], provider_id: ParticipantId) -> None:
    """Lock every balance that voiding some of these deposits and forfeiting others can change, in the one order, for
    both are more than one statement."""
    touched = [account for hold in holds for account in (_pending(hold).debit, _pending(hold).credit)]
    providers = [ledger.wallet(provider_id, hold.amount.currency) for hold in holds]
    await ledger_store.lock_accounts(tx, {*touched, *providers})


async def pay_order(
    tx: Transaction, order_id: OrderId, buyer_id: ParticipantId, price: Money, hold: Hold | None, now: datetime
) -> Facts:
    """Move the whole price into the order's escrow: from the deposit first, the rest from the wallet.

    What was held beyond the price goes back. A price of zero moves nothing. Raises InsufficientFunds.
    """
    if price.minor == 0:
        return await void_holds(tx, [hold] if hold else [], now)
    wallet, escrow = ledger.wallet(buyer_id, price.currency), ledger.escrow(order_id, price.currency)
    chain, facts, rest = list[Transfer](), list[Fact](), price
    if hold:
        await ledger_store.end_hold(tx, hold, POSTED)
        applied = min(hold.amount, price)
        pending = _pending(hold)
        chain += [
            pending.post(TransferId.new(), applied),
            Transfer(TransferId.new(), pending.credit, escrow, applied),
        ]
        facts.append(DepositApplied(hold.id, hold.auction_id, buyer_id, hold.amount, order_id, applied))
        rest = price - applied
    if rest.minor:
        chain.append(Transfer(TransferId.new(), wallet, escrow, rest))
    fact_id = FactId.new()
    await ledger_store.add_transfers(tx, {fact_id: chain}, now)
    return (*facts, EscrowPaid(order_id, buyer_id, price, _ids(chain), fact_id=fact_id))


async def settle_order(
    tx: Transaction, order_id: OrderId, buyer_id: ParticipantId, shares: Shares, refund: Money, now: datetime,
    earned: Owners,
) -> Facts:  # fmt: skip
    """Have the custodian share out what the order's escrow holds; until it has, nothing has moved (`settlement_of`).
    What of the price goes back to the buyer goes at once, under an instruction of its own. `earned` shares the
    provider's part among several who own what was sold.

    Requires shares and a refund that add up to what is in escrow. Shares of zero are left out, and a sale for nothing
    needs no custodian. Raises AlreadyInstructed if the order was settled or refunded before.
    """
    escrow, paid = ledger.escrow(order_id, shares.total.currency), _paid(shares, earned)
    split = await share_out(tx, escrow, buyer_id, paid, _end(order_id), order_id, now)
    key = f"part:{order_id}" if split else _end(order_id)
    return (*split, *await _refund(tx, order_id, buyer_id, refund, key, now))


async def release_early(
    tx: Transaction, order_id: OrderId, buyer_id: ParticipantId, shares: Shares, refund: Money, now: datetime,
    earned: Owners,
) -> Facts:  # fmt: skip
    """Share out, or give back, what of a disputed price nobody disputes. Raises AlreadyInstructed at the second try."""
    escrow, paid = ledger.escrow(order_id, refund.currency), _paid(shares, earned)
    split = await share_out(tx, escrow, buyer_id, paid, _early(order_id), order_id, now)
    return (*split, *await _refund(tx, order_id, buyer_id, refund, _early(order_id), now))


async def settlement_of(tx: Transaction, order_id: OrderId) -> InstructionState | None:
    """Where the custodian is with an order's settlement or refund, and with what of it was early. None if there was
    nothing to share out."""
    end = await instruction_store.standing(tx, _end(order_id))
    early = await instruction_store.standing(tx, _early(order_id))
    states = [each.state for each in (end, early) if each]
    return next((state for state in states if state is not InstructionState.CONFIRMED), states[0] if states else None)


async def refund_order(
    tx: Transaction, order_id: OrderId, buyer_id: ParticipantId, price: Money, now: datetime
) -> Facts:  # fmt: skip
    """Give the whole price back, at once: at the custodian it never left the buyer's sub-account.

    Raises AlreadyInstructed if the order was settled or refunded before.
    """
    return await _refund(tx, order_id, buyer_id, price, _end(order_id), now)


async def forfeit(
    tx: Transaction, hold: Hold, provider_id: ParticipantId, shares: Forfeited, now: datetime
) -> Facts:  # fmt: skip
    """Take a defaulter's deposit and have it shared out: costs, then the provider's loss, then the reserve.

    Requires shares that add up to the deposit. Raises HoldEnded if it is no longer held.
    """
    await ledger_store.end_hold(tx, hold, POSTED)
    pending, currency, fact_id = _pending(hold), hold.amount.currency, FactId.new()
    first = {fact_id: [pending.post(TransferId.new())]}
    paid = {
        EXCHANGE_FEE: (ledger.exchange(AccountKind.FEE_INCOME, currency), shares.costs),
        str(provider_id): (ledger.wallet(provider_id, currency), shares.provider),
        EXCHANGE_RESERVE: (ledger.exchange(AccountKind.RESERVE, currency), shares.reserve),
    }
    key = f"forfeit:{hold.id}"
    given = await share_out(tx, pending.credit, hold.participant_id, paid, key, hold.auction_id, now, first)
    told = (hold.id, hold.auction_id, hold.participant_id, hold.amount, shares)
    return (DepositForfeited(*told, fact_id=fact_id), *given)


async def return_reserve(
    tx: Transaction, order_id: OrderId, buyer_id: ParticipantId, unused: Money, now: datetime
) -> Facts:  # fmt: skip
    """Give back what of an order's escrow was reserved for use that was not made. Raises AlreadyInstructed at the
    second try."""
    return await _refund(tx, order_id, buyer_id, unused, f"meter:{order_id}", now)


async def _refund(
    tx: Transaction, order_id: OrderId, buyer_id: ParticipantId, amount: Money, natural_key: str, now: datetime
) -> Facts:  # fmt: skip
    if amount.minor == 0:
        return ()
    wallet, escrow = ledger.wallet(buyer_id, amount.currency), ledger.escrow(order_id, amount.currency)
    refund = (InstructionKind.REFUND, buyer_id, {str(buyer_id): amount}, natural_key, order_id)
    given = await give(tx, *refund, now=now)
    chain, fact_id = [Transfer(TransferId.new(), escrow, wallet, amount)], FactId.new()
    await ledger_store.add_transfers(tx, {fact_id: chain}, now)
    return (EscrowRefunded(order_id, buyer_id, amount, _ids(chain), fact_id=fact_id), given)


async def give(
    tx: Transaction, kind: InstructionKind, participant_id: ParticipantId, parts: Mapping[str, Money],
    natural_key: str, subject: Subject | None, transfer_ids: tuple[TransferId, ...] = (), *, now: datetime,
    instruction_id: InstructionId | None = None, fact_id: FactId | None = None, payer: str | None = None,
) -> InstructionGiven:  # fmt: skip
    """Queue an instruction that the participant's sub-account pays, or `payer`'s; a job sends it after the commit.

    Raises AlreadyInstructed if one with this natural key stands.
    """
    instruction = Instruction(
        instruction_id or InstructionId.new(), kind, participant_id, payer or participant_id,
        tuple(Part(payee, amount) for payee, amount in parts.items()), natural_key, now, now, subject, transfer_ids,
    )  # fmt: skip
    await instruction_store.add(tx, instruction)
    return InstructionGiven.of(instruction, fact_id)


async def share_out(
    tx: Transaction, source: Account, payer_id: ParticipantId, paid: Mapping[str, tuple[Account, Money]],
    natural_key: str, subject: Subject, now: datetime, first: Mapping[FactId, Sequence[Transfer]] | None = None,
) -> Facts:  # fmt: skip
    """Promise each share out of the source account, until the custodian has carried the split out.

    `first` is what fills the source, in the same chain, under the fact that tells of it.
    """
    shared = {payee: (account, amount) for payee, (account, amount) in paid.items() if amount.minor}
    if not shared:
        return ()
    chain = [Transfer(TransferId.new(), source, account, amount, Phase.PENDING) for account, amount in shared.values()]
    parts, fact_id = {payee: amount for payee, (_, amount) in shared.items()}, FactId.new()
    split = (InstructionKind.SPLIT, payer_id, parts, natural_key, subject, _ids(chain))
    given = await give(tx, *split, now=now, fact_id=fact_id)
    await ledger_store.add_transfers(tx, {**(first or {}), fact_id: chain}, now)
    return (given,)


def _pending(hold: Hold) -> Transfer:
    wallet = ledger.wallet(hold.participant_id, hold.amount.currency)
    deposit = ledger.deposit(hold.auction_id, hold.participant_id, hold.amount.currency)
    return Transfer(hold.id, wallet, deposit, hold.amount, Phase.PENDING)


def _ids(chain: Sequence[Transfer]) -> tuple[TransferId, ...]:
    return tuple(transfer.id for transfer in chain)


def _paid(shares: Shares, earned: Owners) -> dict[str, tuple[Account, Money]]:
    currency = shares.total.currency
    return {
        **{str(owner): (ledger.wallet(owner, currency), amount) for owner, amount in earned},
        EXCHANGE_FEE: (ledger.exchange(AccountKind.FEE_INCOME, currency), shares.fee),
        EXCHANGE_TAX: (ledger.exchange(AccountKind.TAX_PAYABLE, currency), shares.tax),
    }


def _early(order_id: OrderId) -> str:
    return f"early:{order_id}"


def _end(order_id: OrderId) -> str:
    """One key for both ways in which an escrow empties, so that only one of them can happen, once."""
    return f"end:{order_id}"
