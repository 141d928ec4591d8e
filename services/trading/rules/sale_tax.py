"""The tax in a price that no quote told (增值税): its seller states the category, and the table of rates says the rest.

Promises: the rate is the one that held when the order was placed, whenever it is stated; net and tax make the price,
rounded once; what a quote told, or the seller has stated, is not stated otherwise.
Source: 增值税法 (in force 2026-01-01) art. 10, 11, 24; market-rules P9. The price that was bid, offered or agreed is
what the buyer pays, tax and all.
Does not: know the rates, nor decide how a supply is taxed: the seller answers for that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.trading.rules.award import SaleTax
from services.trading.rules.order import FAILED, NotDue, Order
from services.trading.rules.settlement import WHOLE
from shared.errors import Conflict


class TaxCategory(StrEnum):
    GENERAL = "general"  # 一般计税
    SIMPLE = "simple"  # 简易计税
    EXEMPT = "exempt"  # 免税


@dataclass(frozen=True, slots=True)
class Rate:
    id: str
    category: TaxCategory
    basis_points: int
    effective_from: datetime


class TaxKnown(Conflict):
    """How this price is taxed was told by its quote, or has been stated otherwise; the facts say at which rate."""


class NothingTaxed(Conflict):
    """This order costs nothing, or no rate of the category held when it was placed."""


def state(order: Order, category: TaxCategory, rates: Iterable[Rate]) -> Order:
    """The order with the tax in its price; the very order if it was stated so. Raises what keeps it from that."""
    if order.state in FAILED:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    begun = [each for each in rates if each.category is category and each.effective_from <= order.placed_at]
    if order.is_free or not begun:
        raise NothingTaxed(price_minor=order.price.minor, placed_at=order.placed_at)
    rate = max(begun, key=lambda each: each.effective_from)
    tax = SaleTax(rate.id, rate.basis_points, order.price.split([WHOLE, rate.basis_points])[1])
    if order.tax == tax:
        return order
    if order.tax is not None:
        raise TaxKnown(rate_id=order.tax.rate_id, basis_points=order.tax.basis_points)
    return replace(order, tax=tax, revision=order.revision + 1)
