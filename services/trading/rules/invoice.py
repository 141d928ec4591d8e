"""What an invoice (发票) of a sale says: who sells what to whom, without tax, at which rate, and the tax.

Promises: net and tax add up to what was paid, to the fen; what goes back of a settled price is a red line (红字) with
its part of the tax, and all of them together undo the first line exactly.
Source: 增值税法 (in force 2026-01-01), 发票管理办法 on red invoices; market-rules P9. The official text decides.
Does not: issue anything. The seller does, with the tax authority; these are the figures. Where no quote said at which
rate a price is taxed, that is the seller's to state (`sale_tax`); until then net and tax are left open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.trading.rules.instruction import EXCHANGE_FEE, EXCHANGE_TAX
from services.trading.rules.order import Order
from services.trading.rules.returning import Return, gone_back
from shared.ids import OrderId, ParticipantId
from shared.money import Money


class InvoiceKind(StrEnum):
    SALE = "sale"  # 数据产品: by the provider, to the buyer
    SERVICE = "service"  # 交易服务费: by the exchange, to the provider


LABELS = {InvoiceKind.SALE: "数据产品 · data", InvoiceKind.SERVICE: "交易服务费 · exchange's fee"}


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """`number` is zero for what was sold, and a return's for what went back of it. `seller_id` None is the exchange."""

    order_id: OrderId
    number: int
    kind: InvoiceKind
    seller_id: ParticipantId | None
    buyer_id: ParticipantId
    gross: Money
    net: Money | None
    tax: Money | None
    tax_basis_points: int | None
    at: datetime

    @property
    def is_red(self) -> bool:
        return self.number > 0


@dataclass(frozen=True, slots=True)
class Title:
    """Who an invoice is by or for (抬头). Without an id it is the exchange."""

    participant_id: ParticipantId | None
    name: str | None
    uscc: str | None


@dataclass(frozen=True, slots=True)
class Invoices:
    """Of one order, the lines of a month, and the titles of whoever they name."""

    order_id: OrderId
    lines: tuple[InvoiceLine, ...]
    titles: tuple[Title, ...]

    def title_of(self, participant_id: ParticipantId | None) -> Title:
        found = (title for title in self.titles if title.participant_id == participant_id)
        return next(found, Title(participant_id, None, None))


def lines_of(order: Order, settled_at: datetime, returns: Sequence[Return]) -> tuple[InvoiceLine, ...]:
    """Of a settled order, the sale and the fee, and a red line of each for every return, in their order. Lines of
    nothing are left out. Requires all its returns, in the order of their numbers."""
    shares = order.settlement
    assert shares is not None
    sold = order.price - order.refund
    lines = [_sale(order, 0, sold, _tax_of(order, sold), settled_at)]
    lines.append(_service(order, 0, shares.fee, shares.tax, settled_at))
    before = Money(0, order.price.currency)
    for made in returns:
        tax = _tax_gone_back(order, sold, before, before + made.amount)
        lines.append(_sale(order, made.number, _below(made.amount), tax and _below(tax), made.returned_at))
        fee, on_fee = (_given_back(made, bearer) for bearer in (EXCHANGE_FEE, EXCHANGE_TAX))
        lines.append(_service(order, made.number, _below(fee), _below(on_fee), made.returned_at))
        before += made.amount
    return tuple(line for line in lines if line.gross.minor)


def _tax_of(order: Order, sold: Money) -> Money | None:
    """The tax in what was sold: the quote's own, or its part where not all of the price was."""
    if order.tax is None:
        return None
    untaxed = order.price.minor - order.tax.amount.minor
    return sold.split([untaxed, order.tax.amount.minor])[1] if order.price.minor else sold


def _tax_gone_back(order: Order, sold: Money, before: Money, after: Money) -> Money | None:
    tax = _tax_of(order, sold)
    if tax is None:
        return None
    earlier, later = (gone_back([tax, sold - tax], returned)[0] for returned in (before, after))
    return later - earlier


def _sale(order: Order, number: int, gross: Money, tax: Money | None, at: datetime) -> InvoiceLine:
    rate = order.tax and order.tax.basis_points
    net = None if tax is None else gross - tax
    return InvoiceLine(
        order.id, number, InvoiceKind.SALE, order.provider_id, order.buyer_id, gross, net, tax, rate, at
    )  # fmt: skip


def _service(order: Order, number: int, fee: Money, tax: Money, at: datetime) -> InvoiceLine:
    rate = order.fees.tax_basis_points
    return InvoiceLine(order.id, number, InvoiceKind.SERVICE, None, order.provider_id, fee + tax, fee, tax, rate, at)


def _given_back(made: Return, bearer: str) -> Money:
    nothing = Money(0, made.amount.currency)
    return sum((payment.amount for payment in made.payments if payment.bearer == bearer), start=nothing)


def _below(amount: Money) -> Money:
    return Money(-amount.minor, amount.currency)
