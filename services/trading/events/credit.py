"""The facts of credits for what a service was."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.credit import Credit, Payment, State
from services.trading.rules.measured import Measured
from services.trading.rules.order import Order
from services.trading.rules.service_level import Figures
from shared.facts import Category, Fact
from shared.ids import ContractId, CreditId, OrderId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class CreditFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    schema_version: ClassVar[int] = 2  # from the second on, `measured`
    credit_id: CreditId
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    period: int
    figures: Figures
    amount: Money
    state: State
    is_owed: bool
    deadline: datetime | None
    reason_code: str | None
    reason: str | None
    revision: int
    measured: Measured | None

    @classmethod
    def of(cls, credit: Credit, order: Order) -> Self:
        return cls(
            credit.id, credit.order_id, order.contract_id, credit.buyer_id, credit.provider_id, credit.period,
            credit.figures, credit.amount, credit.state, credit.is_owed, credit.deadline, credit.reason_code,
            credit.reason, credit.revision, credit.measured,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CreditClaimed(CreditFact):
    """A buyer says what a service was, and what goes back for that; beside it, what the platform saw of it."""


@dataclass(frozen=True, slots=True)
class CreditDecided(CreditFact):
    """Confirmed by the provider or its silence, contested by it or by what was measured, or moot: the state says it."""


@dataclass(frozen=True, slots=True)
class CreditPaid(Fact):
    """What was owed for a service went back, by a return of the order; nothing, if nothing was left of the price."""

    category: ClassVar[Category] = Category.MONEY
    credit_id: CreditId
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    period: int
    owed: Money
    payment: Payment
    revision: int

    @classmethod
    def of(cls, credit: Credit, order: Order) -> Self:
        assert credit.payment is not None
        return cls(
            credit.id, credit.order_id, order.contract_id, credit.buyer_id, credit.provider_id, credit.period,
            credit.amount, credit.payment, credit.revision,
        )  # fmt: skip
