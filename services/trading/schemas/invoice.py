"""What crosses the wire about invoices."""

from datetime import datetime
from typing import Self

from services.trading.rules.invoice import LABELS, InvoiceKind, Invoices
from shared.ids import OrderId, ParticipantId
from shared.money import Money
from shared.web import View


class TitleView(View):
    """Who an invoice is by or for (抬头); without an id it is the exchange. `uscc` is the 统一社会信用代码."""

    participant_id: ParticipantId | None
    name: str | None
    uscc: str | None


class InvoiceLineView(View):
    """`net` is without tax; net + tax = gross. All three are below zero in a red line (红字), whose `number` is the
    refund's. Without a rate, none was quoted: it is the seller's to state."""

    number: int
    kind: InvoiceKind
    label: str
    is_red: bool
    seller: TitleView
    buyer: TitleView
    gross: Money
    net: Money | None
    tax: Money | None
    tax_basis_points: int | None
    at: datetime


class InvoicesView(View):
    order_id: OrderId
    lines: list[InvoiceLineView]

    @classmethod
    def of(cls, invoices: Invoices) -> Self:
        lines = [
            InvoiceLineView(
                number=line.number, kind=line.kind, label=LABELS[line.kind], is_red=line.is_red,
                seller=TitleView.model_validate(invoices.title_of(line.seller_id)),
                buyer=TitleView.model_validate(invoices.title_of(line.buyer_id)), gross=line.gross, net=line.net,
                tax=line.tax, tax_basis_points=line.tax_basis_points, at=line.at,
            )
            for line in invoices.lines
        ]  # fmt: skip
        return cls(order_id=invoices.order_id, lines=lines)
