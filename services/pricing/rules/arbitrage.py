"""No plan costs more than what gives the same by other plans of its provider, at any moment that is known now.

Owns: what is compared with what, and the violations that are found. Does not: price anything; `price` does.
Promises: every violation that the plan in question takes part in is named, with the plans, the quantities and the two
amounts; what is compared is what a buyer would be charged, tax included.
What is compared: whole prices (one-off, coverage in full, bundles), each with the cheapest cover by others;
subscriptions by the day; units at every quantity; and whatever is free with everything that follows from it. A price
for a time is not compared with a price for a use: which of them is cheaper is the buyer's affair.
Source: market-rules B3, P2 to P5; Koutris et al. (PODS 2012) for price = the cheapest views that determine the query.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, pairwise
from math import lcm

from services.pricing.rules.level import BY_MODE, Level
from services.pricing.rules.plan import (
    BUNDLE,
    COVERAGE,
    FREE,
    ONE_OFF,
    QUANTITY_MAX,
    TIERED,
    USAGE,
    Plan,
    PlanNotInForce,
    in_force,
)
from services.pricing.rules.price import discounted
from services.pricing.rules.tax import divide, rate_at
from shared.errors import Conflict
from shared.ids import AssetId, PlanId, VersionId
from shared.metering import tiered_minor
from shared.money import Money, total

WHOLE = frozenset({ONE_OFF, COVERAGE, BUNDLE, FREE})
UNITS = frozenset({USAGE, TIERED})


class Kind(StrEnum):
    BUNDLE_ABOVE_PARTS = "bundle_above_parts"
    PART_ABOVE_BUNDLE = "part_above_bundle"
    COARSER_ABOVE_FINER = "coarser_above_finer"
    SPLITTING_PAYS = "splitting_pays"


@dataclass(frozen=True, slots=True)
class Violation:
    """The first of `plans` asks `asked`; by the others the same is had for `possible`. `quantities`: units, days, or
    the two purchases that one is split into; none where whole prices are compared."""

    kind: Kind
    plans: tuple[PlanId, ...]
    quantities: tuple[int, ...]
    asked: Money
    possible: Money
    at: datetime


class ArbitragePossible(Conflict):
    """By this price something could be had for less than it costs; each way stands in `violations`."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a plan gives. Content of another version follows from it only if both plans say what they are."""

    version_id: VersionId
    asset_id: AssetId | None
    level: Level
    is_declared: bool

    def determines(self, other: "Item") -> bool:
        declared = self.is_declared and other.is_declared
        of_asset = declared and self.asset_id is not None and self.asset_id == other.asset_id
        return (self.version_id == other.version_id or of_asset) and self.level.determines(other.level)


def require_none(plan_id: PlanId, price_list: Iterable[Sequence[Plan]], now: datetime) -> None:
    """Raises ArbitragePossible if this plan takes part in any violation from now on. `price_list` are the revisions of
    each plan of its provider, this one's with the new revision among them."""
    revisions = tuple(price_list)
    ends = chain.from_iterable((plan.valid_from, plan.valid_until) for plan in chain.from_iterable(revisions))
    moments = sorted({now} | {moment for moment in ends if moment is not None and moment > now})
    found = dict[tuple[object, ...], Violation]()
    for moment in moments:
        for one in violations(plan_id, in_force_together(revisions, moment), moment):
            found.setdefault((one.kind, one.plans, one.quantities, one.asked, one.possible), one)
    if found:
        raise ArbitragePossible(violations=list(found.values()))


def violations(plan_id: PlanId, plans: Sequence[Plan], at: datetime) -> Iterator[Violation]:
    """Those that the plan takes part in, among plans that are in force together."""
    mine = next((plan for plan in plans if plan.id == plan_id), None)
    if mine is None:
        return
    yield from _splitting(mine, at)
    for other in plans:
        if other.id != plan_id:
            yield from _between(mine, other, at)
            yield from _between(other, mine, at)
    for bundle in plans:
        if bundle.kind is BUNDLE:
            yield from _cover(bundle, plan_id, plans, at)


def charged(plan: Plan, listed_minor: int, at: datetime) -> Money:
    """What a buyer pays where the list price is this: less discounts, with tax."""
    price = Money(listed_minor, plan.price.currency)
    net = price + total([line.amount for line in discounted(price, plan.discounts)], price.currency)
    return divide(net, plan.tax.inclusive, rate_at(plan.tax.category, at)).gross


def items(plan: Plan) -> tuple[Item, ...]:
    if plan.kind is not BUNDLE:
        return (Item(plan.version_id, plan.asset_id, plan.level, plan.is_level_declared),)
    return tuple(Item(part.version_id, None, Level(BY_MODE[part.mode]), is_declared=False) for part in plan.parts)


def gives(plan: Plan, other: Plan) -> frozenset[int]:
    """Which of the other's items follow from what this plan gives, by their place."""
    mine = items(plan)
    return frozenset(
        place for place, wanted in enumerate(items(other)) if any(item.determines(wanted) for item in mine)
    )


def gives_more(plan: Plan, other: Plan) -> bool:
    """Whether all that the other gives follows from this plan, and not the other way round."""
    return len(gives(plan, other)) == len(items(other)) and len(gives(other, plan)) < len(items(plan))


def in_force_together(revisions: Iterable[Sequence[Plan]], moment: datetime) -> tuple[Plan, ...]:
    """The revision of each plan that is in force at a moment, of those that are."""
    plans = list[Plan]()
    for each in revisions:
        try:
            plans.append(in_force(each, moment))
        except PlanNotInForce:
            continue
    return tuple(plans)


def _between(dear: Plan, cheap: Plan, at: datetime) -> Iterator[Violation]:
    """Where the first costs more than the second, which gives all of it. Two plans for the very same are not compared:
    whoever offers both lets the buyer choose."""
    all_of_it = len(gives(cheap, dear)) == len(items(dear))
    if not all_of_it or not ((dear.kind is BUNDLE) is not (cheap.kind is BUNDLE) or gives_more(cheap, dear)):
        return
    for quantities, asked, possible in _compared(dear, cheap, at):
        if possible < asked:
            yield Violation(_kind(dear, cheap), (dear.id, cheap.id), quantities, asked, possible, at)
            return  # the first quantity at which it shows


def _kind(dear: Plan, cheap: Plan) -> Kind:
    if cheap.kind is BUNDLE:
        return Kind.PART_ABOVE_BUNDLE
    return Kind.BUNDLE_ABOVE_PARTS if dear.kind is BUNDLE else Kind.COARSER_ABOVE_FINER


def _compared(dear: Plan, cheap: Plan, at: datetime) -> Iterator[tuple[tuple[int, ...], Money, Money]]:
    """What both charge, wherever their difference can change its sign. Nothing where they are not comparable."""

    def both(*listed_minor: int) -> tuple[Money, Money]:
        return charged(dear, listed_minor[0], at), charged(cheap, listed_minor[1], at)

    if cheap.kind is FREE or (dear.kind in WHOLE and cheap.kind in WHOLE):
        yield (), *both(dear.price.minor, cheap.price.minor)
    elif dear.period_days and cheap.period_days:
        days = lcm(dear.period_days, cheap.period_days)
        periods = days // dear.period_days, days // cheap.period_days
        yield (days,), *both(dear.price.minor * periods[0], cheap.price.minor * periods[1])
    elif dear.kind in UNITS and cheap.kind in UNITS:
        for quantity in _telling(dear, cheap):
            yield (quantity,), *both(*(tiered_minor(plan.unit_tiers, quantity) for plan in (dear, cheap)))


def _telling(dear: Plan, cheap: Plan) -> list[int]:
    """The quantities that decide between two prices made of straight pieces: where a piece begins or ends, and next to
    that the first of its piece that costs more, if there is one."""
    ends = {tier.up_to for plan in (dear, cheap) for tier in plan.unit_tiers if tier.up_to is not None}
    corners = sorted({1, QUANTITY_MAX} | {end for end in ends if end < QUANTITY_MAX})

    def costs_more(quantity: int) -> bool:
        return tiered_minor(dear.unit_tiers, quantity) > tiered_minor(cheap.unit_tiers, quantity)

    crossings = [
        begin + bisect_left(range(begin, end), True, key=costs_more)
        for begin, end in pairwise(corners)
        if not costs_more(begin) and costs_more(end)
    ]
    return sorted({*corners, *crossings})


def _splitting(plan: Plan, at: datetime) -> Iterator[Violation]:
    """Two purchases that cost less than one of as much. Prices made of straight pieces are subadditive if they are at
    the corners: at the ends of tiers, and at their distances."""
    ends = sorted(tier.up_to for tier in plan.tiers if tier.up_to is not None)
    apart = {high - low for high in ends for low in ends if high > low}
    corners = sorted({*ends, *apart, 1}) if ends else []

    def listed(quantity: int) -> int:
        return tiered_minor(plan.tiers, quantity)

    pairs = sorted(((a, b) for a in corners for b in corners if a >= b), key=lambda pair: (sum(pair), pair))
    for one, other in pairs:
        asked, possible = listed(one + other), listed(one) + listed(other)
        if possible < asked:
            currency = plan.price.currency
            amounts = Money(asked, currency), Money(possible, currency)
            yield Violation(Kind.SPLITTING_PAYS, (plan.id,), (one, other), *amounts, at)
            return


def _cover(bundle: Plan, plan_id: PlanId, plans: Sequence[Plan], at: datetime) -> Iterator[Violation]:
    """The cheapest other plans that together give all of a bundle, if they cost less and the plan takes part."""
    others = [plan for plan in plans if plan.id != bundle.id and plan.kind in WHOLE]
    places = {plan.id: gives(plan, bundle) for plan in others}
    size = len(items(bundle))
    partial = [plan for plan in others if 0 < len(places[plan.id]) < size]
    price = charged(bundle, bundle.price.minor, at)
    if bundle.id == plan_id:
        found = [_cheapest(partial, places.__getitem__, size, at)]
    else:
        own = [plan for plan in partial if plan.id == plan_id]
        found = [_cheapest(partial, places.__getitem__, size, at, using=plan) for plan in own]
    for cover in found:
        if cover is not None and cover[0] < price.minor:
            ids = (bundle.id, *(plan.id for plan in cover[1]))
            yield Violation(Kind.BUNDLE_ABOVE_PARTS, ids, (), price, Money(cover[0], price.currency), at)


def _cheapest(
    plans: Sequence[Plan], places: Callable[[PlanId], frozenset[int]], size: int, at: datetime,
    using: Plan | None = None,
) -> tuple[int, tuple[Plan, ...]] | None:  # fmt: skip
    """The cheapest of the plans that together fill all places, or of those that use this one; None if none do."""
    best: dict[frozenset[int], tuple[int, tuple[Plan, ...]]] = {frozenset(): (0, ())}
    if using is not None:
        best = {places(using.id): (charged(using, using.price.minor, at).minor, (using,))}
    for plan in plans:
        cost = charged(plan, plan.price.minor, at).minor
        for filled, (spent, used) in list(best.items()):
            joined = filled | places(plan.id)
            if joined != filled and (joined not in best or spent + cost < best[joined][0]):
                best[joined] = spent + cost, (*used, plan)
    return best.get(frozenset(range(size)))
