"""What a participant needs to issue, or to check, the invoices of a month."""

from services.trading.actions.trading import Trading
from services.trading.rules import invoice as rules
from services.trading.rules.invoice import InvoiceLine, Invoices, Title
from services.trading.rules.invoice_table import table
from services.trading.rules.month import bounds
from services.trading.store import invoice as store
from shared.database import Transaction
from shared.errors import NotAdmitted
from shared.ids import OrderId, ParticipantId
from shared.spreadsheet import csv_text
from shared.web import Page

BATCH = 500  # orders


async def invoices(trading: Trading, party_id: ParticipantId, month: str, page: Page) -> list[Invoices]:
    """By order, in the order of their ids; one more than the page holds, if there are more. Raises NoMonth.

    The exchange's fee is the provider's business, and the buyer is not told of it.
    """
    async with trading.database.read() as tx:
        return await _invoices(trading, tx, party_id, month, page.after_id(OrderId), page.limit + 1)


async def exported(trading: Trading, party_id: ParticipantId, month: str) -> str:
    """All of them as one table for spreadsheets, in plain UTF-8. Raises NoMonth."""
    told, after = list[Invoices](), None
    async with trading.database.read() as tx:
        while more := await _invoices(trading, tx, party_id, month, after, BATCH):
            told += more
            after = more[-1].order_id
    return csv_text(table(told), marked=False)


async def _invoices(
    trading: Trading, tx: Transaction, party_id: ParticipantId, month: str, after: OrderId | None, limit: int
) -> list[Invoices]:  # fmt: skip
    begins, ends = bounds(month)
    found = await store.orders_invoiced(tx, party_id, begins, ends, after, limit)
    told = list[Invoices]()
    for order, settled_at, returns in found:
        lines = (line for line in rules.lines_of(order, settled_at, returns) if begins <= line.at < ends)
        own = tuple(line for line in lines if party_id in (line.seller_id, line.buyer_id))
        told.append(Invoices(order.id, own, _titles(trading, own)))
    return told


def _titles(trading: Trading, lines: tuple[InvoiceLine, ...]) -> tuple[Title, ...]:
    named = {each for line in lines for each in (line.seller_id, line.buyer_id)}
    return tuple(_title(trading, participant_id) for participant_id in named if participant_id)


def _title(trading: Trading, participant_id: ParticipantId) -> Title:
    """As identity last told it."""
    try:
        standing = trading.standing.of(participant_id)
    except NotAdmitted:  # nobody has heard of it
        return Title(participant_id, None, None)
    return Title(participant_id, standing.name, standing.uscc)
