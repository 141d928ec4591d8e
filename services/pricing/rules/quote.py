"""A quote: one price for one buyer, which stands until it expires.

Owns: how a plan and what is wanted of it become lines and a total, and when a quote is given anew. Does not: accept it,
or tell whether it still stands; trading does.
Promises: a version of a quote never changes and pins the revision that it was given from; its lines add up to its total
exactly; net + tax = gross = total; a price that changed gives a new version, never another number in the same one.
Source: market-rules B3, P1 (quoted = charged) and P9.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.pricing.rules.bundle import PartShare, price_alone, shared_out
from services.pricing.rules.coverage import Cell, cells_of
from services.pricing.rules.plan import BUNDLE, Plan, PlanKind
from services.pricing.rules.price import EVERYTHING, Ask, Line, Query, discounted, listed
from services.pricing.rules.tax import RATES, Rate, Taxed, divide, rate_at
from shared import canonical
from shared.errors import Conflict, NotFound
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.metering import Meter
from shared.money import Money, total

QUOTE_LIFETIME = timedelta(hours=24)
FIRST_VERSION = 1


@dataclass(frozen=True, slots=True)
class Buys:
    """What the price is for, beyond the version in its mode: None leaves it to the offer."""

    quota_uses: int | None = None
    period_days: int | None = None
    is_bundle: bool = False
    columns: tuple[str, ...] | None = None  # by coverage: those that may be asked about, in every row


@dataclass(frozen=True, slots=True)
class Quote:
    """`cells` is what it charges for by coverage: what its buyer had not bought when it was given. `parts` are what a
    bundle gives, in the order of its plan, each with what of the total falls on it."""

    id: QuoteId
    plan_id: PlanId
    plan_revision: int
    version: int
    buyer_id: ParticipantId
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    lines: tuple[Line, ...]
    total: Money
    given_at: datetime
    expires_at: datetime
    ask: Ask = EVERYTHING
    buys: Buys = Buys()
    tax: Taxed | None = None  # of a quote that was given before quotes told their tax
    cells: frozenset[Cell] = frozenset()
    meter: Meter | None = None  # by which what is used is paid; the total is what the most that is used costs
    parts: tuple[PartShare, ...] = ()

    @property
    def query_digest(self) -> str | None:
        """SHA-256 of what was asked of a grid and what is charged of it, in hex: too much for a fact."""
        if not self.ask.columns:
            return None
        blocks = {} if self.ask.row_blocks is None else {"row_blocks": sorted(self.ask.row_blocks)}
        return canonical.digest({"columns": sorted(self.ask.columns), "cells": sorted(self.cells)} | blocks)


class NoSuchQuote(NotFound):
    """There is no such quote, or it is not yours."""


class QuoteOrdered(Conflict):
    """This quote has become an order; ask for another one."""


class VersionNotOffered(Conflict):
    """The version that this plan prices is not registered, so there is nothing to quote."""


def quote(
    quote_id: QuoteId, plan: Plan, buyer_id: ParticipantId, now: datetime, ask: Ask = EVERYTHING,
    query: Query | None = None, rates: tuple[Rate, ...] = RATES, beside: Sequence[Plan] = (),
) -> Quote:  # fmt: skip
    """The buyer's price by a plan that is in force at this moment. Requires `query` where it prices by coverage; for a
    bundle, `beside` are the other plans in force for its parts."""
    lines = priced(plan, ask, query)
    asked = total([line.amount for line in lines], plan.price.currency)
    rate = rate_at(plan.tax.category, now, rates)
    taxed = divide(asked, plan.tax.inclusive, rate)
    if not plan.tax.inclusive:
        lines = (*lines, Line(f"增值税 · VAT, {rate.basis_points} basis points of the net price", taxed.tax))
    return Quote(
        quote_id, plan.id, plan.revision, FIRST_VERSION, buyer_id, plan.provider_id, plan.version_id, plan.mode, lines,
        taxed.gross, now, now + QUOTE_LIFETIME, ask, _bought(plan, ask, query), taxed,
        cells_of(query.grid, query.atoms) if query else frozenset(), _meter(plan, ask, rate),
        _parts(plan, beside, taxed, now),
    )  # fmt: skip


def renewed(before: Quote, present: Quote) -> Quote:
    """The quote after one that was given before: itself while it stands and asks the same, otherwise the next version.
    Requires that both are of the same plan, buyer and ask."""
    asks = [(each.total, each.lines, each.cells, each.meter, each.parts) for each in (before, present)]
    same = asks[0] == asks[1]
    if same and present.given_at < before.expires_at:
        return before
    return replace(present, id=before.id, version=before.version + 1)


def is_party(quote: Quote, participant_id: ParticipantId) -> bool:
    return participant_id in (quote.buyer_id, quote.provider_id)


def priced(plan: Plan, ask: Ask = EVERYTHING, query: Query | None = None) -> tuple[Line, ...]:
    """The list price in its parts, and what each discount takes off it."""
    lines = listed(plan, ask, query)
    return (*lines, *discounted(total([line.amount for line in lines], plan.price.currency), plan.discounts))


def _meter(plan: Plan, ask: Ask, rate: Rate) -> Meter | None:
    if not ask.metered:
        return None
    discounts = tuple(discount.basis_points for discount in plan.discounts)
    units_max = ask.quantity or 0
    return Meter(plan.unit_tiers, discounts, rate.basis_points, plan.tax.inclusive, units_max, plan.price.currency)


def _parts(plan: Plan, beside: Sequence[Plan], taxed: Taxed, at: datetime) -> tuple[PartShare, ...]:
    if plan.kind is not BUNDLE:
        return ()
    return shared_out(plan.parts, [price_alone(part, beside, at) for part in plan.parts], taxed)


def _bought(plan: Plan, ask: Ask, query: Query | None) -> Buys:
    match plan.kind:
        case PlanKind.USAGE | PlanKind.TIERED:
            return Buys(quota_uses=ask.quantity)
        case PlanKind.SUBSCRIPTION:
            assert plan.period_days is not None
            return Buys(period_days=(ask.periods or 0) * plan.period_days + (ask.days or 0))
        case PlanKind.BUNDLE:
            return Buys(is_bundle=True)
        case PlanKind.COVERAGE:
            assert query is not None
            return Buys(columns=query.columns)
        case _:
            return Buys()
