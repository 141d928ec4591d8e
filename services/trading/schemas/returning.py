"""What crosses the wire about money that goes back after a settlement."""

from datetime import datetime
from typing import Self

from services.trading.rules.returning import Cause, Receivable, Return
from services.trading.schemas.money import Amount, Reason
from shared.ids import OrderId, ParticipantId, ReceivableId
from shared.money import Money
from shared.web import Request, View


class NewReturn(Request):
    """At most what is left of the price that was shared out."""

    amount: Amount
    reason: Reason


class PaymentView(View):
    """`bearer` gives this back; `payer` is the sub-account that it comes out of: its own, or the exchange's reserve."""

    bearer: str
    payer: str
    amount: Money


class DebtView(View):
    """`creditor` is the exchange's reserve, which paid instead, or the buyer, who gets it from the next income."""

    debtor_id: ParticipantId
    creditor: str
    amount: Money


class ReturnView(View):
    order_id: OrderId
    number: int
    amount: Money
    cause: Cause
    reason: str
    payments: list[PaymentView]
    debts: list[DebtView]
    returned_at: datetime

    @classmethod
    def of(cls, made: Return) -> Self:
        return cls.model_validate(made)


class ReceivableView(View):
    """`collected` counts what the custodian is moving already."""

    id: ReceivableId
    debtor_id: ParticipantId
    creditor: str
    order_id: OrderId
    number: int
    amount: Money
    collected: Money
    opened_at: datetime

    @classmethod
    def of(cls, receivable: Receivable) -> Self:
        return cls.model_validate(receivable)
