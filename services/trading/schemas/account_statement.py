"""What crosses the wire of a participant's statement."""

from datetime import datetime
from typing import Self

from services.trading.rules.account_statement import LABELS, LineKind, Statement
from shared.ids import AuctionId, OrderId, TransferId
from shared.money import Money
from shared.web import Listing, Page, View


class LineView(View):
    """`counterparty` is a participant, an account of the exchange's, or the bank. `fee` and `tax` were taken of the
    order's price, and given back where they are below zero; they never were in the wallet."""

    transfer_id: TransferId
    at: datetime
    kind: LineKind
    label: str
    order_id: OrderId | None
    auction_id: AuctionId | None
    counterparty: str
    fee: Money
    tax: Money
    came_in: Money
    went_out: Money
    balance: Money


class StatementView(View):
    """A month of Beijing. `opening`, what came in and went out, and `closing` are of all of it, `lines` are a page."""

    month: str
    opening: Money
    came_in: Money
    went_out: Money
    closing: Money
    lines: Listing[LineView]

    @classmethod
    def of(cls, statement: Statement, page: Page) -> Self:
        names = tuple(name for name in LineView.model_fields if name != "label")
        lines = [
            LineView(label=LABELS[line.kind], **{name: getattr(line, name) for name in names})
            for line in statement.lines
        ]  # fmt: skip
        return cls(
            month=statement.month, opening=statement.opening, came_in=statement.came_in, went_out=statement.went_out,
            closing=statement.closing, lines=Listing[LineView].of(lines, page, lambda view: view.transfer_id),
        )  # fmt: skip
