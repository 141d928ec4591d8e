"""What each kind of plan needs, and what it asks for what is wanted of it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules import plan as plan_rules
from services.pricing.rules.level import Fidelity, Freshness, Level
from services.pricing.rules.plan import (
    BUNDLE,
    COVERAGE,
    FREE,
    ONE_OFF,
    SUBSCRIPTION,
    TIERED,
    USAGE,
    AllUnitsTiers,
    Part,
    PlanKind,
    all_units_minor,
    revise,
)
from services.pricing.rules.price import (
    AskDoesNotFit,
    DaysMakeAPeriod,
    TooMuchAsked,
    listed,
    prorated_minor,
    query,
    require_fit,
)
from services.pricing.rules.quote import Ask, Buys, quote, renewed
from services.pricing.rules.tax import RATES, Category, Rate, Taxation, divide, rate_at
from shared.errors import Failure
from shared.grades import Mode
from shared.ids import ParticipantId, QuoteId, VersionId
from shared.metering import tiered_minor
from shared.money import MINOR_MAX, Money, total
from tests.pricing.made import GOLDEN_TIERS, NOON, a_grid, a_plan, terms, tiers

DAY = timedelta(days=1)
VERSION = VersionId.new()
HERE = Part(VERSION, Mode.RAW)
THERE = Part(VersionId.new(), Mode.API)
TWO_TIERS = tiers((10, 5), (None, 3))
GRID = a_grid([[3, 5]])


@pytest.mark.parametrize("quantity, cost", [(1, 10), (99, 990), (100, 1000), (101, 1008), (200, 1800), (250, 2050)])
def test_marginal_tiers_cost_what_the_golden_table_says(quantity: int, cost: int):
    assert tiered_minor(tiers(*GOLDEN_TIERS), quantity) == cost


def test_all_units_tiers_are_refused_because_101_units_would_cost_less_than_100():
    with pytest.raises(AllUnitsTiers) as refused:
        a_plan(terms(TIERED, tiers=tiers(*GOLDEN_TIERS), all_units=True))
    told = {"units": 101, "cost_minor": 808, "fewer_units": 100, "fewer_cost_minor": 1000}
    assert refused.value.facts == told


@pytest.mark.parametrize("told, facts", [
    (((2, 5), (None, 9)), {"units": 3, "cost_minor": 27, "split_units": [2, 1], "split_cost_minor": 15}),
    (((1, 2), (None, 1)), {}),  # 2 units at 1 cost as much as 1 at 2: no harm, but refused all the same
    (((100, 10), (300, 10), (None, 9)),
     {"units": 301, "cost_minor": 2709, "fewer_units": 300, "fewer_cost_minor": 3000}),
    (((None, 9),), {}),
])  # fmt: skip
def test_all_units_tiers_are_refused_with_the_first_end_at_which_they_do_harm(told: Any, facts: dict[str, Any]):
    with pytest.raises(AllUnitsTiers) as refused:
        a_plan(terms(TIERED, tiers=tiers(*told), all_units=True))
    assert refused.value.facts == facts


falling = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 20)), min_size=1, max_size=4).map(
    lambda steps: tiers(*(
        (None if place == len(steps) - 1 else sum(length for length, _ in steps[: place + 1]), unit)
        for place, unit in enumerate(sorted((unit for _, unit in steps), reverse=True))
    ))
)  # fmt: skip


@given(falling, st.integers(0, 150), st.integers(0, 150))
def test_more_never_costs_less_and_two_purchases_never_less_than_one(ladder: Any, one: int, other: int):
    whole = tiered_minor(ladder, one + other)
    assert whole >= tiered_minor(ladder, one)
    assert whole <= tiered_minor(ladder, one) + tiered_minor(ladder, other)


@given(falling, st.integers(0, 150))
def test_tiers_cost_what_counting_each_unit_says(ladder: Any, quantity: int):
    def unit(number: int) -> int:
        return next(tier.unit_minor for tier in ladder if tier.up_to is None or number <= tier.up_to)

    assert tiered_minor(ladder, quantity) == sum(unit(number) for number in range(1, quantity + 1))
    if quantity:
        assert all_units_minor(ladder, quantity) == quantity * unit(quantity)


@pytest.mark.parametrize("told, code, facts", [
    (terms(SUBSCRIPTION, 100), "plan_incomplete", {"kind": "subscription", "needs": ["period_days"], "told": []}),
    (terms(ONE_OFF, 100, period_days=30), "plan_incomplete", {"kind": "one_off", "needs": [], "told": ["period_days"]}),
    (terms(TIERED), "plan_incomplete", {"kind": "tiered", "needs": ["tiers"], "told": []}),
    (terms(COVERAGE, tiers=TWO_TIERS), "plan_incomplete", {"kind": "coverage", "needs": ["grid"], "told": ["tiers"]}),
    (terms(BUNDLE, 100), "plan_incomplete", {"kind": "bundle", "needs": ["parts"], "told": []}),
    (terms(TIERED, tiers=tiers((10, 5))), "tiers_out_of_order", {"up_to": [10]}),
    (terms(TIERED, tiers=tiers((None, 5), (None, 3))), "tiers_out_of_order", {"up_to": [None, None]}),
    (terms(TIERED, tiers=tiers((10, 5), (10, 4), (None, 3))), "tiers_out_of_order", {"up_to": [10, 10, None]}),
    (terms(TIERED, tiers=tiers((10, 5), (9, 4), (None, 3))), "tiers_out_of_order", {"up_to": [10, 9, None]}),
    (terms(TIERED, 6, tiers=TWO_TIERS), "price_differs", {"price": Money(5), "told": Money(6)}),
    (terms(COVERAGE, 7, grid=GRID), "price_differs", {"price": Money(8), "told": Money(7)}),
    (terms(TIERED, tiers=tiers((10, 0), (None, 3))), "price_missing", {}),
    (terms(USAGE), "price_missing", {}),
    (terms(USAGE, 0), "price_missing", {}),
    (terms(COVERAGE, grid=a_grid([[0]])), "price_missing", {}),
    (terms(COVERAGE, grid=a_grid([[MINOR_MAX, 1]])), "price_too_high",
     {"price_minor": MINOR_MAX + 1, "price_minor_max": MINOR_MAX}),
    (terms(COVERAGE, grid=GRID, discounts=(plan_rules.Discount("x", 1),)), "coverage_kept_whole",
     {"discounts": 1, "tax_inclusive": True}),
    (terms(COVERAGE, grid=GRID, tax=Taxation(inclusive=False)), "coverage_kept_whole",
     {"discounts": 0, "tax_inclusive": False}),
    (terms(BUNDLE, 9, parts=(HERE,)), "bundle_malformed", {"parts": 1, "parts_min": 2, "parts_max": 12}),
    (terms(BUNDLE, 9, parts=(HERE, HERE)), "bundle_malformed", {"parts": 2, "parts_min": 2, "parts_max": 12}),
    (terms(BUNDLE, 9, parts=(THERE, Part(VERSION, Mode.API))), "bundle_malformed",
     {"parts": 2, "parts_min": 2, "parts_max": 12}),
    (terms(FREE, 1), "free_plan_has_price", {}),
])  # fmt: skip
def test_plans_that_are_not_taken(told: plan_rules.Terms, code: str, facts: dict[str, Any]):
    with pytest.raises(Failure) as refused:
        a_plan(told, VERSION)
    assert (refused.value.code(), refused.value.facts) == (code, facts)


@pytest.mark.parametrize("told, price", [
    (terms(FREE), 0), (terms(FREE, 0), 0), (terms(ONE_OFF, 1), 1), (terms(ONE_OFF, MINOR_MAX), MINOR_MAX),
    (terms(SUBSCRIPTION, 100, period_days=1), 100), (terms(USAGE, 3), 3), (terms(TIERED, tiers=TWO_TIERS), 5),
    (terms(TIERED, 5, tiers=TWO_TIERS), 5), (terms(COVERAGE, grid=GRID), 8), (terms(COVERAGE, 8, grid=GRID), 8),
    (terms(BUNDLE, 9, parts=(HERE, THERE)), 9),
    (terms(BUNDLE, 9, parts=(HERE, *(Part(VersionId.new(), Mode.RAW) for _ in range(11)))), 9),
])  # fmt: skip
def test_plans_that_are_taken_tell_one_price(told: plan_rules.Terms, price: int):
    assert a_plan(told, VERSION).price == Money(price)


def test_a_bundle_has_at_most_twelve_parts():
    parts = (HERE, *(Part(VersionId.new(), Mode.RAW) for _ in range(12)))
    with pytest.raises(plan_rules.BundleMalformed):
        a_plan(terms(BUNDLE, 9, parts=parts), VERSION)


def test_a_revision_is_checked_as_the_first_was_and_keeps_what_it_is_of():
    plan = a_plan(terms(SUBSCRIPTION, 100, period_days=30))
    with pytest.raises(plan_rules.PlanIncomplete):
        revise(plan, terms(SUBSCRIPTION, 100), NOON)
    next_one = revise(plan, terms(USAGE, 7, fidelity=Fidelity.SAMPLE, freshness=Freshness.DELAYED), NOON)
    assert (next_one.kind, next_one.period_days, next_one.asset_id) == (USAGE, None, plan.asset_id)
    assert (next_one.level, next_one.is_level_declared) == (Level(Fidelity.SAMPLE, Freshness.DELAYED), True)
    assert (plan.level, plan.is_level_declared) == (Level(Fidelity.RAW), False)


@pytest.mark.parametrize("mode, fidelity, is_taken", [
    (Mode.RAW, "raw", True), (Mode.RAW, "on_request", True), (Mode.RAW, "sample", True),
    (Mode.DESENSITISED, "raw", False), (Mode.DESENSITISED, "desensitised", True),
    (Mode.DESENSITISED, "on_request", False), (Mode.COMPUTE, "aggregated", True), (Mode.COMPUTE, "desensitised", False),
    (Mode.API, "on_request", True), (Mode.API, "desensitised", False), (Mode.API, "sample", True),
])  # fmt: skip
def test_a_plan_claims_at_most_what_its_mode_gives(mode: Mode, fidelity: str, is_taken: bool):
    told = terms(ONE_OFF, 1, fidelity=Fidelity(fidelity))
    if is_taken:
        assert a_plan(told, mode=mode).level.fidelity == fidelity
    else:
        with pytest.raises(plan_rules.LevelAboveMode):
            a_plan(told, mode=mode)


levels = st.builds(Level, st.sampled_from(Fidelity), st.sampled_from(Freshness))


@given(levels, levels, levels)
def test_what_follows_from_what_follows_follows(one: Level, two: Level, three: Level):
    assert one.determines(one)
    if one.determines(two) and two.determines(three):
        assert one.determines(three)
    if one.determines(two) and two.determines(one):
        assert one == two


def test_live_tells_delayed_and_not_the_other_way_round():
    live, delayed = Level(Fidelity.RAW), Level(Fidelity.RAW, Freshness.DELAYED)
    assert live.determines(delayed) and not delayed.determines(live)


# What is asked of a plan


@pytest.mark.parametrize("kind, ask, fits", [
    (ONE_OFF, Ask(), True), (ONE_OFF, Ask(quantity=1), False), (FREE, Ask(), True), (BUNDLE, Ask(periods=1), False),
    (USAGE, Ask(quantity=1), True), (USAGE, Ask(), False), (TIERED, Ask(quantity=1), True), (TIERED, Ask(), False),
    (USAGE, Ask(quantity=1, days=1), False), (SUBSCRIPTION, Ask(periods=1), True), (SUBSCRIPTION, Ask(days=1), True),
    (SUBSCRIPTION, Ask(periods=1, days=1), True), (SUBSCRIPTION, Ask(), False), (SUBSCRIPTION, Ask(quantity=1), False),
    (COVERAGE, Ask(columns=("a",)), True), (COVERAGE, Ask(row_blocks=("b",)), False), (COVERAGE, Ask(), False),
    (COVERAGE, Ask(columns=("a",), row_blocks=("b",)), True), (ONE_OFF, Ask(columns=("a",)), False),
])  # fmt: skip
def test_what_can_be_asked_of_a_kind(kind: PlanKind, ask: Ask, fits: bool):
    if fits:
        require_fit(kind, ask)
    else:
        with pytest.raises(AskDoesNotFit):
            require_fit(kind, ask)


def test_what_does_not_fit_is_refused_with_what_does():
    with pytest.raises(AskDoesNotFit) as refused:
        require_fit(COVERAGE, Ask(quantity=3))
    assert refused.value.facts == {
        "kind": "coverage", "can": ["columns", "row_blocks"], "needs_one_of": ["columns"], "told": ["quantity"],
    }  # fmt: skip


def amounts(plan: plan_rules.Plan, ask: Ask) -> list[int]:
    return [line.amount.minor for line in listed(plan, ask)]


def test_units_are_listed_tier_by_tier():
    plan = a_plan(terms(TIERED, tiers=tiers(*GOLDEN_TIERS)))
    lines = listed(plan, Ask(quantity=250))
    assert [(line.description, line.amount.minor) for line in lines] == [
        ("按量 · units 1 to 100", 1000), ("按量 · units 101 to 200", 800), ("按量 · units 201 to 250", 250),
    ]  # fmt: skip
    assert amounts(plan, Ask(quantity=100)) == [1000]
    assert amounts(plan, Ask(quantity=101)) == [1000, 8]
    assert amounts(a_plan(terms(USAGE, 7)), Ask(quantity=6)) == [42]


def test_a_subscription_is_listed_in_whole_periods_and_days_of_one_more():
    plan = a_plan(terms(SUBSCRIPTION, 1_000, period_days=30))  # 33 a day, and a fen more on each of the first ten
    assert amounts(plan, Ask(periods=2)) == [2_000]
    assert amounts(plan, Ask(periods=2, days=10)) == [2_000, 340]
    assert amounts(plan, Ask(days=11)) == [373]
    assert amounts(plan, Ask(days=29)) == [967]
    assert [line.description for line in listed(plan, Ask(periods=2, days=1))] == [
        "订阅 · 2 periods of 30 days", "订阅 · 1 of 30 days",
    ]  # fmt: skip
    for days in (30, 31):
        with pytest.raises(DaysMakeAPeriod) as refused:
            listed(plan, Ask(days=days))
        assert refused.value.facts == {"days": days, "period_days": 30}


@given(st.integers(0, 10_000), st.integers(1, 366), st.data())
def test_days_are_shared_out_by_largest_remainder_and_add_up_to_the_period(price: int, period: int, data: Any):
    days = data.draw(st.integers(0, period))
    assert prorated_minor(price, period, days) == sum(share.minor for share in Money(price).split([1] * period)[:days])
    assert prorated_minor(price, period, period) == price


def test_more_than_can_be_paid_is_not_quoted():
    assert amounts(a_plan(terms(USAGE, MINOR_MAX)), Ask(quantity=1)) == [MINOR_MAX]
    with pytest.raises(TooMuchAsked) as refused:
        listed(a_plan(terms(USAGE, MINOR_MAX)), Ask(quantity=2))
    assert refused.value.facts == {"minor_max": MINOR_MAX}


# Tax


@given(st.integers(0, MINOR_MAX), st.booleans(), st.sampled_from(RATES))
def test_net_and_tax_are_the_gross_exactly(minor: int, inclusive: bool, rate: Rate):
    divided = divide(Money(minor), inclusive, rate)
    assert divided.net + divided.tax == divided.gross
    assert (divided.gross if inclusive else divided.net) == Money(minor)
    assert (divided.rate_id, divided.basis_points) == (rate.id, rate.basis_points)
    assert abs(divided.tax.minor * 10_000 - divided.net.minor * rate.basis_points) <= 10_000


@pytest.mark.parametrize("minor, inclusive, net, tax, gross", [
    (10_600, True, 10_000, 600, 10_600), (10_000, False, 10_000, 600, 10_600), (100, True, 94, 6, 100),
    (1, True, 1, 0, 1), (0, False, 0, 0, 0), (8, False, 8, 0, 8), (9, False, 9, 1, 10),
])  # fmt: skip
def test_worked_taxes(minor: int, inclusive: bool, net: int, tax: int, gross: int):
    divided = divide(Money(minor), inclusive, rate_at(Category.GENERAL, NOON))
    assert (divided.net.minor, divided.tax.minor, divided.gross.minor) == (net, tax, gross)


def test_a_rate_holds_from_its_day_on():
    old = Rate("old", Category.GENERAL, 600, NOON)
    new = Rate("new", Category.GENERAL, 900, NOON + DAY)
    other = Rate("other", Category.EXEMPT, 0, NOON + DAY)
    moments = [NOON, NOON + DAY - timedelta(microseconds=1), NOON + DAY, NOON + 2 * DAY]
    found = [rate_at(Category.GENERAL, moment, [new, other, old]).id for moment in moments]
    assert found == ["old", "old", "new", "new"]
    assert {category: rate_at(category, NOON).basis_points for category in Category} == {
        Category.GENERAL: 600, Category.SIMPLE: 300, Category.EXEMPT: 0,
    }  # fmt: skip


# Quotes


def quoted(plan: plan_rules.Plan, ask: Ask = Ask()):  # noqa: ANN201, B008
    return quote(QuoteId.new(), plan, ParticipantId.new(), NOON, ask)


def test_tax_on_top_is_a_line_of_its_own_and_inside_it_is_told_beside():
    discounts = (plan_rules.Discount("首单", 1_000),)
    on_top = quoted(a_plan(terms(ONE_OFF, 10_000, discounts=discounts, tax=Taxation(inclusive=False))))
    assert [line.amount.minor for line in on_top.lines] == [10_000, -1_000, 540]
    assert on_top.lines[-1].description == "增值税 · VAT, 600 basis points of the net price"
    assert on_top.tax and (on_top.tax.net, on_top.tax.tax, on_top.total) == (Money(9_000), Money(540), Money(9_540))
    inside = quoted(a_plan(terms(ONE_OFF, 10_600)))
    assert [line.amount.minor for line in inside.lines] == [10_600]
    assert inside.tax and (inside.tax.net, inside.tax.gross, inside.total) == (
        Money(10_000), Money(10_600), Money(10_600)
    )  # fmt: skip
    exempt = quoted(a_plan(terms(ONE_OFF, 5, tax=Taxation(Category.EXEMPT, inclusive=False))))
    assert exempt.tax and (exempt.tax.rate_id, exempt.total) == ("vat_exempt_2026_01", Money(5))


@given(st.integers(1, 10**9), st.lists(st.integers(1, 10_000), max_size=3), st.booleans())
def test_the_lines_of_a_quote_add_up_to_its_total_which_is_its_gross(price: int, off: list[int], inclusive: bool):
    discounts = tuple(plan_rules.Discount("x", points) for points in off)
    given_quote = quoted(a_plan(terms(ONE_OFF, price, discounts=discounts, tax=Taxation(inclusive=inclusive))))
    assert total([line.amount for line in given_quote.lines]) == given_quote.total
    assert given_quote.tax and given_quote.tax.gross == given_quote.total


def test_a_quote_says_what_it_buys():
    assert quoted(a_plan(terms(USAGE, 7)), Ask(quantity=6)).buys == Buys(quota_uses=6)
    assert quoted(a_plan(terms(TIERED, tiers=TWO_TIERS)), Ask(quantity=11)).buys == Buys(quota_uses=11)
    monthly = a_plan(terms(SUBSCRIPTION, 7, period_days=30))
    assert quoted(monthly, Ask(periods=2, days=5)).buys == Buys(period_days=65)
    assert quoted(monthly, Ask(days=5)).buys == Buys(period_days=5)
    assert quoted(a_plan(terms(BUNDLE, 9, parts=(HERE, THERE)), VERSION)).buys == Buys(is_bundle=True)
    assert quoted(a_plan(terms(ONE_OFF, 7))).buys == quoted(a_plan(terms(FREE))).buys == Buys()


def test_a_quote_is_given_anew_only_if_it_is_over_or_asks_something_else():
    plan = a_plan(terms(USAGE, 7))
    first = quoted(plan, Ask(quantity=6))

    def again(plan: plan_rules.Plan, after: timedelta):  # noqa: ANN202
        return renewed(first, quote(QuoteId.new(), plan, first.buyer_id, NOON + after, Ask(quantity=6)))

    assert again(plan, DAY - timedelta(microseconds=1)) is first
    over = again(plan, DAY)
    assert (over.id, over.version, over.total, over.expires_at) == (first.id, 2, first.total, NOON + 2 * DAY)
    dearer = again(revise(plan, terms(USAGE, 8), NOON), timedelta(0))
    assert (dearer.id, dearer.version, dearer.plan_revision, dearer.total) == (first.id, 2, 2, Money(48))


def test_what_is_asked_of_a_grid_is_told_by_its_digest():
    plan, ask = a_plan(terms(COVERAGE, grid=GRID)), Ask(columns=("c0",))
    of_all = quote(QuoteId.new(), plan, ParticipantId.new(), NOON, ask, query(GRID, ask, frozenset()))
    of_block = Ask(columns=("c0",), row_blocks=("b0",))
    of_one = quote(QuoteId.new(), plan, ParticipantId.new(), NOON, of_block, query(GRID, of_block, frozenset()))
    assert of_all.cells == of_one.cells == {("b0", "c0")}
    assert of_all.query_digest and of_one.query_digest and of_all.query_digest != of_one.query_digest
    assert quoted(a_plan(terms(ONE_OFF, 7))).query_digest is None
