"""What is announced about money. A fact that moved some has its id drawn beforehand, and each transfer names it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.hold import Hold
from services.trading.rules.instruction import Instruction, InstructionKind, InstructionState, Part, Subject
from services.trading.rules.settlement import Forfeited
from services.trading.rules.statement_balance import BalanceDifference
from shared.facts import Category, Fact, Outcome, Retention
from shared.ids import AuctionId, FactId, InstructionId, OrderId, ParticipantId, TransferId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class MoneyFact(Fact):
    category: ClassVar[Category] = Category.MONEY
    fact_id: FactId | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class DepositFact(MoneyFact):
    retention: ClassVar[Retention] = Retention.AUCTION
    hold_id: TransferId
    auction_id: AuctionId
    participant_id: ParticipantId
    amount: Money

    @classmethod
    def of(cls, hold: Hold, fact_id: FactId) -> Self:
        return cls(hold.id, hold.auction_id, hold.participant_id, hold.amount, fact_id=fact_id)


@dataclass(frozen=True, slots=True)
class DepositHeld(DepositFact):
    """A bidder's deposit is set aside."""


@dataclass(frozen=True, slots=True)
class DepositReleased(DepositFact):
    """A bidder's deposit went back to it, whole."""


@dataclass(frozen=True, slots=True)
class DepositApplied(DepositFact):
    """Towards the price of the order that the auction led to; what was held beyond it went back."""

    order_id: OrderId
    applied: Money


@dataclass(frozen=True, slots=True)
class DepositForfeited(DepositFact):
    """A winner did not do its part, and its deposit was shared out."""

    shares: Forfeited


@dataclass(frozen=True, slots=True)
class EscrowPaid(MoneyFact):
    """The whole price is in escrow, deposit included."""

    order_id: OrderId
    participant_id: ParticipantId
    amount: Money
    transfer_ids: tuple[TransferId, ...]


@dataclass(frozen=True, slots=True)
class EscrowRefunded(MoneyFact):
    """The whole price went back to the buyer."""

    order_id: OrderId
    participant_id: ParticipantId
    amount: Money
    transfer_ids: tuple[TransferId, ...]


@dataclass(frozen=True, slots=True)
class InstructionGiven(MoneyFact):
    """The custodian is to do this. The pending transfers wait for its word."""

    instruction_id: InstructionId
    participant_id: ParticipantId
    kind: InstructionKind
    payer: str
    parts: tuple[Part, ...]
    amount: Money
    subject: Subject | None
    natural_key: str
    transfer_ids: tuple[TransferId, ...]

    @classmethod
    def of(cls, instruction: Instruction, fact_id: FactId | None = None) -> Self:
        return cls(
            instruction.id, instruction.participant_id, instruction.kind, instruction.payer, instruction.parts,
            instruction.amount, instruction.subject, instruction.natural_key, instruction.transfer_ids,
            fact_id=fact_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class InstructionFact(MoneyFact):
    instruction_id: InstructionId
    participant_id: ParticipantId
    kind: InstructionKind
    amount: Money
    subject: Subject | None
    transfer_ids: tuple[TransferId, ...]
    attempts: int
    reason_code: str | None

    @classmethod
    def of(cls, instruction: Instruction, fact_id: FactId | None = None) -> Self:
        return cls(
            instruction.id, instruction.participant_id, instruction.kind, instruction.amount, instruction.subject,
            instruction.transfer_ids, instruction.attempts, instruction.reason_code, fact_id=fact_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PayInConfirmed(InstructionFact):
    """Money came in at the custodian, and stands in the participant's wallet."""


@dataclass(frozen=True, slots=True)
class InstructionConfirmed(InstructionFact):
    """Carried out, whatever its kind but a pay-in, which has a fact of its own."""


@dataclass(frozen=True, slots=True)
class InstructionRefused(InstructionFact):
    """The custodian will not do it; what was pending is void."""


@dataclass(frozen=True, slots=True)
class InstructionParked(InstructionFact):
    """An alarm: a person must look, and nothing moves until then."""

    outcome: ClassVar[Outcome] = "error"


@dataclass(frozen=True, slots=True)
class InstructionResumed(InstructionFact):
    """By a person, for a reason; `successor_id` where the custodian had refused the first."""

    reason: str
    successor_id: InstructionId | None

    @classmethod
    def told(cls, instruction: Instruction, reason: str, successor_id: InstructionId | None) -> Self:
        before = InstructionFact.of(instruction)
        return cls(
            before.instruction_id, before.participant_id, before.kind, before.amount, before.subject,
            before.transfer_ids, before.attempts, before.reason_code, reason, successor_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CustodianContradicted(Fact):
    """An alarm: the custodian now says the opposite of what it had decided. Nothing was changed by it."""

    category: ClassVar[Category] = Category.MONEY
    outcome: ClassVar[Outcome] = "error"
    instruction_id: InstructionId
    decided: InstructionState
    told: InstructionState
    reason_code: str
    told_at: datetime


@dataclass(frozen=True, slots=True)
class StatementFact(Fact):
    category: ClassVar[Category] = Category.MONEY
    day: str  # as in 2030-01-31
    movements: int


@dataclass(frozen=True, slots=True)
class StatementCompared(StatementFact):
    """The custodian's statement of a day beside our own: lines and balances say the same, and no account drifts."""


@dataclass(frozen=True, slots=True)
class StatementDiffered(StatementFact):
    """An alarm: they do not say the same. `differing` are the first lines that are wrong, `balances` the first of what
    was held, and `drifting_accounts` of our own."""

    schema_version: ClassVar[int] = 2  # from the second on, balances are compared, too
    outcome: ClassVar[Outcome] = "error"
    differences: int
    differing: tuple[str, ...]
    drifting_accounts: tuple[str, ...]
    balance_differences: int
    balances: tuple[BalanceDifference, ...]
