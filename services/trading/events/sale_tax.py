"""What is announced of the tax in a price that no quote told."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.trading.rules.award import SaleTax
from services.trading.rules.order import Order
from shared.facts import Category, Fact
from shared.ids import ContractId, OrderId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class SaleTaxStated(Fact):
    """Its seller says how a sale is taxed; the table of rates says how much of the price that is."""

    category: ClassVar[Category] = Category.MONEY
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    price: Money
    tax: SaleTax
    revision: int

    @classmethod
    def of(cls, order: Order) -> Self:
        assert order.tax is not None
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, order.price, order.tax, order.revision
        )  # fmt: skip
