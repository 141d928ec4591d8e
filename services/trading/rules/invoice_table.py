"""The invoices of a month as rows for a spreadsheet, one line of an invoice in each.

Promises: the amounts are those of the lines, as accountants read them; what nobody quoted is left empty, not zero; an
order's lines stay together, in their order.
Does not: guard cells against formulas, which `shared/spreadsheet` does for every one of them.
"""

from collections.abc import Iterable

from services.trading.rules.account_statement import yuan
from services.trading.rules.invoice import LABELS, InvoiceLine, Invoices, Title

HEADINGS = (
    "日期 · date", "订单 · order", "序号 · number", "类型 · kind", "红字 · red", "销方 · seller",
    "销方代码 · seller's code",
    "购方 · buyer", "购方代码 · buyer's code", "不含税 · net", "税率 % · rate", "税额 · tax", "价税合计 · gross",
)  # fmt: skip
EXCHANGE = "交易所 · exchange"
RED = "红字 · red"


def table(invoices: Iterable[Invoices]) -> list[tuple[str, ...]]:
    return [HEADINGS, *(_row(each, line) for each in invoices for line in each.lines)]


def _row(invoices: Invoices, line: InvoiceLine) -> tuple[str, ...]:
    seller, buyer = invoices.title_of(line.seller_id), invoices.title_of(line.buyer_id)
    net, tax = (None if amount is None else yuan(amount) for amount in (line.net, line.tax))
    return (
        line.at.isoformat(), str(line.order_id), str(line.number), LABELS[line.kind], RED if line.is_red else "",
        _name(seller), seller.uscc or "", _name(buyer), buyer.uscc or "", net or "", _rate(line.tax_basis_points),
        tax or "", yuan(line.gross),
    )  # fmt: skip


def _name(title: Title) -> str:
    if title.participant_id is None:
        return EXCHANGE
    return title.name or str(title.participant_id)


def _rate(basis_points: int | None) -> str:
    return "" if basis_points is None else f"{basis_points // 100}.{basis_points % 100:02}"
