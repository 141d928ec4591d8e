"""Prices that would let something be had for less than it costs are named, each of them; others are not."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricing.rules.arbitrage import ArbitragePossible, Kind, Violation, require_none, violations
from services.pricing.rules.level import Fidelity, Freshness
from services.pricing.rules.plan import (
    BUNDLE,
    COVERAGE,
    FREE,
    ONE_OFF,
    SUBSCRIPTION,
    TIERED,
    USAGE,
    Discount,
    Part,
    Plan,
    PlanKind,
    revise,
)
from services.pricing.rules.tax import Taxation
from shared.grades import Mode
from shared.ids import AssetId, PlanId, VersionId
from shared.metering import tiered_minor
from shared.money import Money
from tests.pricing.made import NOON, a_grid, a_plan, terms, tiers

DAY = timedelta(days=1)
ONE, TWO, THREE = (VersionId.new() for _ in range(3))


def a_price(version_id: VersionId, mode: Mode, minor: int, kind: PlanKind = ONE_OFF, **more: Any) -> Plan:
    return a_plan(terms(kind, minor, **more), version_id, mode)


def a_bundle(minor: int, *parts: "Thing", **more: Any) -> Plan:
    told = terms(BUNDLE, minor, parts=tuple(Part(*part) for part in parts), **more)
    return a_plan(told, *parts[0])


def found(plan: Plan, *others: Plan) -> list[tuple[Any, ...]]:
    """What the plan would do beside the others: kind, the others that show it, quantities, and the two amounts."""
    return [
        (one.kind, one.plans, one.quantities, one.asked.minor, one.possible.minor)
        for one in violations(plan.id, (*others, plan), NOON)
    ]


def test_a_finer_form_costs_at_least_as_much_as_a_coarser_one():
    raw, masked = a_price(ONE, Mode.RAW, 100), a_price(ONE, Mode.DESENSITISED, 101)
    told = [(Kind.COARSER_ABOVE_FINER, (masked.id, raw.id), (), 101, 100)]
    assert found(raw, masked) == found(masked, raw) == told
    assert found(a_price(ONE, Mode.RAW, 101), masked) == []
    assert found(raw, a_price(TWO, Mode.DESENSITISED, 101)) == []  # of something else
    assert found(raw, a_price(ONE, Mode.RAW, 999)) == []  # the same: the buyer chooses


def test_each_violation_is_named():
    raw = a_price(ONE, Mode.RAW, 100)
    others = [a_price(ONE, mode, 200) for mode in (Mode.API, Mode.DESENSITISED, Mode.COMPUTE)]
    assert found(raw, *others) == [(Kind.COARSER_ABOVE_FINER, (other.id, raw.id), (), 200, 100) for other in others]


def test_forms_of_which_neither_follows_from_the_other_have_any_price():
    assert found(a_price(ONE, Mode.API, 5), a_price(ONE, Mode.DESENSITISED, 100), a_price(ONE, Mode.COMPUTE, 50)) == []


def test_a_declared_sample_of_another_version_follows_from_what_is_declared_finer():
    asset = AssetId.new()

    def declared(version_id: VersionId, minor: int, **more: Any) -> Plan:
        return a_plan(terms(ONE_OFF, minor, **more), version_id, asset_id=asset)

    sample, whole = declared(TWO, 11, fidelity=Fidelity.SAMPLE), declared(ONE, 10, fidelity=Fidelity.RAW)
    assert found(sample, whole) == [(Kind.COARSER_ABOVE_FINER, (sample.id, whole.id), (), 11, 10)]
    assert found(sample, declared(ONE, 10)) == []  # says nothing of itself, so it may be older data
    assert found(sample, replace(whole, asset_id=AssetId.new())) == []
    assert found(replace(sample, asset_id=None), replace(whole, asset_id=None)) == []


def test_what_is_live_costs_at_least_as_much_as_what_is_delayed():
    live = a_price(ONE, Mode.RAW, 100)
    delayed = a_price(ONE, Mode.RAW, 101, freshness=Freshness.DELAYED)
    assert found(live, delayed) == [(Kind.COARSER_ABOVE_FINER, (delayed.id, live.id), (), 101, 100)]
    assert found(live, a_price(ONE, Mode.RAW, 100, freshness=Freshness.DELAYED)) == []


def test_what_is_free_makes_everything_that_follows_from_it_free():
    free = a_price(ONE, Mode.RAW, 0, FREE)
    monthly = a_price(ONE, Mode.COMPUTE, 7, SUBSCRIPTION, period_days=30)
    assert found(free, monthly) == [(Kind.COARSER_ABOVE_FINER, (monthly.id, free.id), (), 7, 0)]
    assert found(monthly, a_price(ONE, Mode.COMPUTE, 0, FREE)) == []
    assert found(a_price(ONE, Mode.COMPUTE, 0, FREE), a_price(ONE, Mode.RAW, 9)) == []


def test_a_price_for_a_time_is_not_compared_with_one_for_a_use_or_for_good():
    monthly = a_price(ONE, Mode.DESENSITISED, 900, SUBSCRIPTION, period_days=30)
    assert found(monthly, a_price(ONE, Mode.RAW, 5), a_price(ONE, Mode.RAW, 5, USAGE)) == []


def test_subscriptions_are_compared_by_the_day():
    yearly = a_price(ONE, Mode.RAW, 1_200, SUBSCRIPTION, period_days=360)
    for minor, told in ((100, []), (101, [(360,)])):
        monthly = a_price(ONE, Mode.COMPUTE, minor, SUBSCRIPTION, period_days=30)
        assert [one[2] for one in found(monthly, yearly)] == told
    assert found(monthly, yearly)[0][3:] == (1_212, 1_200)
    fifth = a_price(ONE, Mode.COMPUTE, 101, SUBSCRIPTION, period_days=50)
    assert found(fifth, a_price(ONE, Mode.RAW, 60, SUBSCRIPTION, period_days=30))[0][2:] == ((150,), 303, 300)


def test_prices_for_units_are_compared_at_every_quantity():
    raw = a_plan(terms(TIERED, tiers=tiers((100, 10), (None, 1))), ONE)
    masked = a_price(ONE, Mode.DESENSITISED, 5, USAGE)
    assert found(masked, raw) == [(Kind.COARSER_ABOVE_FINER, (masked.id, raw.id), (226,), 1_130, 1_126)]
    assert found(a_price(ONE, Mode.DESENSITISED, 1, USAGE), raw) == []
    assert found(a_price(ONE, Mode.DESENSITISED, 11, USAGE), raw)[0][2:] == ((1,), 11, 10)


def test_coverage_is_compared_by_its_full_price():
    grid = a_grid([[40, 59]])
    assert found(a_plan(terms(COVERAGE, grid=grid), ONE), a_price(ONE, Mode.DESENSITISED, 100))[0][3:] == (100, 99)
    assert found(a_plan(terms(COVERAGE, grid=grid), ONE), a_price(ONE, Mode.DESENSITISED, 99)) == []


def test_what_a_buyer_pays_is_compared_discounts_and_tax_included():
    raw = a_price(ONE, Mode.RAW, 1_000, discounts=(Discount("x", 1_000),))
    assert found(raw, a_price(ONE, Mode.COMPUTE, 901))[0][3:] == (901, 900)
    assert found(raw, a_price(ONE, Mode.COMPUTE, 900)) == []
    assert found(raw, a_price(ONE, Mode.COMPUTE, 860, tax=Taxation(inclusive=False)))[0][3:] == (912, 900)


# Bundles


def test_a_bundle_costs_at_most_the_cheapest_other_way_to_all_of_it():
    parts = [a_price(ONE, Mode.RAW, 60), a_price(TWO, Mode.RAW, 60), a_price(THREE, Mode.RAW, 60)]
    bundle = a_bundle(181, (ONE, Mode.RAW), (TWO, Mode.RAW), (THREE, Mode.RAW))
    ids = (bundle.id, *(part.id for part in parts))
    assert found(bundle, *parts) == [(Kind.BUNDLE_ABOVE_PARTS, ids, (), 181, 180)]
    assert found(bundle, *parts[:2]) == []  # the third cannot be had otherwise
    pair = a_bundle(100, (ONE, Mode.RAW), (TWO, Mode.RAW))
    assert found(replace(bundle, price=Money(180)), *parts, pair) == [
        (Kind.BUNDLE_ABOVE_PARTS, (bundle.id, parts[2].id, pair.id), (), 180, 160)
    ]
    assert found(replace(bundle, price=Money(160)), *parts, pair) == []


def test_a_part_that_makes_the_rest_too_dear_is_refused_itself():
    bundle, first = a_bundle(100, (ONE, Mode.RAW), (TWO, Mode.RAW)), a_price(ONE, Mode.RAW, 60)
    cheap = a_price(TWO, Mode.RAW, 39)
    told = [(Kind.BUNDLE_ABOVE_PARTS, (bundle.id, cheap.id, first.id), (), 100, 99)]
    assert found(cheap, bundle, first) == told
    assert found(a_price(TWO, Mode.RAW, 40), bundle, first) == []
    assert found(a_price(THREE, Mode.RAW, 1), bundle, first, cheap) == []  # has no part in it


def test_a_part_costs_at_most_the_bundle():
    bundle = a_bundle(100, (ONE, Mode.RAW), (TWO, Mode.RAW))
    dear = a_price(ONE, Mode.COMPUTE, 101)
    assert found(dear, bundle) == [(Kind.PART_ABOVE_BUNDLE, (dear.id, bundle.id), (), 101, 100)]
    assert found(a_price(ONE, Mode.COMPUTE, 100), bundle) == []
    smaller = a_bundle(101, (ONE, Mode.COMPUTE), (TWO, Mode.RAW))
    assert found(smaller, bundle) == [(Kind.PART_ABOVE_BUNDLE, (smaller.id, bundle.id), (), 101, 100)]
    assert found(a_bundle(101, (ONE, Mode.RAW), (TWO, Mode.RAW)), bundle) == []  # the same: the buyer chooses


def test_a_bundle_of_forms_costs_at_most_the_one_that_they_all_follow_from():
    forms = a_bundle(101, (ONE, Mode.RAW), (ONE, Mode.COMPUTE))
    raw = a_price(ONE, Mode.RAW, 100)
    assert found(forms, raw) == [(Kind.BUNDLE_ABOVE_PARTS, (forms.id, raw.id), (), 101, 100)]
    assert found(replace(forms, price=Money(99)), raw) == [(Kind.PART_ABOVE_BUNDLE, (raw.id, forms.id), (), 100, 99)]
    assert found(replace(forms, price=Money(100)), raw) == []


MODES = (Mode.RAW, Mode.API, Mode.DESENSITISED, Mode.COMPUTE)
BELOW = {
    "raw": "raw api desensitised compute", "api": "api", "desensitised": "desensitised compute", "compute": "compute",
}  # fmt: skip
Thing = tuple[VersionId, Mode]
things = st.tuples(st.sampled_from([ONE, TWO, THREE]), st.sampled_from(MODES))
shelves = st.lists(
    st.tuples(st.lists(things, min_size=1, max_size=3, unique=True), st.integers(1, 12)), min_size=1, max_size=5
)


def contents(plan: Plan) -> set[tuple[VersionId, str]]:
    """By hand: all that whoever buys it can work out."""
    had = [(part.version_id, part.mode) for part in plan.parts] or [(plan.version_id, plan.mode)]
    return {(version_id, lower) for version_id, mode in had for lower in BELOW[mode].split()}


def ways(plans: Sequence[Plan], target: Plan) -> Iterator[tuple[Plan, ...]]:
    """By hand: every set of other plans that gives all of a plan, none of them alone the very same thing."""
    others = [plan for plan in plans if plan.id != target.id]
    for size in range(1, len(others) + 1):
        for chosen in combinations(others, size):
            if set().union(*(contents(plan) for plan in chosen)) >= contents(target):
                alike = any(
                    contents(plan) == contents(target) and (plan.kind is BUNDLE) is (target.kind is BUNDLE)
                    for plan in chosen
                )
                if not alike:
                    yield chosen


@settings(max_examples=300)
@given(shelves)
def test_arbitrage_is_found_exactly_where_trying_every_way_finds_it(shelf: list[tuple[list[Thing], int]]):
    plans = [a_bundle(minor, *had) if len(had) > 1 else a_price(had[0][0], had[0][1], minor) for had, minor in shelf]
    tried = any(
        sum(plan.price.minor for plan in chosen) < target.price.minor
        for target in plans for chosen in ways(plans, target)
    )  # fmt: skip
    named = [one for plan in plans for one in violations(plan.id, plans, NOON)]
    assert bool(named) is tried
    prices = {plan.id: plan for plan in plans}
    for one in named:
        dear, cheap = prices[one.plans[0]], [prices[each] for each in one.plans[1:]]
        assert set().union(*(contents(plan) for plan in cheap)) >= contents(dear)
        assert one.asked == dear.price
        assert one.possible.minor == sum(plan.price.minor for plan in cheap) < dear.price.minor


# Quantities


def test_tiers_that_rise_are_named_with_the_smallest_purchase_to_split():
    rising = a_plan(terms(TIERED, tiers=tiers((100, 10), (None, 12))))
    assert found(rising) == [(Kind.SPLITTING_PAYS, (rising.id,), (100, 1), 1_012, 1_010)]
    later = a_plan(terms(TIERED, tiers=tiers((100, 10), (200, 5), (None, 8))))
    assert found(later) == [(Kind.SPLITTING_PAYS, (later.id,), (200, 200), 3_100, 3_000)]
    assert found(a_plan(terms(TIERED, tiers=tiers((100, 10), (200, 8), (None, 5))))) == []
    assert found(a_price(ONE, Mode.RAW, 9, USAGE)) == []


ladders = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 9)), min_size=1, max_size=4).filter(
    lambda steps: steps[0][1] > 0
)


def a_ladder(steps: list[tuple[int, int]]) -> Any:
    ends = [sum(length for length, _ in steps[: place + 1]) for place in range(len(steps) - 1)]
    return tiers(*zip([*ends, None], [unit for _, unit in steps], strict=True))


@given(ladders)
def test_a_split_that_pays_is_found_exactly_where_trying_all_of_them_finds_one(steps: list[tuple[int, int]]):
    ladder = a_ladder(steps)
    plan = a_plan(terms(TIERED, tiers=ladder))
    tried = any(
        tiered_minor(ladder, one + other) > tiered_minor(ladder, one) + tiered_minor(ladder, other)
        for one in range(1, 60) for other in range(1, one + 1)
    )  # fmt: skip
    named = list(violations(plan.id, (plan,), NOON))
    assert bool(named) is tried
    for one in named:
        first, second = one.quantities
        assert one.asked.minor == tiered_minor(ladder, first + second)
        assert one.possible.minor == tiered_minor(ladder, first) + tiered_minor(ladder, second) < one.asked.minor


@given(ladders, ladders)
def test_a_coarser_unit_that_costs_more_is_found_at_the_first_such_quantity(
    finer_steps: list[tuple[int, int]], coarser_steps: list[tuple[int, int]]
):  # fmt: skip
    finer = a_plan(terms(TIERED, tiers=a_ladder(finer_steps)), ONE)
    coarser = a_plan(terms(TIERED, tiers=a_ladder(coarser_steps)), ONE, Mode.COMPUTE)
    dearer = [
        quantity for quantity in (*range(1, 400), 1_000_000)
        if tiered_minor(coarser.tiers, quantity) > tiered_minor(finer.tiers, quantity)
    ]  # fmt: skip
    named = [one for one in violations(finer.id, (finer, coarser), NOON) if one.kind is Kind.COARSER_ABOVE_FINER]
    assert [one.quantities[0] for one in named] == dearer[:1]


# Through time


def refused(plan: Plan, *price_list: tuple[Plan, ...]) -> list[Violation]:
    try:
        require_none(plan.id, price_list, NOON)
    except ArbitragePossible as error:
        assert list(error.facts) == ["violations"]
        named: Any = error.facts["violations"]
        return named
    return []


def test_prices_are_compared_at_every_moment_that_is_known_to_come():
    raw, masked = a_price(ONE, Mode.RAW, 100), a_price(ONE, Mode.DESENSITISED, 90)
    cheaper = revise(raw, terms(ONE_OFF, 80, valid_from=NOON + DAY), NOON)
    [one] = refused(masked, (raw, cheaper), (masked,))
    assert (one.at, one.asked, one.possible) == (NOON + DAY, Money(90), Money(80))
    assert refused(masked, (raw,), (masked,)) == []
    ended = replace(masked, valid_until=NOON + DAY)
    assert refused(ended, (raw, cheaper), (ended,)) == []  # over before it begins
    longer = replace(masked, valid_until=NOON + DAY + timedelta(microseconds=1))
    assert [one.at for one in refused(longer, (raw, cheaper), (longer,))] == [NOON + DAY]


def test_what_stays_wrong_is_named_once():
    raw, masked = a_price(ONE, Mode.RAW, 80), a_price(ONE, Mode.DESENSITISED, 90)
    other = replace(a_price(TWO, Mode.RAW, 1), valid_from=NOON + DAY, valid_until=NOON + 2 * DAY)
    [one] = refused(masked, (raw,), (masked,), (other,))
    assert one.at == NOON


def test_what_was_wrong_before_keeps_nobody_from_publishing_something_else():
    raw, masked = a_price(ONE, Mode.RAW, 80), a_price(ONE, Mode.DESENSITISED, 90)
    new = a_price(TWO, Mode.RAW, 1)
    assert refused(new, (raw,), (masked,), (new,)) == []


def test_a_plan_that_is_not_in_force_is_compared_with_nothing():
    assert list(violations(PlanId.new(), [a_price(ONE, Mode.RAW, 80)], NOON)) == []


@pytest.mark.parametrize("gap", [0, 1])
def test_the_moment_of_publication_counts(gap: int):
    raw = replace(a_price(ONE, Mode.RAW, 80), valid_until=NOON + timedelta(microseconds=gap))
    masked = a_price(ONE, Mode.DESENSITISED, 90)
    assert len(refused(masked, (raw,), (masked,))) == gap
