"""What crosses the wire to and from the custodian to play with: `custodian_sandbox.py`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.errors import Malformed
from shared.money import MINOR_MAX, Money, total
from shared.web import Request, View

Kind = Literal["pay_in", "release", "split", "refund", "payout"]
StatementFault = Literal[
    "wrong_balance",    # the next statement closes the first sub-account with one unit more
    "missing_balance",  # it leaves that sub-account out
]  # fmt: skip
Fault = Literal[
    "late",          # the callback comes an hour later
    "duplicate",     # it comes twice
    "lost",          # it never comes
    "out_of_order",  # it comes after the next one
    "wrong_amount",  # it names another amount than was moved
    "refused",       # the instruction is refused
]  # fmt: skip
Text = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_:-]{1,100}$")]


class BadParts(Malformed):
    """The parts must add up to the amount, each to another payee; only a split pays anyone but its payer."""


class Amount(Request):
    minor: int = Field(ge=1, le=MINOR_MAX)
    currency: Literal["CNY"]

    def money(self) -> Money:
        return Money(self.minor, self.currency)


class Part(Request):
    payee: Text
    amount: Amount


class NewInstruction(Request):
    id: Text
    kind: Kind
    payer: Text
    parts: list[Part] = Field(min_length=1, max_length=100)
    amount: Amount

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        payees = [part.payee for part in self.parts]
        fits = self.payer not in payees if self.kind == "split" else payees == [self.payer]
        if not fits or len(set(payees)) != len(payees):
            raise BadParts()
        if total([part.amount.money() for part in self.parts]) != self.amount.money():
            raise BadParts()
        return self


class NewFault(Request):
    kind: Kind
    fault: Fault
    times: int = Field(default=1, ge=1, le=1000)


class NewStatementFault(Request):
    fault: StatementFault


class FaultsView(View):
    waiting: int


class ReadyView(View):
    public_key: str


@dataclass(frozen=True, slots=True)
class Order:
    """An instruction, and what became of it."""

    asked: NewInstruction
    state: Literal["pending", "confirmed", "refused"] = "pending"
    reason_code: str | None = None
    executed_at: datetime | None = None


class ReportView(View):
    id: str
    kind: Kind
    state: Literal["pending", "confirmed", "refused"]
    payer: str
    parts: list[Part]
    amount: Money
    reason_code: str | None
    executed_at: datetime | None

    @classmethod
    def of(cls, order: Order) -> Self:
        asked = order.asked
        return cls(
            id=asked.id, kind=asked.kind, state=order.state, payer=asked.payer, parts=asked.parts,
            amount=asked.amount.money(), reason_code=order.reason_code, executed_at=order.executed_at,
        )  # fmt: skip


class MovementView(View):
    instruction_id: str
    kind: Kind
    payer: str
    parts: list[Part]
    amount: Money
    executed_at: datetime


class BalanceView(View):
    account: str
    opening: Money
    closing: Money


class StatementView(View):
    """What was carried out on a day (of UTC), and what each sub-account held before it and after."""

    day: date
    movements: list[MovementView]
    balances: list[BalanceView]
