"""What is announced of what goes back after a settlement, and of what is owed because of it."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.trading.events.money import MoneyFact
from services.trading.rules.order import Order
from services.trading.rules.returning import Cause, Payment, Receivable, Return
from shared.facts import Category, Fact
from shared.ids import ContractId, FactId, InstructionId, OrderId, ParticipantId, ReceivableId, TransferId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class OrderReturned(Fact):
    """So much of a price that was shared out goes back to the buyer; `returned` is what went back in all."""

    category: ClassVar[Category] = Category.MONEY
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    number: int
    amount: Money
    cause: Cause
    reason: str
    payments: tuple[Payment, ...]
    returned: Money
    revision: int

    @classmethod
    def of(cls, order: Order, made: Return) -> Self:
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, made.number, made.amount, made.cause,
            made.reason, made.payments, order.returned, order.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReceivableFact(MoneyFact):
    receivable_id: ReceivableId
    participant_id: ParticipantId  # who owes it
    creditor: str
    order_id: OrderId
    number: int
    amount: Money
    transfer_ids: tuple[TransferId, ...]


@dataclass(frozen=True, slots=True)
class ReceivableOpened(ReceivableFact):
    """A participant owes what it could not pay of a return: to the reserve that paid it, or to the buyer who waits."""

    @classmethod
    def of(cls, receivable: Receivable, transfer_ids: tuple[TransferId, ...], fact_id: FactId) -> Self:
        return cls(
            receivable.id, receivable.debtor_id, receivable.creditor, receivable.order_id, receivable.number,
            receivable.amount, transfer_ids, fact_id=fact_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReceivableCollected(ReceivableFact):
    """So much of what came in goes to the creditor, by an instruction of its own; `collected` is all that ever did."""

    came_by: InstructionId
    collected: Money

    @classmethod
    def of(
        cls, receivable: Receivable, amount: Money, transfer_ids: tuple[TransferId, ...], came_by: InstructionId
    ) -> Self:  # fmt: skip
        return cls(
            receivable.id, receivable.debtor_id, receivable.creditor, receivable.order_id, receivable.number, amount,
            transfer_ids, came_by, receivable.collected,
        )  # fmt: skip
