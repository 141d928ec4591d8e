"""How payouts that two persons decide on are kept, and what one alone has paid out.

Promises: a proposal that changed since it was read is not saved. What was paid out is read right only by whoever has
locked the wallet, for every payout locks it before it counts.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from services.trading.rules.instruction import REFUSED, InstructionKind
from services.trading.rules.payout import PAYOUT_PROPOSAL, NoSuchPayoutProposal, Proposal, State, day_of
from services.trading.store import rows
from services.trading.tables.money import instructions
from services.trading.tables.payouts import payout_proposals
from shared.database import Transaction, for_update
from shared.ids import ParticipantId, PayoutProposalId
from shared.money import Money
from shared.web import Page

DUE_MAX = 100


async def paid_out_alone(tx: Transaction, participant_id: ParticipantId, currency: str, now: datetime) -> Money:
    """What went out, or is on its way out, by one person's word in the day of this moment."""
    begins, ends = day_of(now)
    by_two = select(payout_proposals.c.instruction_id).where(payout_proposals.c.instruction_id == instructions.c.id)
    of_the_day = (
        instructions.c.participant_id == participant_id, instructions.c.kind == InstructionKind.PAYOUT,
        instructions.c.created_at >= begins, instructions.c.created_at < ends,
        instructions.c.currency == currency, instructions.c.state != REFUSED, ~by_two.exists(),
    )  # fmt: skip
    return Money(int(await tx.scalar(select(func.sum(instructions.c.amount_minor)).where(*of_the_day)) or 0), currency)


async def add_proposal(tx: Transaction, proposal: Proposal) -> None:
    fixed = {
        "id": proposal.id, "participant_id": proposal.participant_id, "amount_minor": proposal.amount.minor,
        "currency": proposal.amount.currency, "transfer_id": proposal.transfer_id,
        "proposed_by": proposal.proposed_by, "proposed_at": proposal.proposed_at,
    }  # fmt: skip
    await rows.add(tx, payout_proposals, fixed | _changing(proposal))


async def save_proposal(tx: Transaction, proposal: Proposal) -> None:
    await rows.save(tx, payout_proposals, proposal, _changing(proposal))


async def proposal(tx: Transaction, proposal_id: PayoutProposalId, participant_id: ParticipantId) -> Proposal:
    """The participant's own: another's is not there."""
    where = (payout_proposals.c.id == proposal_id, payout_proposals.c.participant_id == participant_id)
    return _found((await tx.execute(select(*payout_proposals.c).where(*where))).one_or_none())


async def proposal_for_update(
    tx: Transaction, proposal_id: PayoutProposalId, participant_id: ParticipantId | None = None
) -> Proposal:
    """None looks for everyone's."""
    query = select(*payout_proposals.c).where(payout_proposals.c.id == proposal_id)
    if participant_id is not None:
        query = query.where(payout_proposals.c.participant_id == participant_id)
    return _found((await tx.execute(for_update(query, tx))).one_or_none())


async def page_of_proposals(tx: Transaction, participant_id: ParticipantId, page: Page) -> list[Proposal]:
    query = select(*payout_proposals.c).where(payout_proposals.c.participant_id == participant_id)
    found = await tx.execute(rows.newest_first(query, payout_proposals.c.id, PayoutProposalId, page))
    return [_proposal(row) for row in found]


async def proposals_due(tx: Transaction, now: datetime) -> list[PayoutProposalId]:
    """Those that nobody approved in time, at most a hundred."""
    where = (payout_proposals.c.state.in_(PAYOUT_PROPOSAL.open_states()), payout_proposals.c.deadline <= now)
    query = select(payout_proposals.c.id).where(*where).order_by(payout_proposals.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


def _found(row: Row[Any] | None) -> Proposal:
    if row is None:
        raise NoSuchPayoutProposal()
    return _proposal(row)


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(
        row.id, row.participant_id, Money(row.amount_minor, row.currency), row.transfer_id, row.proposed_by,
        row.proposed_at, row.deadline, State(row.state), row.decided_by, row.decided_at, row.reason_code,
        row.instruction_id, row.revision,
    )  # fmt: skip


def _changing(proposal: Proposal) -> dict[str, object]:
    return {
        "state": proposal.state, "deadline": proposal.deadline, "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at, "reason_code": proposal.reason_code,
        "instruction_id": proposal.instruction_id, "revision": proposal.revision,
    }  # fmt: skip
