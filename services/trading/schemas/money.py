"""What crosses the wire about money: ours, and the custodian's."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.trading.rules.instruction import Instruction, InstructionKind, InstructionState, Part, Report
from services.trading.rules.ledger import AccountKind, Balance, Phase, Transfer
from services.trading.rules.payout import State as PayoutState
from services.trading.rules.statement import Movement
from services.trading.rules.statement_balance import StatedBalance, Statement
from shared.canonical import INTEGER_MAX
from shared.ids import FactId, InstructionId, PayoutProposalId, TransferId
from shared.money import MINOR_MAX, Money
from shared.web import Request, View

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Amount(Request):
    """From one minor unit to 10^15, in a currency that is traded here."""

    minor: int = Field(ge=1, le=MINOR_MAX)
    currency: Literal["CNY"]

    def money(self) -> Money:
        return Money(self.minor, self.currency)


class NewMovement(Request):
    """Of money, over the border between a participant's bank and their sub-account at the custodian."""

    amount: Amount


class Resumption(Request):
    reason: Reason


class WalletView(View):
    available: Money
    held: Money
    owed: Money
    currency: str


class TransferView(View):
    """An entry of the ledger, and the fact in the log that tells of it. `post` and `void` end the pending transfer
    that they name."""

    id: TransferId
    debit: str
    credit: str
    amount: Money
    phase: Phase
    pending_id: TransferId | None
    fact_id: FactId
    created_at: datetime

    @classmethod
    def of(cls, transfer: Transfer, fact_id: FactId, created_at: datetime) -> Self:
        return cls(
            id=transfer.id, debit=transfer.debit.id, credit=transfer.credit.id, amount=transfer.amount,
            phase=transfer.phase, pending_id=transfer.pending_id, fact_id=fact_id, created_at=created_at,
        )  # fmt: skip


class PartView(View):
    payee: str
    amount: Money


class InstructionView(View):
    id: InstructionId
    kind: InstructionKind
    payer: str
    amount: Money
    parts: list[PartView]
    subject: str | None
    state: InstructionState
    attempts: int
    reason_code: str | None
    next_actor: str | None
    deadline: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, instruction: Instruction) -> Self:
        return cls.model_validate(instruction)


class PayoutProposalView(View):
    """A payout that takes two persons. `instruction_id` names what the custodian is told once it is approved."""

    id: PayoutProposalId
    amount: Money
    proposed_by: str
    proposed_at: datetime
    state: PayoutState
    deadline: datetime | None
    next_actor: str | None
    decided_by: str | None
    decided_at: datetime | None
    reason_code: str | None
    instruction_id: InstructionId | None


class KindSumView(View):
    """All accounts of one kind. What came in is credit, what went out is debit, in minor units."""

    kind: AccountKind
    currency: str
    debits_pending_minor: int
    debits_posted_minor: int
    credits_pending_minor: int
    credits_posted_minor: int
    balance_minor: int

    @classmethod
    def of(cls, kind: AccountKind, currency: str, balance: Balance) -> Self:
        return cls(
            kind=kind, currency=currency, debits_pending_minor=balance.debits_pending,
            debits_posted_minor=balance.debits_posted, credits_pending_minor=balance.credits_pending,
            credits_posted_minor=balance.credits_posted, balance_minor=balance.posted,
        )  # fmt: skip


class TrialBalanceView(View):
    """Each total is zero whatever happened, and no account drifts from its transfers."""

    accounts: list[KindSumView]
    totals_minor: dict[str, int]
    drifting_accounts: list[str]

    @classmethod
    def of(cls, accounts: list[KindSumView], drifting_accounts: list[str]) -> Self:
        totals = {account.currency: 0 for account in accounts}
        for account in accounts:
            totals[account.currency] += account.balance_minor
        return cls(accounts=accounts, totals_minor=totals, drifting_accounts=drifting_accounts)


# --- the custodian's side


class FromCustodian(BaseModel):
    """Its documents may say more than we read, but what we read must be exactly of its type."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


class ToldAmount(FromCustodian):
    """As it was told: whether it is the right one is for the rules to say."""

    minor: int = Field(ge=0, le=MINOR_MAX)
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]

    def money(self) -> Money:
        return Money(self.minor, self.currency)


class ToldPart(FromCustodian):
    payee: Annotated[str, StringConstraints(max_length=100)]
    amount: ToldAmount

    def part(self) -> Part:
        return Part(self.payee, self.amount.money())


class Told(FromCustodian):
    """What it says of an instruction, asked or unasked."""

    amount: ToldAmount
    payer: Annotated[str, StringConstraints(max_length=100)]
    parts: Annotated[list[ToldPart], Field(max_length=100)]
    reason_code: Annotated[str, StringConstraints(pattern="^[a-z_]{1,50}$")] | None = None

    def told(self, instruction_id: InstructionId, state: str, executed_at: datetime | None = None) -> Report:
        parts = tuple(part.part() for part in self.parts)
        return Report(
            instruction_id, InstructionState(state), self.amount.money(), self.payer, parts, self.reason_code,
            executed_at,
        )  # fmt: skip


class CustodianReport(Told):
    """Its answer about an instruction."""

    id: InstructionId
    state: Literal["pending", "confirmed", "refused"]
    executed_at: AwareDatetime | None = None

    def report(self) -> Report:
        return self.told(self.id, self.state, self.executed_at)


class CustodianCallback(Told):
    """What it tells unasked."""

    event_id: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{1,64}$")]
    instruction_id: InstructionId
    state: Literal["confirmed", "refused"]

    def report(self) -> Report:
        return self.told(self.instruction_id, self.state)


class CustodianMovement(FromCustodian):
    instruction_id: Annotated[str, StringConstraints(max_length=100)]
    kind: Literal["pay_in", "payout", "release", "split", "refund"]
    payer: Annotated[str, StringConstraints(max_length=100)]
    amount: ToldAmount
    parts: Annotated[list[ToldPart], Field(max_length=100)]

    def movement(self) -> Movement:
        kind, parts = InstructionKind(self.kind), tuple(part.part() for part in self.parts)
        return Movement(self.instruction_id, kind, self.payer, self.amount.money(), parts)


class ToldSum(FromCustodian):
    """What a sub-account had at some time, as it was told, however absurd: any whole number that JSON can tell."""

    minor: int = Field(ge=-INTEGER_MAX, le=INTEGER_MAX)
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]

    def money(self) -> Money:
        return Money(self.minor, self.currency)


class CustodianBalance(FromCustodian):
    account: Annotated[str, StringConstraints(max_length=100)]
    opening: ToldSum
    closing: ToldSum

    def balance(self) -> StatedBalance:
        return StatedBalance(self.account, self.opening.money(), self.closing.money())


class CustodianStatement(FromCustodian):
    """Of a day. Balances that it does not tell are missing, which is a difference and not a fault of form."""

    movements: list[CustodianMovement]
    balances: list[CustodianBalance] = []

    def statement(self) -> Statement:
        return Statement(
            tuple(each.movement() for each in self.movements), tuple(each.balance() for each in self.balances)
        )  # fmt: skip


class CallbackTaken(View):
    """The custodian need not send this event again."""

    event_id: str
    state: InstructionState
