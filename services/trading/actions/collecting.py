"""What is taken of money that comes in, for what its new owner owes: in the commit that brings it, before it is theirs
to spend.

Promises: the oldest debt first, never more than came in, never more than is owed; the custodian moves it by an
instruction of its own; a debt that is opened at the very same time is not passed over, but makes the commit come again.
"""

from collections.abc import Sequence
from datetime import datetime

from services.trading.actions import money
from services.trading.actions.returning import account_of
from services.trading.events.returning import ReceivableCollected
from services.trading.rules import ledger
from services.trading.rules import returning as rules
from services.trading.rules.instruction import CONFIRMED, Instruction, InstructionKind
from services.trading.rules.ledger import Account, AccountKind, Phase, Transfer
from services.trading.rules.returning import Receivable
from services.trading.store import ledger as ledger_store
from services.trading.store import returning as store
from shared.database import Transaction
from shared.errors import Unavailable
from shared.facts import Fact
from shared.ids import FactId, ParticipantId, TransferId
from shared.money import Money


class DebtsChanged(Unavailable):
    """Someone came to owe money at this moment; the same again is decided anew."""


async def add_ends(
    tx: Transaction, by: Instruction, ends: Sequence[Transfer], fact_id: FactId, now: datetime
) -> tuple[Fact, ...]:
    """Add what ends with an instruction to the ledger, and with it what goes to creditors of the money that came in.

    Requires the instruction locked, and the fact that tells of its end. Locks the debts first, then every balance that
    they and the ends change. Raises DebtsChanged.
    """
    told, facts = {fact_id: ends}, list[Fact]()
    taken = [(each, amount, _chain(each, amount)) for each, amount in await _due(tx, by, ends)]
    for receivable, amount, chain in taken:
        given_id, ids = FactId.new(), tuple(each.id for each in chain)
        parts, key = {receivable.creditor: amount}, f"collect:{receivable.id}:{by.id}"
        split = (InstructionKind.SPLIT, receivable.debtor_id, parts, key, receivable.order_id, ids)
        facts.append(await money.give(tx, *split, now=now, fact_id=given_id))
        facts.append(ReceivableCollected.of(receivable, amount, ids, by.id))
        told[given_id] = chain
    await ledger_store.add_transfers(tx, told, now)
    for receivable, amount, chain in taken:
        await store.collect(tx, receivable, amount, chain[0].id, by.id)
    return tuple(facts)


async def _due(
    tx: Transaction, by: Instruction, ends: Sequence[Transfer]
) -> tuple[tuple[Receivable, Money], ...]:  # fmt: skip
    came_in = _came_in(by, ends)
    if not came_in:
        return ()
    debts = await store.open_debts(tx, came_in, by.amount.currency)
    touched = {account for transfer in ends for account in (transfer.debit, transfer.credit)}
    await ledger_store.lock_accounts(tx, touched.union(*map(_accounts, debts)))
    if await store.open_debts(tx, came_in, by.amount.currency, lock=False) != debts:
        raise DebtsChanged(retry_after_seconds=1)
    return rules.collected(debts, came_in)


def _came_in(by: Instruction, ended: Sequence[Transfer]) -> dict[ParticipantId, Money]:
    """What each participant can spend from now on that they could not before: their part of a split, or a payout that
    was refused. Money that somebody pays in is theirs to use as they say."""
    found = dict[ParticipantId, Money]()
    for transfer in ended:
        if by.state is CONFIRMED and by.kind is InstructionKind.SPLIT:
            account = transfer.credit
        elif by.kind is InstructionKind.PAYOUT and transfer.phase is Phase.VOID:
            account = transfer.debit
        else:
            continue
        if account.kind is AccountKind.WALLET:
            owner = ParticipantId(account.owner)
            found[owner] = found.get(owner, Money(0, account.currency)) + transfer.amount
    return found


def _chain(receivable: Receivable, amount: Money) -> list[Transfer]:
    """The money to its creditor, and the claim that it meets; both wait for the custodian."""
    wallet, creditor, claim, owed = _accounts(receivable)
    return [
        Transfer(TransferId.new(), wallet, creditor, amount, Phase.PENDING),
        Transfer(TransferId.new(), claim, owed, amount, Phase.PENDING),
    ]


def _accounts(receivable: Receivable) -> tuple[Account, Account, Account, Account]:
    currency = receivable.amount.currency
    return (
        ledger.wallet(receivable.debtor_id, currency), account_of(receivable.creditor, currency),
        ledger.claim(receivable.id, currency), ledger.receivable(receivable.debtor_id, currency),
    )  # fmt: skip
