"""What crosses the wire about orders of bundles."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.award import Acceptance
from services.trading.rules.bundle import PARTS_MAX, PARTS_MIN, BundleOrder
from services.trading.rules.order import Order
from services.trading.schemas.orders import OrderView
from services.trading.schemas.words import TotalAmount
from shared.ids import ListingId, ParticipantId, PlanId, QuoteId
from shared.money import Money
from shared.web import Request, View


class NewBundleOrder(Request):
    """Your yes to the quote of a bundle, and the listing by which you take each of its parts, all at its plan."""

    listing_ids: Annotated[list[ListingId], Limits(min_length=PARTS_MIN, max_length=PARTS_MAX)]
    quote_id: QuoteId
    quote_version: Annotated[int, Limits(ge=1, le=2**31 - 1)]
    total: TotalAmount

    def acceptance(self) -> Acceptance:
        return Acceptance(self.quote_id, self.quote_version, self.total.money())


class BundleOrderView(View):
    """`orders` are of its parts, whose prices make the total. Each is signed, received, accepted and, where need be,
    disputed by itself; all are paid together, at `pay_at`."""

    quote_id: QuoteId
    quote_version: int
    plan_id: PlanId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    total: Money
    placed_at: datetime
    pay_at: str
    orders: list[OrderView]

    @classmethod
    def of(cls, bundle: BundleOrder, orders: tuple[Order, ...]) -> Self:
        return cls(
            quote_id=bundle.quote_id, quote_version=bundle.quote_version, plan_id=bundle.plan_id,
            provider_id=bundle.provider_id, buyer_id=bundle.buyer_id, total=bundle.total, placed_at=bundle.placed_at,
            pay_at=bundle.pay_at, orders=[OrderView.of(order) for order in orders],
        )  # fmt: skip
