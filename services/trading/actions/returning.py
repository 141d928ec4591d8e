"""What happens when money goes back after it was shared out: compensating transfers, and debts where they fall short.

Promises: the price never goes back twice, whoever asks at the same time, for the order is locked; every owner is asked
for what they have, and no more; nothing has moved until the custodian says so; each sub-account that pays has an
instruction of its own, so that none waits for another's.
"""

from collections.abc import Sequence
from datetime import datetime

from services.trading.actions import money
from services.trading.actions.restraint import require_may_return
from services.trading.actions.trading import Trading
from services.trading.events.returning import OrderReturned, ReceivableOpened
from services.trading.rules import ledger
from services.trading.rules import returning as rules
from services.trading.rules.instruction import EXCHANGE_FEE, EXCHANGE_RESERVE, EXCHANGE_TAX, InstructionKind
from services.trading.rules.ledger import Account, AccountKind, Phase, Transfer
from services.trading.rules.order import NoSuchOrder, Order
from services.trading.rules.returning import Cause, Payment, Receivable, Return, Share
from services.trading.store import ledger as ledger_store
from services.trading.store import order as order_store
from services.trading.store import returning as store
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import FactId, OrderId, ParticipantId, ReceivableId, TransferId
from shared.money import Money, total
from shared.web import Page

EXCHANGES = {
    EXCHANGE_FEE: AccountKind.FEE_INCOME, EXCHANGE_TAX: AccountKind.TAX_PAYABLE, EXCHANGE_RESERVE: AccountKind.RESERVE,
}  # fmt: skip


async def give_back(
    trading: Trading, provider: Member, order_id: OrderId, amount: Money, reason: str, once: Once
) -> Return:  # fmt: skip
    """The provider returns some of a price that was shared out. Raises NotSettled, ReturnTooHigh, BadReturn."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Return):
            return earlier
        order = await order_store.order_for_update(tx, order_id)
        if order.provider_id != provider.participant_id:
            raise NoSuchOrder()
        now = await trading.database.now(tx)
        made, facts = await return_after_settlement(tx, order, amount, Cause.BY_PROVIDER, reason, now)
        await once.remember(tx, made)
        await trading.outbox.record(tx, provider.actor, now, *facts)
    return made


async def return_after_settlement(
    tx: Transaction, order: Order, amount: Money, cause: Cause, reason: str, now: datetime
) -> tuple[Return, money.Facts]:
    """Give so much of a settled order's price back to its buyer, whoever decided so. Saves the order.

    Requires the locked order. Owners, fee and tax give back in proportion to what they got; what an owner cannot cover
    now the reserve pays, and beyond that the buyer waits for the owner's next income. The facts are for the caller to
    record, last. Raises Frozen while the money is held, and what `give_back` raises.
    """
    await require_may_return(tx, order, now)
    order, due = rules.give_back(order, amount)
    available_minor, reserve_minor = await _available(tx, due, order)
    payments, debts = rules.covered(due, available_minor, reserve_minor, order.buyer_id)
    number = await store.next_number(tx, order.id)
    made = Return(order.id, number, amount, cause, reason, payments, debts, now)
    await order_store.save_order(tx, order)
    transfers, given, told = await _instruct(tx, order, made, now)
    opened, owed = _receivables(made), list[Fact]()
    for receivable in opened:
        fact_id, noted = FactId.new(), _noted(receivable)
        told[fact_id] = [noted]
        owed.append(ReceivableOpened.of(receivable, (noted.id,), fact_id))
    await ledger_store.add_transfers(tx, told, now)
    await store.add(tx, made, transfers)
    await store.add_receivables(tx, opened)
    return made, (OrderReturned.of(order, made), *given, *owed)


async def returns(trading: Trading, party_id: ParticipantId | None, order_id: OrderId, page: Page) -> list[Return]:
    """Of an order that one is a party to; one more than the page holds, if there are more."""
    async with trading.database.read() as tx:
        order = await order_store.order(tx, order_id, party_id)
        return await store.of_order(tx, order.id, page)


async def one(trading: Trading, party_id: ParticipantId | None, order_id: OrderId, number: int) -> Return:
    async with trading.database.read() as tx:
        order = await order_store.order(tx, order_id, party_id)
        return await store.one(tx, order.id, number)


async def receivables(trading: Trading, party_id: ParticipantId | None, page: Page) -> list[Receivable]:
    """What one owes and is owed; everyone's for supervisors."""
    async with trading.database.read() as tx:
        return await store.page_of_receivables(tx, page, party_id)


def account_of(payer: str, currency: str) -> Account:
    """The account that mirrors a sub-account: a participant's wallet, or one of the exchange's own."""
    if payer in EXCHANGES:
        return ledger.exchange(EXCHANGES[payer], currency)
    return ledger.wallet(ParticipantId(payer), currency)


async def _available(tx: Transaction, due: Sequence[Share], order: Order) -> tuple[dict[str, int], int]:
    """What each owner has, and what the reserve has, with every balance locked that the return can change."""
    currency = order.price.currency
    owners = [share.bearer for share in due if share.bearer not in EXCHANGES]
    reserve = account_of(EXCHANGE_RESERVE, currency)
    wallets = {owner: account_of(owner, currency) for owner in owners}
    await ledger_store.lock_accounts(tx, {*wallets.values(), reserve, ledger.wallet(order.buyer_id, currency)})
    available = {owner: (await ledger_store.balance(tx, account)).available for owner, account in wallets.items()}
    return available, (await ledger_store.balance(tx, reserve)).available


async def _instruct(
    tx: Transaction, order: Order, made: Return, now: datetime
) -> tuple[dict[Payment, TransferId], list[Fact], dict[FactId, Sequence[Transfer]]]:
    """An instruction for each sub-account that pays, with the transfers that wait for it."""
    transfers, facts, told = dict[Payment, TransferId](), list[Fact](), dict[FactId, Sequence[Transfer]]()
    wallet = ledger.wallet(order.buyer_id, made.amount.currency)
    for payer in sorted({payment.payer for payment in made.payments}):
        pays = [payment for payment in made.payments if payment.payer == payer]
        source, fact_id = account_of(payer, made.amount.currency), FactId.new()
        chain = [Transfer(TransferId.new(), source, wallet, each.amount, Phase.PENDING) for each in pays]
        transfers |= {each: transfer.id for each, transfer in zip(pays, chain, strict=True)}
        parts = {str(order.buyer_id): total([each.amount for each in pays], made.amount.currency)}
        key = f"return:{order.id}:{made.number}:{payer}"
        whose = order.buyer_id if payer in EXCHANGES else ParticipantId(payer)
        ids = tuple(transfer.id for transfer in chain)
        split = (InstructionKind.SPLIT, whose, parts, key, order.id, ids)
        facts.append(await money.give(tx, *split, now=now, fact_id=fact_id, payer=payer))
        told[fact_id] = chain
    return transfers, facts, told


def _receivables(made: Return) -> list[Receivable]:
    nothing = Money(0, made.amount.currency)
    return [
        Receivable(
            ReceivableId.new(), debt.debtor_id, debt.creditor, made.order_id, made.number, debt.amount, nothing,
            made.returned_at,
        )
        for debt in made.debts
    ]  # fmt: skip


def _noted(receivable: Receivable) -> Transfer:
    """The debt on the debtor's account, and the claim that it is good for."""
    currency = receivable.amount.currency
    owed, claim = ledger.receivable(receivable.debtor_id, currency), ledger.claim(receivable.id, currency)
    return Transfer(TransferId.new(), owed, claim, receivable.amount)
