"""Orders whose buyers object, made in one line each."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.trading.rules import objection as rules
from services.trading.rules import order as order_rules
from services.trading.rules.acceptance_terms import AcceptanceTerms, Clause, Measure
from services.trading.rules.market_rules import DAY
from services.trading.rules.objection import Ground, GroundCode, Objection, Said
from services.trading.rules.order import AWAITING_DELIVERY, Order
from shared.ids import EntitlementId
from shared.money import Money
from tests.trading.made import NOON, a_listing, an_order

HASH, OTHER_HASH = "ab" * 32, "cd" * 32
INSPECTION, ANSWERING = timedelta(days=7), timedelta(days=2)
CLAUSES = (
    Clause("complete", Measure.COMPLETENESS, 9_800),
    Clause("schema", Measure.SCHEMA, digest=HASH),
    Clause("manner", Measure.TEXT, digest=HASH),
)
TERMS = AcceptanceTerms(7 * DAY, 2 * DAY, cures_max=2, clauses=CLAUSES)
UNREADABLE = (Ground(GroundCode.UNREADABLE),)


def a_delivered(price: int = 1_000, terms: AcceptanceTerms = TERMS) -> Order:
    """An order whose buyer has received at noon what is to be inspected."""
    order = an_order(a_listing(acceptance=terms), price=price)
    paid = replace(order, state=AWAITING_DELIVERY, deadline=NOON + INSPECTION, entitlement_id=EntitlementId.new())
    return order_rules.deliver(paid, NOON)


def said(claim: int = 400, *grounds: Ground, reason: str = "乱码") -> Said:
    return Said(grounds or UNREADABLE, Money(claim), reason)


def an_objected(claim: int = 400, **parts: Any) -> tuple[Order, Objection]:
    return rules.object_to(a_delivered(**parts), None, said(claim), NOON)


def an_offered(part: int = 100) -> tuple[Order, Objection]:
    return rules.offer(*an_objected(), Money(part), "少赔", NOON)
