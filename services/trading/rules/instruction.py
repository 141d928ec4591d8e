"""An instruction to the custodian: money moves there only because we said so, and here only because it says it did.

Promises: an instruction is repeated under one id until the custodian decides; nobody waits for ever, for after
`ATTEMPTS_MAX` unanswered tries a person is called (parked), and the custodian is still asked once a day; what the
custodian reports is taken in only if it is the very thing that was asked for.
Kinds: `pay_in` and `payout` cross the border of the custodian; `split` shares a payer's money out; `release` and
`refund` say that money which was bound is its owner's to use again, and move nothing between sub-accounts.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.errors import Conflict, Malformed, NotFound
from shared.ids import AuctionId, DisputeId, InstructionId, OrderId, ParticipantId, TransferId
from shared.lifecycle import Lifecycle
from shared.money import MINOR_MAX, Money, total


class InstructionKind(StrEnum):
    PAY_IN = "pay_in"
    PAYOUT = "payout"
    RELEASE = "release"
    SPLIT = "split"
    REFUND = "refund"


Subject = OrderId | AuctionId | DisputeId
TO_ITS_OWNER = frozenset(InstructionKind) - {InstructionKind.SPLIT}  # payer and payee are one
MAY_BE_REFUSED = frozenset({InstructionKind.PAY_IN, InstructionKind.PAYOUT})  # the others are owed


class InstructionState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    PARKED = "parked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


PENDING, SENT, PARKED, CONFIRMED, REFUSED = InstructionState

INSTRUCTION = Lifecycle(start=PENDING, moves={
    PENDING:   {SENT, PARKED, CONFIRMED, REFUSED},   # a callback may overtake the reply
    SENT:      {PARKED, CONFIRMED, REFUSED},
    PARKED:    {CONFIRMED, REFUSED},
    CONFIRMED: set(),
    REFUSED:   set(),
})  # fmt: skip
NEXT_ACTOR = {PENDING: "service", SENT: "custodian", PARKED: "operator_business"}

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 60, 300, 1800, 7200, 21600, 57600))
ATTEMPTS_MAX = len(PAUSES) + 1  # the first, and one after each pause
DECIDED_WITHIN = sum(PAUSES, timedelta())
PARKED_PAUSE = timedelta(days=1)

EXCHANGE_FEE = "exchange:fee"  # the exchange's own sub-accounts at the custodian
EXCHANGE_TAX = "exchange:tax"
EXCHANGE_RESERVE = "exchange:reserve"


class NoSuchInstruction(NotFound):
    """There is no such instruction."""


class BadInstruction(Malformed):
    """The parts of an instruction add up to its amount, each to another payee, and never back to who pays a split."""


class AlreadyInstructed(Conflict):
    """This money has been instructed already; it moves once."""


class NothingToResume(Conflict):
    """Only what is parked can be resumed."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    payee: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Report:
    """What the custodian says of an instruction. `state` is pending, confirmed or refused."""

    instruction_id: InstructionId
    state: InstructionState
    amount: Money
    payer: str
    parts: tuple[Part, ...]
    reason_code: str | None = None
    executed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """`natural_key` says what it is for, and is unique among those not refused. `transfer_ids` are the pending
    transfers that end with it. `participant_id` is whose it is to see."""

    id: InstructionId
    kind: InstructionKind
    participant_id: ParticipantId
    payer: str
    parts: tuple[Part, ...]
    natural_key: str
    created_at: datetime
    next_attempt_at: datetime
    subject: Subject | None = None
    transfer_ids: tuple[TransferId, ...] = ()
    state: InstructionState = INSTRUCTION.start
    attempts: int = 0
    reason_code: str | None = None
    executed_at: datetime | None = None
    revision: int = 1

    def __post_init__(self) -> None:
        payees = [part.payee for part in self.parts]
        if not self.parts or len(set(payees)) != len(payees):
            raise BadInstruction()
        if (self.kind in TO_ITS_OWNER and payees != [self.payer]) or (self.kind not in TO_ITS_OWNER and
                                                                     self.payer in payees):  # fmt: skip
            raise BadInstruction()
        if any(part.amount.minor < 1 for part in self.parts) or self.amount.minor > MINOR_MAX:
            raise BadInstruction(minor_max=MINOR_MAX)

    @property
    def amount(self) -> Money:
        return total([part.amount for part in self.parts], self.parts[0].amount.currency)

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    @property
    def deadline(self) -> datetime | None:
        """When it is parked if nothing is decided, then when it is asked about next; None once it has ended."""
        match self.state:
            case InstructionState.PENDING | InstructionState.SENT:
                return self.created_at + DECIDED_WITHIN
            case InstructionState.PARKED:
                return self.next_attempt_at
            case _:
                return None

    @property
    def is_decided(self) -> bool:
        return not INSTRUCTION.moves[self.state]


def attempt(instruction: Instruction, now: datetime) -> Instruction:
    """The instruction once more on its way. Requires one that is open and due; claims it until the next attempt."""
    pause = PARKED_PAUSE if instruction.state is PARKED else PAUSES[min(instruction.attempts, len(PAUSES) - 1)]
    return _change(instruction, attempts=instruction.attempts + 1, next_attempt_at=now + pause)


def undecided(instruction: Instruction, now: datetime, *, reached: bool) -> Instruction:
    """After an attempt that brought no decision. `reached` says that the custodian has it."""
    if instruction.state is PARKED or instruction.is_decided:
        return instruction
    if instruction.attempts >= ATTEMPTS_MAX:
        return park(instruction, "no_decision" if reached else "no_answer", now)
    if reached and instruction.state is PENDING:
        return _move(instruction, SENT)
    return instruction


def park(instruction: Instruction, reason_code: str, now: datetime) -> Instruction:
    """Nothing moves until a person, or the custodian's better knowledge, decides."""
    if instruction.state is PARKED:
        return _change(instruction, reason_code=reason_code)
    return _move(instruction, PARKED, reason_code=reason_code, next_attempt_at=now + PARKED_PAUSE)


def confirm(instruction: Instruction, executed_at: datetime | None) -> Instruction:
    return _move(instruction, CONFIRMED, reason_code="confirmed", executed_at=executed_at)


def refuse(instruction: Instruction, reason_code: str, now: datetime) -> Instruction:
    """A pay-in or payout ends; what is owed to someone stays owed, so the refusal is a person's to look into."""
    if instruction.kind in MAY_BE_REFUSED:
        return _move(instruction, REFUSED, reason_code=reason_code)
    return park(instruction, f"refused_{reason_code}", now)


def resume(
    instruction: Instruction, new_id: InstructionId, now: datetime
) -> tuple[Instruction, Instruction | None]:  # fmt: skip
    """A parked instruction at once on its way again; and, if the custodian had refused it, its successor.

    Only what was refused for good gets a new id: anything else might be carried out twice.
    """
    if instruction.state is not PARKED:
        raise NothingToResume(state=instruction.state)
    if not (instruction.reason_code or "").startswith("refused_"):
        return _change(instruction, next_attempt_at=now), None
    successor = replace(
        instruction, id=new_id, state=INSTRUCTION.start, attempts=0, reason_code=None, created_at=now,
        next_attempt_at=now, revision=1,
    )  # fmt: skip
    return _move(instruction, REFUSED), successor


def _move(instruction: Instruction, to: InstructionState, **changes: Any) -> Instruction:
    return _change(instruction, state=INSTRUCTION.move(instruction.state, to), **changes)


def _change(instruction: Instruction, **changes: Any) -> Instruction:
    return replace(instruction, revision=instruction.revision + 1, **changes)
