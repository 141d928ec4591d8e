"""What is announced of the price of a sale that stands: what use it is for, where that is measured; who got what."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.award import SaleTax
from services.trading.rules.instruction import Part
from services.trading.rules.order import Order
from shared.facts import Category, Fact
from shared.ids import ContractId, OrderId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class OrderSettled(Fact):
    """The price was shared out between provider, exchange and tax, what of it did not go back to the buyer."""

    category: ClassVar[Category] = Category.MONEY
    is_high_risk: ClassVar[bool] = True
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    reason_code: str | None
    amount: Money
    refund: Money
    provider: Money
    fee: Money
    tax: Money
    revision: int
    owners: tuple[Part, ...]  # of the provider's part, what each gets

    @classmethod
    def of(cls, order: Order) -> Self:
        """Requires a settled order."""
        shares = order.settlement
        assert shares is not None
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, order.reason_code, order.price,
            order.refund, shares.provider, shares.fee, shares.tax, order.revision,
            tuple(Part(owner, amount) for owner, amount in order.earned),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderMetered(Fact):
    """What was used is known, and so is the price: `unused` of the reserve goes back."""

    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    units: int
    amount: Money
    unused: Money
    tax: SaleTax | None
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, order: Order, unused: Money) -> Self:
        """Requires an order whose meter was read off."""
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, order.metered_units or 0, order.price,
            unused, order.tax, order.deadline, order.revision,
        )  # fmt: skip
