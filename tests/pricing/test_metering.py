"""What measured use costs is what a quote for as many units would have asked, for every number of them."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules.plan import ONE_OFF, SUBSCRIPTION, TIERED, USAGE, Discount
from services.pricing.rules.price import Ask, AskDoesNotFit, require_fit
from services.pricing.rules.quote import Quote, quote, renewed
from services.pricing.rules.tax import Category, Taxation
from shared.ids import ParticipantId, QuoteId
from shared.metering import Meter, Tier, cost
from shared.money import Money
from tests.pricing.made import NOON, a_plan, terms, tiers

BUYER = ParticipantId.new()
discounts = st.lists(st.integers(1, 10_000), max_size=3).map(
    lambda shares: tuple(Discount(f"折扣 {number}", share) for number, share in enumerate(shares))
)
ladders = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 2_000)), min_size=1, max_size=4).map(
    lambda steps: tiers(*(
        (None if place == len(steps) - 1 else sum(length for length, _ in steps[: place + 1]), unit)
        for place, (_, unit) in enumerate(sorted(steps, key=lambda step: -step[1]))
    ))
)  # fmt: skip
taxations = st.builds(Taxation, st.sampled_from(Category), st.booleans())


def quoted(plan: Any, quantity: int, *, metered: bool = True) -> Quote:
    return quote(QuoteId.new(), plan, BUYER, NOON, Ask(quantity=quantity, metered=metered))


@given(ladders, discounts, taxations, st.integers(1, 120), st.integers(0, 119))
def test_units_cost_what_a_quote_for_so_many_asks(
    ladder: Any, taken_off: Any, tax: Taxation, units_max: int, fewer: int
):
    plan = a_plan(terms(TIERED, tiers=ladder, discounts=taken_off, tax=tax))
    reserved = quoted(plan, units_max)
    assert reserved.meter is not None
    assert cost(reserved.meter, units_max).gross == reserved.total
    units = units_max - fewer % units_max
    plain, measured = quoted(plan, units, metered=False), cost(reserved.meter, units)
    assert plain.tax and (measured.gross, measured.tax) == (plain.total, plain.tax.tax)
    assert Money(0) == cost(reserved.meter, 0).gross <= cost(reserved.meter, units - 1).gross <= measured.gross


@pytest.mark.parametrize("units, gross, tax", [(0, 0, 0), (1, 95, 5), (100, 9_540, 540), (101, 9_626, 545)])
def test_a_meter_counts_tiers_then_discounts_then_tax(units: int, gross: int, tax: int):
    """100 units at 1.00, then 0.90 each; a tenth off; 6 % on top: 101 units are 100.90, less 10.09, and 5.45."""
    meter = Meter((Tier(100, 100), Tier(None, 90)), (1_000,), 600, False, 1_000)
    told = cost(meter, units)
    assert (told.gross.minor, told.tax.minor) == (gross, tax)


def test_only_units_can_be_measured_and_the_most_of_them_must_be_named():
    for kind in (USAGE, TIERED):
        require_fit(kind, Ask(quantity=3, metered=True))
        with pytest.raises(AskDoesNotFit) as refused:
            require_fit(kind, Ask(metered=True))
        assert refused.value.facts["needs_one_of"] == ["quantity"]
    for kind, ask in ((SUBSCRIPTION, Ask(periods=1, metered=True)), (ONE_OFF, Ask(metered=True))):
        with pytest.raises(AskDoesNotFit) as refused:
            require_fit(kind, ask)
        assert "metered" in str(refused.value.facts["told"])


def test_a_quote_is_given_anew_once_its_units_would_cost_something_else():
    before = quoted(a_plan(terms(TIERED, tiers=tiers((2, 10), (None, 5)))), 4)
    later = quote(
        before.id, a_plan(terms(TIERED, tiers=tiers((3, 8), (None, 6)))), BUYER, NOON + timedelta(hours=1), before.ask
    )
    assert later.total == before.total == Money(30)
    assert renewed(before, later).version == 2, "the same for all four, and not for one"
    assert renewed(before, before) is before
