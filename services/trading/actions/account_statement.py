"""What a participant is told of their own money, month by month."""

from dataclasses import replace

from services.trading.actions.treasury import Treasury
from services.trading.rules import account_statement as rules
from services.trading.rules import ledger
from services.trading.rules.account_statement import Line, Statement
from services.trading.rules.ledger import Account
from services.trading.rules.month import bounds
from services.trading.store import account_statement as store
from shared.database import Transaction
from shared.ids import ParticipantId, TransferId
from shared.money import Money
from shared.spreadsheet import csv_text
from shared.web import Page

CURRENCY = "CNY"
BATCH = 1_000


async def statement(treasury: Treasury, participant_id: ParticipantId, month: str, page: Page) -> Statement:
    """A month with a page of its lines, and one more than the page holds, if there are more. Raises NoMonth."""
    async with treasury.database.read() as tx:
        head, wallet = await _head(tx, participant_id, month)
        return replace(head, lines=await _lines(tx, head, wallet, page.after_id(TransferId), page.limit + 1))


async def exported(treasury: Treasury, participant_id: ParticipantId, month: str) -> str:
    """A month with all its lines, as a table for spreadsheets in plain UTF-8."""
    lines, after = list[Line](), None
    async with treasury.database.read() as tx:
        head, wallet = await _head(tx, participant_id, month)
        while more := await _lines(tx, head, wallet, after, BATCH):
            lines += more
            after = lines[-1].transfer_id
    return csv_text(rules.table(replace(head, lines=tuple(lines))), marked=False)


async def _head(tx: Transaction, participant_id: ParticipantId, month: str) -> tuple[Statement, Account]:
    begins, ends = bounds(month)
    wallet = ledger.wallet(participant_id, CURRENCY)
    earlier_in, earlier_out = await store.sums(tx, wallet, None, begins)
    came_in, went_out = await store.sums(tx, wallet, begins, ends)
    opening = Money(earlier_in - earlier_out, CURRENCY)
    return Statement(month, participant_id, opening, Money(came_in, CURRENCY), Money(went_out, CURRENCY)), wallet


async def _lines(
    tx: Transaction, head: Statement, wallet: Account, after: TransferId | None, limit: int
) -> tuple[Line, ...]:  # fmt: skip
    begins, ends = bounds(head.month)
    opening = head.opening
    if after is not None:
        came_in, went_out = await store.sums(tx, wallet, begins, ends, until=after)
        opening += Money(came_in - went_out, CURRENCY)
    moved = await store.movements(tx, wallet, begins, ends, after, limit)
    return rules.lines_of(wallet, opening, moved, await store.deals_of(tx, moved), await store.providers_of(tx, moved))
