"""What happens when money is to leave a wallet: by one person up to the limit of a day, by two whatever it comes to.

Promises: the money is held from the first person's word on, by the one pending transfer that ends with whatever comes
of it; so a proposal needs no second look at the wallet, and what one organisation proposes twice it must have twice.
Whoever decides, and the time that passes, are decided by the locked proposal and the moment taken after it. Every
payout locks the wallet before it counts what went out today.
Locks the proposal, then the names of the wallet, then accounts.
"""

from datetime import datetime

from services.trading.actions import money
from services.trading.actions.restraint import require_wallet_free
from services.trading.actions.treasury import Treasury
from services.trading.events.payout import PayoutApproved, PayoutLapsed, PayoutProposed, PayoutRefused
from services.trading.rules import ledger
from services.trading.rules import payout as rules
from services.trading.rules.instruction import Instruction, InstructionKind
from services.trading.rules.ledger import Phase, Transfer
from services.trading.rules.payout import Proposal
from services.trading.store import instruction as instruction_store
from services.trading.store import ledger as ledger_store
from services.trading.store import payout as store
from shared.access import Member
from shared.database import Transaction
from shared.idempotency import Once
from shared.ids import FactId, InstructionId, ParticipantId, PayoutProposalId, TransferId
from shared.money import Money
from shared.web import Page


async def pay_out(treasury: Treasury, member: Member, amount: Money, once: Once) -> Instruction:
    """Have available money paid out to the member's bank. Held from now on, gone once the custodian says so.

    Raises PayoutNeedsSecond or NoSecondPerson above the limit of the day; InsufficientFunds; StandingUnknown while it
    cannot be confirmed that the member is in good standing.
    """
    treasury.standing.require_fresh()
    persons = treasury.persons_of(member.participant_id)
    async with treasury.database.transaction() as tx:
        if earlier := await once.recall(tx, Instruction):
            return earlier
        now = await treasury.database.now(tx)
        await require_wallet_free(tx, member.participant_id, now)
        paid_out = await _paid_out_alone(tx, member.participant_id, amount.currency, now)
        rules.require_alone(amount, paid_out, persons, treasury.payout, now)
        pending, instruction_id, fact_id = _leaving(member.participant_id, amount), InstructionId.new(), FactId.new()
        await ledger_store.add_transfers(tx, {fact_id: [pending]}, now)
        given = await money.give(
            tx, InstructionKind.PAYOUT, member.participant_id, {str(member.participant_id): amount},
            f"payout:{instruction_id}", None, (pending.id,), now=now, instruction_id=instruction_id, fact_id=fact_id,
        )  # fmt: skip
        instruction = await instruction_store.locked(tx, instruction_id)
        await once.remember(tx, instruction)
        await treasury.outbox.record(tx, member.actor, now, given)
    return instruction


async def propose(treasury: Treasury, member: Member, amount: Money, once: Once) -> Proposal:
    """The first of two. The money is held until a colleague has decided, or nobody has in time.

    Raises PersonsOnly; NoSecondPerson; InsufficientFunds; StandingUnknown as above.
    """
    treasury.standing.require_fresh()
    persons = treasury.persons_of(member.participant_id)
    async with treasury.database.transaction() as tx:
        if earlier := await once.recall(tx, Proposal):
            return earlier
        rules.require_person(member.caller.kind)
        now = await treasury.database.now(tx)
        await require_wallet_free(tx, member.participant_id, now)
        paid_out = await _paid_out_alone(tx, member.participant_id, amount.currency, now)
        rules.require_second(paid_out, persons, treasury.payout, now)
        pending, fact_id = _leaving(member.participant_id, amount), FactId.new()
        made = (PayoutProposalId.new(), member.participant_id, amount, pending.id, member.subject)
        proposal = rules.propose(*made, treasury.payout, now)
        await ledger_store.add_transfers(tx, {fact_id: [pending]}, now)
        await store.add_proposal(tx, proposal)
        await once.remember(tx, proposal)
        await treasury.outbox.record(tx, member.actor, now, PayoutProposed.of(proposal, fact_id))
    return proposal


async def approve(treasury: Treasury, member: Member, proposal_id: PayoutProposalId, once: Once) -> Proposal:
    """The second of two: the custodian is instructed to pay out what is held.

    Raises PersonsOnly; OwnProposal; ProposalTooLate; Frozen if an order holds the wallet by now; StandingUnknown.
    """
    treasury.standing.require_fresh()
    async with treasury.database.transaction() as tx:
        if earlier := await once.recall(tx, Proposal):
            return earlier
        rules.require_person(member.caller.kind)
        before = await store.proposal_for_update(tx, proposal_id, member.participant_id)
        now = await treasury.database.now(tx)
        proposal = rules.approve(before, member.subject, InstructionId.new(), now)
        await require_wallet_free(tx, member.participant_id, now)
        given = await money.give(
            tx, InstructionKind.PAYOUT, proposal.participant_id, {str(proposal.participant_id): proposal.amount},
            f"payout:{proposal.id}", None, (proposal.transfer_id,), now=now, instruction_id=proposal.instruction_id,
        )  # fmt: skip
        await store.save_proposal(tx, proposal)
        await once.remember(tx, proposal)
        await treasury.outbox.record(tx, member.actor, now, PayoutApproved.of(proposal), given)
    return proposal


async def refuse(treasury: Treasury, member: Member, proposal_id: PayoutProposalId, once: Once) -> Proposal:
    """No, by anyone of the organisation; the money is free in the same commit."""
    async with treasury.database.transaction() as tx:
        if earlier := await once.recall(tx, Proposal):
            return earlier
        before = await store.proposal_for_update(tx, proposal_id, member.participant_id)
        now = await treasury.database.now(tx)
        proposal = rules.refuse(before, member.subject, now)
        fact_id = FactId.new()
        await _set_free(tx, proposal, fact_id, now)
        await once.remember(tx, proposal)
        await treasury.outbox.record(tx, member.actor, now, PayoutRefused.of(proposal, fact_id))
    return proposal


async def pass_deadline(treasury: Treasury, proposal_id: PayoutProposalId) -> None:
    """Give back what nobody approved in its time."""
    async with treasury.database.transaction() as tx:
        before = await store.proposal_for_update(tx, proposal_id)
        now = await treasury.database.now(tx)
        if not rules.is_due(before, now):
            return
        lapsed, fact_id = rules.pass_deadline(before), FactId.new()
        await _set_free(tx, lapsed, fact_id, now)
        await treasury.outbox.record(tx, treasury.outbox.itself, now, PayoutLapsed.of(lapsed, fact_id))


async def proposal(treasury: Treasury, member: Member, proposal_id: PayoutProposalId) -> Proposal:
    async with treasury.database.read() as tx:
        return await store.proposal(tx, proposal_id, member.participant_id)


async def proposals(treasury: Treasury, member: Member, page: Page) -> list[Proposal]:
    """The organisation's own, newest first; one more than the page holds, if there are more."""
    async with treasury.database.read() as tx:
        return await store.page_of_proposals(tx, member.participant_id, page)


async def _paid_out_alone(tx: Transaction, participant_id: ParticipantId, currency: str, now: datetime) -> Money:
    """What went out by one person's word in the day of this moment. Locks the wallet, so that of two payouts the later
    counts the first; requires that what is added to it is given at the same moment."""
    await ledger_store.lock_accounts(tx, [ledger.wallet(participant_id, currency)])
    return await store.paid_out_alone(tx, participant_id, currency, now)


async def _set_free(tx: Transaction, proposal: Proposal, fact_id: FactId, now: datetime) -> None:
    pending = _leaving(proposal.participant_id, proposal.amount, proposal.transfer_id)
    await ledger_store.add_transfers(tx, {fact_id: [pending.void(TransferId.new())]}, now)
    await store.save_proposal(tx, proposal)


def _leaving(participant_id: ParticipantId, amount: Money, transfer_id: TransferId | None = None) -> Transfer:
    """The pending transfer that holds what is to go out."""
    wallet, bank = ledger.wallet(participant_id, amount.currency), ledger.bank(amount.currency)
    return Transfer(transfer_id or TransferId.new(), wallet, bank, amount, Phase.PENDING)
