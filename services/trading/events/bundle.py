"""The fact of a bundle: what follows from it is told of each part, which is an order."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.trading.rules.bundle import BundleOrder
from services.trading.rules.order import Order
from shared.facts import Category, Fact
from shared.ids import OrderId, ParticipantId, PlanId, QuoteId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class BundleOrdered(Fact):
    """A buyer takes a bundle as a whole; each part is an order by the same commit."""

    category: ClassVar[Category] = Category.TRADE
    quote_id: QuoteId
    quote_version: int
    plan_id: PlanId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    amount: Money
    order_ids: tuple[OrderId, ...]

    @classmethod
    def of(cls, bundle: BundleOrder, orders: tuple[Order, ...]) -> Self:
        return cls(
            bundle.quote_id, bundle.quote_version, bundle.plan_id, bundle.provider_id, bundle.buyer_id, bundle.total,
            tuple(order.id for order in orders),
        )  # fmt: skip
