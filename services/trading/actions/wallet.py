"""What a participant does with their own money, and what supervisors see of all of it."""

from dataclasses import dataclass

from services.trading.actions import money
from services.trading.actions.treasury import Treasury
from services.trading.rules import ledger
from services.trading.rules.instruction import Instruction, InstructionKind
from services.trading.rules.ledger import Phase, Transfer
from services.trading.store import instruction as instruction_store
from services.trading.store import ledger as ledger_store
from services.trading.store import returning as returning_store
from services.trading.store.ledger import Entry, KindSum
from shared.access import Member
from shared.idempotency import Once
from shared.ids import FactId, InstructionId, ParticipantId, TransferId
from shared.money import Money
from shared.web import Page

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Wallet:
    """What its owner can spend, and what is held for auctions or on its way out. Escrow has left the wallet. `owed` is
    what their next income goes to first."""

    available: Money
    held: Money
    owed: Money
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class TrialBalance:
    sums: list[KindSum]
    drifting_accounts: list[str]


async def pay_in(treasury: Treasury, member: Member, amount: Money, once: Once) -> Instruction:
    """Ask the custodian to take the member's money in. The wallet has it once the custodian says so."""
    bank, wallet = ledger.bank(amount.currency), ledger.wallet(member.participant_id, amount.currency)
    async with treasury.database.transaction() as tx:
        if earlier := await once.recall(tx, Instruction):
            return earlier
        now = await treasury.database.now(tx)
        pending = Transfer(TransferId.new(), bank, wallet, amount, Phase.PENDING)
        instruction_id, fact_id = InstructionId.new(), FactId.new()
        await ledger_store.add_transfers(tx, {fact_id: [pending]}, now)
        given = await money.give(
            tx, InstructionKind.PAY_IN, member.participant_id, {str(member.participant_id): amount},
            f"pay_in:{instruction_id}", None, (pending.id,), now=now, instruction_id=instruction_id, fact_id=fact_id,
        )  # fmt: skip
        instruction = await instruction_store.locked(tx, instruction_id)
        await once.remember(tx, instruction)
        await treasury.outbox.record(tx, member.actor, now, given)
    return instruction


async def wallet(treasury: Treasury, participant_id: ParticipantId) -> Wallet:
    async with treasury.database.read() as tx:
        balance = await ledger_store.balance(tx, ledger.wallet(participant_id, CURRENCY))
        owed_minor = await returning_store.owed_minor(tx, participant_id, CURRENCY)
    told = (Money(minor, CURRENCY) for minor in (balance.available, balance.debits_pending, owed_minor))
    available, held, owed = told
    return Wallet(available, held, owed)


async def transfers(treasury: Treasury, participant_id: ParticipantId, page: Page) -> list[Entry]:
    """The wallet's transfers, newest first; one more than the page holds, if there are more."""
    account = ledger.wallet(participant_id, CURRENCY)
    before = page.after_id(TransferId)
    async with treasury.database.read() as tx:
        return await ledger_store.entries_of(tx, account, before, page.limit + 1)


async def instruction(treasury: Treasury, participant_id: ParticipantId, instruction_id: InstructionId) -> Instruction:
    async with treasury.database.read() as tx:
        return await instruction_store.of_participant(tx, instruction_id, participant_id)


async def trial_balance(treasury: Treasury) -> TrialBalance:
    """Every kind of account, folded from all transfers in one consistent view."""
    async with treasury.database.read() as tx:
        return TrialBalance(await ledger_store.sums_by_kind(tx), await ledger_store.drifting_accounts(tx))
