"""What crosses the wire about the tax in a price."""

from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.order import Order
from services.trading.rules.sale_tax import TaxCategory
from shared.ids import OrderId
from shared.money import Money
from shared.web import Request, View


class NewSaleTax(Request):
    """How the sale is taxed (计税方式), as its seller answers for it."""

    category: Annotated[TaxCategory, Limits(strict=False)]


class SaleTaxView(View):
    """net + tax = gross, which is the price."""

    order_id: OrderId
    rate_id: str
    basis_points: int
    net: Money
    tax: Money
    gross: Money

    @classmethod
    def of(cls, order: Order) -> Self:
        tax = order.tax
        assert tax is not None
        return cls(
            order_id=order.id, rate_id=tax.rate_id, basis_points=tax.basis_points, net=order.price - tax.amount,
            tax=tax.amount, gross=order.price,
        )  # fmt: skip
