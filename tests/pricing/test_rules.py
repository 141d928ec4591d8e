"""What a plan asks, what a quote pins, and which fee schedule holds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules.fee import (
    SCHEDULES,
    FeeSchedule,
    PublishedTooLate,
    published_by,
    require_published_in_time,
    schedule_at,
)
from services.pricing.rules.plan import (
    BeginsInThePast,
    Discount,
    EndsBeforeItBegins,
    FreePlanHasPrice,
    Plan,
    PlanKind,
    PlanNotInForce,
    PriceMissing,
    Terms,
    in_force,
    publish,
    revise,
)
from services.pricing.rules.price import discounted
from services.pricing.rules.quote import quote
from shared.errors import Failure
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.money import MINOR_MAX, Money, total

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
NOTHING = Money(0)

prices = st.integers(0, MINOR_MAX).map(Money)
discounts = st.lists(st.builds(Discount, st.just("x"), st.integers(1, 10_000)), max_size=5).map(tuple)


def one_off(minor: int, *discounts: int, begins: datetime | None = None, ends: datetime | None = None) -> Terms:
    off = tuple(Discount(f"{points} off", points) for points in discounts)
    return Terms(PlanKind.ONE_OFF, Money(minor), off, begins, ends)


def a_plan(terms: Terms) -> Plan:
    return publish(PlanId.new(), ParticipantId.new(), VersionId.new(), Mode.RAW, terms, NOON)


@pytest.mark.parametrize("price, off, lines, net", [
    (100_000, [],             [100_000], 100_000),
    (100_000, [1_000],        [100_000, -10_000], 90_000),
    (100_000, [1_000, 500],   [100_000, -10_000, -5_000], 85_000),   # both of the list price, in any order
    (123_457, [333],          [123_457, -4_111], 119_346),           # 4111.1181, rounded once
    (1,       [5_000],        [1, 0], 1),                            # an exact half stays with the price
    (100,     [6_000, 6_000], [100, -60, -40], 0),                   # nothing is left to take
    (100,     [10_000, 1],    [100, -100, 0], 0),
])  # fmt: skip
def test_worked_quotes(price: int, off: list[int], lines: list[int], net: int):
    given = quote(QuoteId.new(), a_plan(one_off(price, *off)), ParticipantId.new(), NOON)
    assert [line.amount.minor for line in given.lines] == lines
    assert given.total == Money(net)


@given(prices, discounts)
def test_whoever_asks_is_asked_the_same_price(price: Money, off: tuple[Discount, ...]):
    plan = a_plan(one_off(max(price.minor, 1), *(each.basis_points for each in off)))
    one, other = [quote(QuoteId.new(), plan, ParticipantId.new(), NOON) for _ in range(2)]
    assert (one.lines, one.total) == (other.lines, other.total) and one.buyer_id != other.buyer_id


@given(prices, discounts)
def test_a_total_is_the_sum_of_its_lines_and_lies_between_nothing_and_the_list_price(
    price: Money, off: tuple[Discount, ...]
):
    lines = discounted(price, off)
    net = price + total([line.amount for line in lines])
    assert NOTHING <= net <= price
    assert all(line.amount <= NOTHING for line in lines)
    assert net == price + total([line.amount for line in discounted(price, off[::-1])])


@given(prices, discounts, st.integers(1, 10_000))
def test_a_further_discount_never_makes_it_dearer(price: Money, off: tuple[Discount, ...], points: int):
    more = (*off, Discount("more", points))
    assert total([line.amount for line in discounted(price, more)]) <= total(
        [line.amount for line in discounted(price, off)]
    )


def test_a_quote_pins_its_revision_and_expires_after_a_day():
    plan = a_plan(one_off(100))
    given = quote(QuoteId.new(), revise(plan, one_off(200), NOON), ParticipantId.new(), NOON)
    assert (given.plan_id, given.plan_revision, given.version, given.total) == (plan.id, 2, 1, Money(200))
    assert given.expires_at == NOON + DAY


def test_what_is_free_is_quoted_at_nothing():
    free = a_plan(Terms(PlanKind.FREE, NOTHING))
    given = quote(QuoteId.new(), free, ParticipantId.new(), NOON)
    assert given.total == NOTHING and [line.amount for line in given.lines] == [NOTHING]


@pytest.mark.parametrize("terms, refusal", [
    (one_off(0), PriceMissing),
    (Terms(PlanKind.FREE, Money(1)), FreePlanHasPrice),
    (Terms(PlanKind.FREE, NOTHING, (Discount("x", 1),)), FreePlanHasPrice),
    (one_off(1, begins=NOON - timedelta(seconds=1)), BeginsInThePast),
    (one_off(1, ends=NOON), EndsBeforeItBegins),
    (one_off(1, begins=NOON + DAY, ends=NOON + DAY), EndsBeforeItBegins),
])  # fmt: skip
def test_plans_that_are_not_taken(terms: Terms, refusal: type[Failure]):
    with pytest.raises(refusal):
        a_plan(terms)


def test_the_newest_revision_that_has_begun_is_in_force():
    first = a_plan(one_off(100))
    later = revise(first, one_off(200, begins=NOON + 2 * DAY), NOON)
    sooner = revise(later, one_off(300, begins=NOON + DAY, ends=NOON + 3 * DAY), NOON)
    revisions = [sooner, first, later]
    assert [plan.supersedes for plan in (first, later, sooner)] == [None, 1, 2]
    assert in_force(revisions, NOON) is first
    assert in_force(revisions, NOON + DAY) is sooner
    assert in_force(revisions, NOON + 2 * DAY) is sooner
    with pytest.raises(PlanNotInForce):
        in_force(revisions, NOON + 3 * DAY)


def test_before_it_begins_a_plan_asks_nothing_yet():
    with pytest.raises(PlanNotInForce) as refused:
        in_force([a_plan(one_off(100, begins=NOON + DAY))], NOON)
    assert refused.value.facts == {"valid_from": NOON + DAY}


def test_a_schedule_holds_from_its_day_on():
    old, new = FeeSchedule("old", 250, 600, NOON, NOON), FeeSchedule("new", 100, 300, NOON + DAY, NOON)
    moments = [NOON, NOON + DAY - timedelta(microseconds=1), NOON + DAY, NOON + 2 * DAY]
    assert [schedule_at(moment, [new, old]).id for moment in moments] == ["old", "old", "new", "new"]
    assert schedule_at(NOON) in SCHEDULES


@pytest.mark.parametrize("before, in_time", [
    (timedelta(days=7), True), (timedelta(days=8), True), (timedelta(days=7) - INSTANT, False), (-DAY, False),
])  # fmt: skip
def test_a_change_of_fees_is_published_seven_days_before_it_begins(before: timedelta, in_time: bool):
    new = FeeSchedule("new", 100, 300, NOON, NOON - before)
    if in_time:
        require_published_in_time([*SCHEDULES, new])
        return
    with pytest.raises(PublishedTooLate, match="new"):
        require_published_in_time([*SCHEDULES, new])


def test_what_will_hold_can_be_read_from_its_publication_on():
    new = FeeSchedule("new", 100, 300, NOON + 9 * DAY, NOON)
    assert [one.id for one in published_by(NOON, [new, *SCHEDULES])] == ["fees_2026_01", "new"]
    assert [one.id for one in published_by(NOON - INSTANT, [new, *SCHEDULES])] == ["fees_2026_01"]
    require_published_in_time()
