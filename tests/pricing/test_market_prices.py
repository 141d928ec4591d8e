"""What is told of many trades together: months, anonymity, reference prices and the price index."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules import price_index, reference_price
from services.pricing.rules.anonymity import inputs_hash, may_be_told
from services.pricing.rules.month import begins, due, due_at, later, month_of, months_between
from services.pricing.rules.price_index import IndexPoint
from services.pricing.rules.reference_price import Prices, since
from services.pricing.rules.trade import Trade
from shared import canonical
from shared.grades import Mode
from shared.ids import ListingId, OrderId, ParticipantId, VersionId
from shared.money import Money

NOW = datetime(2030, 2, 8, tzinfo=UTC)
PARTIES = tuple(ParticipantId(f"participant_{number:032x}") for number in range(30))
VERSIONS = tuple(VersionId(f"version_{number:032x}") for number in range(10))
ALONE = {party: party for party in PARTIES}
LISTING = ListingId.new()


def sold(minor: int, provider: int = 0, buyer: int = 10, version: int = 0, mode: Mode = Mode.RAW) -> Trade:
    at = datetime(2030, 1, 15, tzinfo=UTC)
    return Trade(
        OrderId.new(), LISTING, VERSIONS[version], mode, False, PARTIES[buyer], PARTIES[provider], None, Money(minor),
        at, "settled", at, at,
    )  # fmt: skip


def spread(*prices: int, versions: bool = False) -> list[Trade]:
    """Each trade between another provider and another buyer, of one version or each of its own."""
    return [sold(minor, place, 10 + place, place if versions else 0) for place, minor in enumerate(prices)]


@pytest.mark.parametrize("moment, month", [
    (datetime(2030, 1, 31, 15, 59, 59, tzinfo=UTC), "2030-01"),
    (datetime(2030, 1, 31, 16, tzinfo=UTC), "2030-02"),
    (datetime(2029, 12, 31, 16, tzinfo=UTC), "2030-01"),
])  # fmt: skip
def test_a_month_is_one_of_beijing(moment: datetime, month: str):
    assert month_of(moment) == month


@pytest.mark.parametrize("month, months, found", [
    ("2030-01", 1, "2030-02"), ("2030-12", 1, "2031-01"), ("2030-01", -1, "2029-12"), ("2030-06", -11, "2029-07"),
    ("2030-06", 0, "2030-06"), ("2030-11", 26, "2033-01"),
])  # fmt: skip
def test_months_are_counted(month: str, months: int, found: str):
    assert later(month, months) == found
    assert months_between(month, found) == months
    assert month_of(begins(found)) == found and month_of(begins(found) - timedelta(microseconds=1)) == later(found, -1)


def test_a_month_is_due_a_week_after_its_end_in_beijing():
    moment = datetime(2030, 2, 7, 16, tzinfo=UTC)
    assert due_at("2030-01") == moment
    assert due("2029-12", moment) == ["2029-12", "2030-01"]
    assert due("2029-12", moment - timedelta(microseconds=1)) == ["2029-12"]
    assert due("2030-02", moment) == []


@pytest.mark.parametrize("trades, told", [
    (spread(1, 1, 1, 1, 1),                                                             True),
    (spread(1, 1, 1, 1),                                                                False),
    ([],                                                                                False),
    ([sold(1, place % 3, 10 + place % 3) for place in range(5)],                        True),
    ([sold(1, place % 2, 10 + place) for place in range(6)],                            False),
    ([sold(1, place, 10 + place % 2) for place in range(6)],                            False),
    ([sold(4, 0), sold(1, 1, 11), sold(1, 2, 12), sold(1, 3, 13), sold(1, 4, 14)],      True),   # just half
    ([sold(5, 0), sold(1, 1, 11), sold(1, 2, 12), sold(1, 3, 13), sold(1, 4, 14)],      False),  # more than half
    ([sold(3, 0), sold(2, 0, 15), sold(1, 1, 11), sold(1, 2, 12), sold(1, 3, 13), sold(1, 4, 14)], False),
], ids=range(9))  # fmt: skip
def test_figures_are_told_of_enough_trades_that_nobody_dominates(trades: list[Trade], told: bool):
    assert may_be_told(trades, ALONE) is told


@pytest.mark.parametrize("one, other", [(0, 1), (10, 11)], ids=["providers", "buyers"])
def test_affiliates_count_as_one(one: int, other: int):
    trades = [sold(1, place % 3, 10 + place % 3) for place in range(6)]
    assert may_be_told(trades, ALONE)
    assert not may_be_told(trades, ALONE | {PARTIES[other]: PARTIES[one]})


def test_the_digest_can_be_computed_again_from_what_the_log_tells():
    trade = sold(123, 1, 11)
    told = {
        "order_id": str(trade.order_id), "version_id": str(VERSIONS[0]), "mode": "raw",
        "price": {"minor": 123, "currency": "CNY"}, "buyer": str(PARTIES[11]), "provider": str(PARTIES[0]),
        "at": 1_894_665_600_000_000,
    }  # fmt: skip
    assert inputs_hash([trade], ALONE | {PARTIES[1]: PARTIES[0]}) == canonical.digest([told])


def test_the_digest_is_of_what_was_used_in_any_order():
    trades = spread(1, 2, 3, 4, 5)
    assert inputs_hash(trades, ALONE) == inputs_hash(trades[::-1], ALONE)
    changed = [
        inputs_hash([replace(trades[0], **change), *trades[1:]], ALONE)
        for change in ({"price": Money(9)}, {"version_id": VERSIONS[9]}, {"settled_at": NOW}, {"mode": Mode.API})
    ]  # fmt: skip
    regrouped = (
        inputs_hash(trades, ALONE | {PARTIES[1]: PARTIES[0]}),
        inputs_hash(trades, ALONE | {PARTIES[11]: PARTIES[10]}),
    )
    assert len({inputs_hash(trades, ALONE), *changed, *regrouped}) == 7


@pytest.mark.parametrize("month, last, first", [
    ("2030-06", None, "2029-07"), ("2030-06", "2030-05", "2030-06"), ("2030-06", "2030-03", "2030-04"),
    ("2030-06", "2029-06", "2029-07"), ("2030-06", "2028-01", "2029-07"),
])  # fmt: skip
def test_windows_follow_each_other_and_reach_back_a_year_at_most(month: str, last: str | None, first: str):
    assert since(month, last) == first


def priced(trades: Sequence[Trade]) -> reference_price.ReferencePrice:
    return reference_price.reference_price("transport", Mode.RAW, "2030-01", "2029-12", trades, ALONE, NOW)


def test_a_reference_price_is_the_median_with_its_quartiles():
    trades = spread(100, 500, 200, 400, 301)
    found = priced(trades)
    assert found.prices == Prices(Money(200), Money(301), Money(400))
    assert (found.trades, found.reason_code, found.since, found.month) == (5, None, "2029-12", "2030-01")
    assert found.inputs_hash == inputs_hash(trades, ALONE)
    assert (found.as_of, found.method_version) == (NOW, reference_price.METHOD_VERSION)
    assert priced(trades[::-1]) == found
    assert priced(spread(1, 2, 3, 4, 5, 6)).prices == Prices(Money(2), Money(4), Money(5))  # 2.25, 3.5 and 4.75


def test_a_small_cell_tells_nothing_but_that_it_is_small():
    found = priced(spread(100, 100, 100, 100))
    assert (found.prices, found.trades, found.inputs_hash) == (None, None, None)
    assert found.reason_code == "not_enough_trades"


def pointed(
    here: Sequence[Trade], last: IndexPoint | None = None, then: Sequence[Trade] = (), month: str = "2030-02"
) -> IndexPoint:
    return price_index.point("transport", month, last, then, here, ALONE, NOW)


def based(trades: Sequence[Trade], month: str = "2030-01") -> IndexPoint:
    return pointed(trades, month=month)


JANUARY = spread(100, 100, 200, 200, 300, versions=True)


def scaled(trades: Sequence[Trade], times: int) -> list[Trade]:
    return [replace(trade, order_id=OrderId.new(), price=trade.price * times) for trade in trades]


def test_an_index_begins_at_a_hundred():
    first = based(JANUARY)
    assert (first.hundredths, first.chain, first.linked_to, first.series, first.strata) == (
        10_000,
        Decimal(100),
        None,
        1,
        5,
    )
    assert first.inputs_hash == inputs_hash(JANUARY, ALONE) and first.reason_code is None
    assert (first.theme, first.month, first.as_of) == ("transport", "2030-01", NOW)


@pytest.mark.parametrize("prices, hundredths", [
    ((100, 100, 200, 200, 300), 10_000),
    ((200, 200, 400, 400, 600), 20_000),
    ((200, 100, 200, 200, 300), 11_487),   # 2^(1/5) = 1.148698
    ((200, 50, 200, 200, 300),  10_000),   # one doubles, one halves
    ((110, 110, 220, 220, 330), 11_000),
    ((100, 100, 200, 200, 600), 11_487),   # the dear weighs as much as the cheap
])  # fmt: skip
def test_worked_links(prices: tuple[int, ...], hundredths: int):
    february = spread(*prices, versions=True)
    found = pointed(february, based(JANUARY), JANUARY)
    assert (found.hundredths, found.linked_to, found.series, found.strata) == (hundredths, "2030-01", 1, 5)
    assert found.inputs_hash == inputs_hash([*JANUARY, *february], ALONE)


def test_what_is_new_or_gone_does_not_move_the_index():
    february = [*spread(200, 200, 400, 400, 600, versions=True), sold(10**6, 5, 15, 9)]
    february.append(sold(1, 6, 16, 0, Mode.API))  # the same version in another mode is another thing
    # A new and dear stratum would dominate: it is judged with the rest, so it is small enough here.
    february[5] = replace(february[5], price=Money(1_700))
    found = pointed(february, based(JANUARY), [*JANUARY, sold(1, 6, 16, 8)])
    assert (found.hundredths, found.strata) == (20_000, 5)


def test_a_stratum_counts_once_however_often_it_was_sold():
    february = [*spread(200, 100, 200, 200, 300, versions=True), sold(200, 1, 20, 0), sold(200, 2, 21, 0)]
    assert pointed(february, based(JANUARY), JANUARY).hundredths == 11_487


def test_a_month_without_enough_trades_has_no_point_and_the_next_links_over_it():
    first = based(JANUARY)
    none = pointed(JANUARY[:4], first, JANUARY)
    assert (none.hundredths, none.chain, none.linked_to, none.strata, none.inputs_hash) == (None,) * 5
    assert (none.reason_code, none.series) == ("not_enough_trades", 1)
    march = pointed(scaled(JANUARY, 3), first, JANUARY, month="2030-03")
    assert (march.hundredths, march.linked_to) == (30_000, "2030-01")


@pytest.mark.parametrize("then, here", [
    (spread(1, 1, 1, 1, 1), spread(1, 1, 1, 1, 1, versions=True)),                              # one stratum of both
    ([sold(1, place, 10 + place, place % 2) for place in range(6)],
     [sold(1, place, 10 + place, place % 2) for place in range(6)]),                            # two
    ([*JANUARY[:4], sold(1, 9, 19, 9)], JANUARY),                                               # too few then
    (JANUARY, [*JANUARY[:4], sold(1, 9, 19, 9)]),                                               # too few here
], ids=range(4))  # fmt: skip
def test_what_is_not_matched_enough_has_no_point(then: list[Trade], here: list[Trade]):
    found = pointed(here, based(JANUARY), then)
    assert (found.hundredths, found.reason_code) == (None, "not_enough_matched")


def test_three_strata_are_enough():
    trades = [sold(100, place, 10 + place, place % 3) for place in range(6)]
    assert pointed(scaled(trades, 2), based(trades), trades).hundredths == 20_000


@pytest.mark.parametrize("month, series, linked_to", [("2031-01", 1, "2030-01"), ("2031-02", 2, None)])
def test_a_chain_that_was_not_linked_for_a_year_ends(month: str, series: int, linked_to: str | None):
    found = pointed(scaled(JANUARY, 2), based(JANUARY), JANUARY, month=month)
    assert (found.series, found.linked_to, found.hundredths) == (series, linked_to, 20_000 if linked_to else 10_000)
    assert pointed([], replace(based(JANUARY), series=3), JANUARY, month=month).series == 3


prices = st.lists(st.integers(1, 10**9), min_size=5, max_size=5)


def tame(drawn: list[int]) -> list[int]:
    """Such that no one of the five takes more than half."""
    floor = max(drawn) // 4 + 1
    return [max(price, floor) for price in drawn]


@given(prices.map(tame), prices.map(tame))
def test_a_link_is_the_geometric_mean_of_the_changes(before: list[int], after: list[int]):
    found = price_index.link(spread(*before, versions=True), spread(*after, versions=True))
    expected = math.prod(there / here for here, there in zip(before, after, strict=True)) ** (1 / 5)
    assert float(found) == pytest.approx(expected, rel=1e-12)


@given(prices.map(tame), prices.map(tame))
def test_an_index_that_goes_and_comes_back_is_where_it_was(before: list[int], after: list[int]):
    january, february = spread(*before, versions=True), spread(*after, versions=True)
    march = scaled(january, 1)
    second = pointed(february, based(january), january)
    third = pointed(march, second, february, month="2030-03")
    assert third.hundredths == 10_000


@given(prices.map(tame), st.integers(1, 1_000))
def test_when_all_prices_rise_alike_the_index_rises_so(before: list[int], times: int):
    january = spread(*before, versions=True)
    found = pointed(scaled(january, times), based(january), january)
    assert found.hundredths == 10_000 * times


@given(prices.map(tame), st.permutations(range(5)))
def test_the_order_of_trades_changes_nothing_to_the_last_digit(before: list[int], order: list[int]):
    january, february = spread(*before, versions=True), spread(*before[::-1], versions=True)
    shuffled: dict[str, Any] = {"last": based(january), "then": [january[place] for place in order]}
    assert pointed([february[place] for place in order], **shuffled) == pointed(february, based(january), january)


@pytest.mark.parametrize("chain, told", [("100", 10_000), ("123.445", 12_345), ("123.4449", 12_344), ("0.004", 0)])
def test_a_level_is_told_in_hundredths_half_up(chain: str, told: int):
    assert price_index.hundredths(Decimal(chain)) == told


@pytest.mark.parametrize("month, told", [
    ("2029-12", (None, None)), ("2030-01", (10_000, 12_000)), ("2030-02", (10_000, 12_000)),
    ("2030-03", (11_000, 12_000)), ("2030-05", (12_000, 12_000)),
])  # fmt: skip
def test_a_trade_is_compared_at_the_level_of_its_month_or_the_last_before(
    month: str, told: tuple[int | None, int | None]
):
    levels = [
        replace(based(JANUARY), month=month, hundredths=hundredths)
        for month, hundredths in (("2030-01", 10_000), ("2030-03", 11_000), ("2030-04", 12_000))
    ]
    assert price_index.compared(levels, month) == told
    assert price_index.compared([], month) == (None, None)


def test_levels_of_two_series_are_not_compared():
    levels = [based(JANUARY), replace(based(JANUARY), month="2031-06", series=2, hundredths=10_500)]
    assert price_index.compared(levels, "2030-02") == (None, None)
    assert price_index.compared(levels, "2031-07") == (10_500, 10_500)
