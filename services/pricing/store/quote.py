"""How quotes are kept: they are only added to, version by version."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.pricing.rules.bundle import PartShare
from services.pricing.rules.coverage import Cell
from services.pricing.rules.price import EVERYTHING, Ask, Line
from services.pricing.rules.quote import Buys, NoSuchQuote, Quote
from services.pricing.rules.tax import Taxed
from services.pricing.rules.trade import FAILED
from services.pricing.tables.plans import quotes
from services.pricing.tables.trades import trades
from shared.database import Transaction
from shared.errors import Conflict
from shared.grades import Mode
from shared.ids import ParticipantId, QuoteId, VersionId
from shared.metering import Meter
from shared.money import Money

LINES = TypeAdapter(tuple[Line, ...])
ASK = TypeAdapter(Ask)
TAX = TypeAdapter(Taxed)
METER = TypeAdapter(Meter)
CELLS = TypeAdapter(frozenset[Cell])
PARTS = TypeAdapter(tuple[PartShare, ...])


class RenewedMeanwhile(Conflict):
    """This quote was given anew at the same time; look again."""


async def quote(tx: Transaction, quote_id: QuoteId) -> Quote:
    """Its newest version. Raises NoSuchQuote."""
    query = select(*quotes.c).where(quotes.c.id == quote_id).order_by(quotes.c.version.desc()).limit(1)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NoSuchQuote()
    return _quote(row)


async def add_quote(tx: Transaction, quote: Quote) -> None:
    """Raises RenewedMeanwhile if there is such a version."""
    row = {
        "id": quote.id, "plan_id": quote.plan_id, "plan_revision": quote.plan_revision, "version": quote.version,
        "buyer_id": quote.buyer_id, "provider_id": quote.provider_id, "version_id": quote.version_id,
        "mode": quote.mode, "lines": LINES.dump_python(quote.lines, mode="json"), "total_minor": quote.total.minor,
        "total_currency": quote.total.currency, "given_at": quote.given_at, "expires_at": quote.expires_at,
        "ask": ASK.dump_python(quote.ask, mode="json"), "quota_uses": quote.buys.quota_uses,
        "period_days": quote.buys.period_days, "is_bundle": quote.buys.is_bundle,
        "granted_columns": None if quote.buys.columns is None else list(quote.buys.columns),
        "tax": quote.tax and TAX.dump_python(quote.tax, mode="json"), "cells": sorted(quote.cells),
        "meter": quote.meter and METER.dump_python(quote.meter, mode="json"),
        "parts": PARTS.dump_python(quote.parts, mode="json"),
    }  # fmt: skip
    try:
        await tx.execute(insert(quotes).values(row))
    except IntegrityError as error:
        raise RenewedMeanwhile() from error


async def is_ordered(tx: Transaction, quote_id: QuoteId) -> bool:
    """As far as trading's news has come."""
    return (await tx.execute(select(trades.c.order_id).where(trades.c.quote_id == quote_id))).first() is not None


async def bought(tx: Transaction, buyer_id: ParticipantId, version_id: VersionId) -> dict[Mode, frozenset[Cell]]:
    """The cells of a version that a buyer's quotes charged for and that are paid, by mode."""
    theirs = quotes.c.buyer_id == buyer_id, quotes.c.version_id == version_id
    paid = trades.c.paid_at.is_not(None), trades.c.state.not_in(FAILED), trades.c.price_minor == quotes.c.total_minor
    joined = quotes.join(trades, trades.c.quote_id == quotes.c.id)
    found: dict[Mode, frozenset[Cell]] = {}
    for row in await tx.execute(select(quotes.c.mode, quotes.c.cells).select_from(joined).where(*theirs, *paid)):
        mode = Mode(row.mode)
        found[mode] = found.get(mode, frozenset()) | CELLS.validate_python(row.cells)
    return found


async def quotes_by_coverage(tx: Transaction, buyer_id: ParticipantId, version_id: VersionId) -> list[Quote]:
    """A buyer's quotes that charge for cells of a version, each in every version that was given of it."""
    theirs = quotes.c.buyer_id == buyer_id, quotes.c.version_id == version_id
    return [found for row in await tx.execute(select(*quotes.c).where(*theirs)) if (found := _quote(row)).cells]


def _quote(row: Row[Any]) -> Quote:
    return Quote(
        row.id, row.plan_id, row.plan_revision, row.version, row.buyer_id, row.provider_id, row.version_id,
        Mode(row.mode), LINES.validate_python(row.lines), Money(row.total_minor, row.total_currency), row.given_at,
        row.expires_at, EVERYTHING if row.ask is None else ASK.validate_python(row.ask),
        Buys(row.quota_uses, row.period_days, row.is_bundle, _columns(row.granted_columns)),
        None if row.tax is None else TAX.validate_python(row.tax), CELLS.validate_python(row.cells),
        row.meter and METER.validate_python(row.meter), PARTS.validate_python(row.parts),
    )  # fmt: skip


def _columns(kept: list[str] | None) -> tuple[str, ...] | None:
    return None if kept is None else tuple(kept)
