"""A quote: one price for one buyer, which stands until it expires.

Owns: how a plan becomes lines and a total. Does not: accept it, or tell whether it still stands; trading does.
Promises: a quote never changes and pins the revision that it was given from; its lines add up to its total exactly;
0 <= total <= list price; discounts are taken line by line, in order, and stop where nothing is left to take.
Source: market-rules B3, P1 (quoted = charged) and P7.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.pricing.rules.plan import Discount, Plan
from shared.errors import Conflict, NotFound
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.money import Money, total

QUOTE_LIFETIME = timedelta(hours=24)
QUOTE_VERSION = 1  # a quote is never given again in another form; the number says so to whoever accepts it
LIST_PRICE = "价目 · list price"


@dataclass(frozen=True, slots=True)
class Line:
    """Below zero for what is taken off."""

    description: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Quote:
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


class NoSuchQuote(NotFound):
    """There is no such quote, or it is not yours."""


class VersionNotOffered(Conflict):
    """The version that this plan prices is not registered, so there is nothing to quote."""


def quote(quote_id: QuoteId, plan: Plan, buyer_id: ParticipantId, now: datetime) -> Quote:
    """The buyer's price by a plan that is in force at this moment."""
    lines = priced(plan.price, plan.discounts)
    return Quote(
        quote_id, plan.id, plan.revision, QUOTE_VERSION, buyer_id, plan.provider_id, plan.version_id, plan.mode, lines,
        total([line.amount for line in lines], plan.price.currency), now, now + QUOTE_LIFETIME,
    )  # fmt: skip


def is_party(quote: Quote, participant_id: ParticipantId) -> bool:
    return participant_id in (quote.buyer_id, quote.provider_id)


def priced(price: Money, discounts: tuple[Discount, ...]) -> tuple[Line, ...]:
    """The list price, and what each discount takes off it: its share of the list price, at most what is left."""
    lines, left = [Line(LIST_PRICE, price)], price
    for discount in discounts:
        taken = min(price.portion(discount.basis_points), left)
        left -= taken
        lines.append(Line(discount.description, Money(0, price.currency) - taken))
    return tuple(lines)
