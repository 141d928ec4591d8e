"""How quotes are kept: they are only added to."""

from pydantic import TypeAdapter
from sqlalchemy import insert, select

from services.pricing.rules.quote import Line, NoSuchQuote, Quote
from services.pricing.tables.plans import quotes
from shared.database import Transaction
from shared.grades import Mode
from shared.ids import QuoteId
from shared.money import Money

LINES = TypeAdapter(tuple[Line, ...])


async def quote(tx: Transaction, quote_id: QuoteId) -> Quote:
    row = (await tx.execute(select(*quotes.c).where(quotes.c.id == quote_id))).one_or_none()
    if row is None:
        raise NoSuchQuote()
    return Quote(
        row.id, row.plan_id, row.plan_revision, row.version, row.buyer_id, row.provider_id, row.version_id,
        Mode(row.mode), LINES.validate_python(row.lines), Money(row.total_minor, row.total_currency), row.given_at,
        row.expires_at,
    )  # fmt: skip


async def add_quote(tx: Transaction, quote: Quote) -> None:
    row = {
        "id": quote.id, "plan_id": quote.plan_id, "plan_revision": quote.plan_revision, "version": quote.version,
        "buyer_id": quote.buyer_id, "provider_id": quote.provider_id, "version_id": quote.version_id,
        "mode": quote.mode, "lines": LINES.dump_python(quote.lines, mode="json"), "total_minor": quote.total.minor,
        "total_currency": quote.total.currency, "given_at": quote.given_at, "expires_at": quote.expires_at,
    }  # fmt: skip
    await tx.execute(insert(quotes).values(row))
