"""The facts of payouts that two persons decide on. Who acts in each is its actor; what is approved goes on as an
instruction, whose fact stands beside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from services.trading.events.money import MoneyFact
from services.trading.rules.payout import Proposal, State
from shared.ids import FactId, InstructionId, ParticipantId, PayoutProposalId, TransferId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class PayoutFact(MoneyFact):
    """`transfer_ids` is the one pending transfer that holds the money."""

    payout_proposal_id: PayoutProposalId
    participant_id: ParticipantId
    amount: Money
    transfer_ids: tuple[TransferId, ...]
    state: State
    deadline: datetime | None
    reason_code: str | None
    instruction_id: InstructionId | None
    revision: int

    @classmethod
    def of(cls, proposal: Proposal, fact_id: FactId | None = None) -> Self:
        return cls(
            proposal.id, proposal.participant_id, proposal.amount, (proposal.transfer_id,), proposal.state,
            proposal.deadline, proposal.reason_code, proposal.instruction_id, proposal.revision, fact_id=fact_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PayoutProposed(PayoutFact):
    """The first of two persons would have this paid out; it is held until the second has decided."""


@dataclass(frozen=True, slots=True)
class PayoutApproved(PayoutFact):
    """The second person agrees: the custodian is instructed."""


@dataclass(frozen=True, slots=True)
class PayoutRefused(PayoutFact):
    """Somebody of the organisation said no: the money is free again."""


@dataclass(frozen=True, slots=True)
class PayoutLapsed(PayoutFact):
    """Nobody approved it in its time: the money is free again."""
