"""What data are worth by cost, income and market: worked figures, an oracle in decimals, and what always holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.rules import quality as catalog_quality
from services.pricing.rules import approach
from services.pricing.rules import comparable as comparable_rules
from services.pricing.rules import valuation as rules
from services.pricing.rules.approach import (
    Approach,
    Basis,
    Cost,
    CostApproach,
    CostKind,
    DirectYear,
    ExcessYear,
    Factor,
    IncomeApproach,
    IncrementalYear,
    MarketApproach,
    Method,
    SharedYear,
    Year,
    YearBelowNothing,
)
from services.pricing.rules.comparable import Comparable, comparing, counts, quartiles
from services.pricing.rules.trade import Trade
from services.pricing.rules.valuation import (
    MARK,
    Maturity,
    Quality,
    QualityNotAssessed,
    Question,
    Status,
    Valuation,
    ValueBeyondReach,
)
from shared import canonical
from shared.grades import Mode
from shared.ids import ListingId, OrderId, ParticipantId, ValuationId, VersionId
from shared.money import MINOR_MAX, Money

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HASH = "ab" * 32
PROVIDER, VERSION = ParticipantId.new(), VersionId.new()
WORTH = st.integers(0, 10**9)
POINTS = st.integers(0, 10_000)


def asked(method: Method, score: int | None = 5_000, level: int | None = None, spread: int = 1_000) -> Question:
    quality = None if score is None else Quality(score, "rules 1", NOON)
    maturity = None if level is None else Maturity(level, HASH)
    return Question(PROVIDER, VERSION, HASH, method, quality, maturity, spread, "因为")


def spent(*amounts: int, **rates: Any) -> CostApproach:
    return CostApproach(tuple(Cost(CostKind.DIRECT, Money(amount)) for amount in amounts), **rates)


def income(*years: Year, rate: int = 1_000) -> IncomeApproach:
    return IncomeApproach(years, Basis.REVENUE, rate)


def sold(minor: int, quality: int = 5_000, **more: Any) -> Comparable:
    return Comparable(OrderId.new(), VersionId.new(), Money(minor), NOON, quality, **more)


HUNDRED, FORTY = Money(100_000), Money(40_000)


@pytest.mark.parametrize("method, score, level, mid", [
    (spent(600_000, 400_000),                              5_000,  None, 1_000_000),
    (spent(1_000_000),                                     0,      None, 800_000),
    (spent(1_000_000),                                     10_000, None, 1_200_000),
    (spent(1_000_000),                                     5_000,  1,    950_000),
    (spent(1_000_000),                                     5_000,  2,    975_000),
    (spent(1_000_000),                                     5_000,  3,    1_000_000),
    (spent(1_000_000),                                     5_000,  5,    1_050_000),
    (spent(1_000_000, return_basis_points=1_000, circulation_basis_points=9_000, scarcity_basis_points=2_000,
           realisation_basis_points=9_500),                5_000,  4,    1_156_815),
    (spent(1, circulation_basis_points=5_000),             5_000,  None, 1),   # an exact half rounds up
    (spent(1, circulation_basis_points=4_999),             5_000,  None, 0),
    (spent(),                                              5_000,  None, 0),
    (income(*[DirectYear(HUNDRED)] * 3),                   None,   None, 248_685),
    (income(*[SharedYear(HUNDRED, 3_000)] * 3),            None,   None, 74_606),
    (income(*[ExcessYear(HUNDRED, FORTY)] * 3),            None,   None, 149_211),
    (income(*[IncrementalYear(HUNDRED, FORTY)] * 3),       None,   None, 149_211),
    (income(*[DirectYear(HUNDRED)] * 3, rate=0),           None,   None, 300_000),
    (income(DirectYear(HUNDRED), rate=2_500),              10_000, 5,    80_000),  # quality is in the forecast
    (income(ExcessYear(FORTY, FORTY)),                     None,   None, 0),
])  # fmt: skip
def test_worked_values(method: Method, score: int | None, level: int | None, mid: int):
    assert rules.figures(asked(method, score, level)).mid == Money(mid)


@pytest.mark.parametrize("market, comparables, low, mid, high", [
    (MarketApproach(Mode.RAW), [sold(100), sold(500), sold(200), sold(400), sold(301)], 200, 301, 400),
    (MarketApproach(Mode.RAW), [sold(1), sold(2), sold(3), sold(4), sold(5), sold(6)], 2, 4, 5),
    (MarketApproach(Mode.RAW), [sold(100), sold(200), sold(300), sold(500)],       225, 250, 275),
    (MarketApproach(Mode.RAW), [sold(100), sold(400), sold(200)],                  180, 200, 220),
    (MarketApproach(Mode.RAW), [sold(120, 10_000)] * 5,                            100, 100, 100),
    (MarketApproach(Mode.RAW), [sold(80, 0)] * 5,                                  100, 100, 100),
    (MarketApproach(Mode.RAW), [sold(100, index_then=10_000, index_now=12_500)] * 5, 125, 125, 125),
    (MarketApproach(Mode.RAW), [sold(100, index_now=12_500)] * 5,                  100, 100, 100),
    (MarketApproach(Mode.RAW), [sold(100, index_then=12_500)] * 5,                 100, 100, 100),
    (MarketApproach(Mode.RAW, False, 9_000, 12_000, 11_000), [sold(1_000)] * 5,    1_188, 1_188, 1_188),
])  # fmt: skip
def test_worked_markets(market: MarketApproach, comparables: list[Comparable], low: int, mid: int, high: int):
    found = rules.figures(asked(market), comparables)
    assert (found.low.minor, found.mid.minor, found.high.minor) == (low, mid, high)


def test_maturity_bears_on_the_market_too():
    assert rules.figures(asked(MarketApproach(Mode.RAW), level=5), [sold(1_000)] * 3).mid == Money(1_050)


@given(st.lists(WORTH, min_size=1, max_size=12), POINTS)
def test_income_is_discounted_as_decimals_say(flows: list[int], rate: int):
    with localcontext() as context:
        context.prec = 120
        growth = 1 + Decimal(rate) / 10_000
        exact = sum((Decimal(flow) / growth ** (t + 1) for t, flow in enumerate(flows)), Decimal(0))
        expected = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert rules.figures(asked(income(*(DirectYear(Money(flow)) for flow in flows), rate=rate))).mid.minor == expected


@st.composite
def questions(draw: st.DrawFn) -> tuple[Question, list[Comparable]]:
    amounts = st.builds(Money, WORTH)
    pairs = st.tuples(amounts, amounts)
    costs = st.builds(Cost, st.sampled_from(CostKind), amounts)
    factor = st.integers(5_000, 20_000)
    years = st.one_of(
        st.lists(st.builds(DirectYear, amounts), min_size=1, max_size=5),
        st.lists(st.builds(SharedYear, amounts, POINTS), min_size=1, max_size=5),
        st.lists(pairs.map(lambda pair: ExcessYear(pair[0] + pair[1], pair[1])), min_size=1, max_size=5),
        st.lists(pairs.map(lambda pair: IncrementalYear(pair[0] + pair[1], pair[1])), min_size=1, max_size=5),
    ).map(tuple)
    method = draw(st.one_of(
        st.builds(CostApproach, st.lists(costs, max_size=4).map(tuple), POINTS, factor, POINTS, POINTS),
        st.builds(IncomeApproach, years, st.sampled_from(Basis), st.integers(0, 8_000)),
        st.builds(MarketApproach, st.sampled_from(Mode), st.booleans(), factor, factor, factor),
    ))  # fmt: skip
    level = draw(st.none() | st.integers(1, 5))
    comparables = draw(st.lists(st.builds(sold, st.integers(1, 10**9), POINTS), min_size=3, max_size=7))
    return asked(method, draw(st.integers(0, 9_000)), level, draw(st.integers(1, 5_000))), comparables


@given(questions())
def test_low_mid_and_high_are_in_order_and_what_is_lower_is_never_dearer(drawn: tuple[Question, list[Comparable]]):
    found = rules.figures(*drawn)
    assert Money(0) <= found.low <= found.mid <= found.high
    for row in found.sensitivities:
        falls = row.factor in (Factor.DISCOUNT_RATE, Factor.DEDUCTED)
        assert (row.lower >= found.mid >= row.higher) if falls else (row.lower <= found.mid <= row.higher)


@given(questions(), st.integers(1, 1_000))
def test_more_quality_never_lowers_a_value(drawn: tuple[Question, list[Comparable]], more: int):
    question, comparables = drawn
    assert question.quality
    better = replace(
        question, quality=replace(question.quality, score_basis_points=question.quality.score_basis_points + more)
    )
    before, after = rules.figures(question, comparables), rules.figures(better, comparables)
    assert (before.low, before.mid, before.high) <= (after.low, after.mid, after.high)
    assert before.low <= after.low and before.mid <= after.mid and before.high <= after.high


@given(questions(), st.integers(1, 2_000))
def test_a_higher_discount_rate_never_raises_a_value(drawn: tuple[Question, list[Comparable]], more: int):
    question = drawn[0]
    if isinstance(question.method, IncomeApproach):
        rate = question.method.discount_rate_basis_points + more
        dearer = replace(question, method=replace(question.method, discount_rate_basis_points=rate))
        assert rules.figures(dearer).mid <= rules.figures(question).mid


@pytest.mark.parametrize("score, expected", [(0, 8_000), (2_500, 9_000), (5_000, 10_000), (10_000, 12_000)])
def test_alpha_rises_straight_from_eight_to_twelve_tenths(score: int, expected: int):
    assert approach.alpha(Fraction(score, 10_000)) == Fraction(expected, 10_000)


@given(POINTS)
def test_alpha_is_what_the_catalogue_tells_of_the_same_quality(score: int):
    told = catalog_quality.coefficient(Fraction(score, 10_000))
    assert abs(approach.alpha(Fraction(score, 10_000)) * 10_000 - told) <= Fraction(1, 2)


@pytest.mark.parametrize("score", [Fraction(-1), Fraction(2)])
def test_alpha_is_clipped(score: Fraction):
    assert approach.alpha(score) == (Fraction(8, 10) if score < 0 else Fraction(12, 10))


def test_each_factor_is_moved_alone_and_only_within_its_limits():
    question = asked(spent(1_000_000, return_basis_points=1_000, realisation_basis_points=9_500), 9_500, 5)
    found = rules.figures(question)
    rows = {row.factor: (row.lower.minor, row.higher.minor) for row in found.sensitivities}
    base = 1_100_000 * Fraction(118, 100) * Fraction(95, 100) * Fraction(105, 100)
    assert found.mid == rules.rounded(base)
    assert rows[Factor.COSTS] == (
        rules.rounded(base * Fraction(9, 10)).minor,
        rules.rounded(base * Fraction(11, 10)).minor,
    )
    # A tenth more of 0.95 is more than there is of quality and of realisation: both end at 1, maturity at 1.05.
    assert rows[Factor.QUALITY][1] == rules.rounded(base * Fraction(120, 118)).minor
    assert rows[Factor.REALISATION][1] == rules.rounded(base / Fraction(95, 100)).minor
    assert rows[Factor.MATURITY] == (rules.rounded(base * Fraction(95, 105)).minor, found.mid.minor)
    assert rows[Factor.RETURN] == (
        rules.rounded(base * Fraction(109, 110)).minor,
        rules.rounded(base * Fraction(111, 110)).minor,
    )
    assert rows[Factor.SCARCITY] == (found.mid.minor, found.mid.minor)
    assert list(rows) == [
        Factor.COSTS, Factor.RETURN, Factor.QUALITY, Factor.CIRCULATION, Factor.SCARCITY, Factor.REALISATION,
        Factor.MATURITY,
    ]  # fmt: skip
    assert (found.low.minor, found.high.minor) == (min(map(min, rows.values())), max(map(max, rows.values())))


def test_an_income_is_moved_by_what_is_earned_what_is_deducted_and_the_rate():
    rows = rules.figures(asked(income(ExcessYear(HUNDRED, FORTY), rate=0), None)).sensitivities
    assert [(row.factor, row.lower.minor, row.higher.minor) for row in rows] == [
        (Factor.EARNED, 50_000, 70_000), (Factor.DEDUCTED, 64_000, 56_000), (Factor.DISCOUNT_RATE, 60_000, 60_000),
    ]  # fmt: skip
    bare = rules.figures(asked(income(DirectYear(HUNDRED)), None)).sensitivities
    assert [row.factor for row in bare] == [Factor.EARNED, Factor.DISCOUNT_RATE]


def test_a_year_that_sinks_below_nothing_when_moved_earns_nothing():
    rows = rules.figures(asked(income(ExcessYear(FORTY, FORTY), rate=0), None)).sensitivities
    assert (rows[0].lower.minor, rows[0].higher.minor) == (0, 4_000)


def test_a_market_is_moved_by_its_own_factors():
    rows = rules.figures(asked(MarketApproach(Mode.RAW)), [sold(1_000)] * 3).sensitivities
    assert [(row.factor, row.lower.minor, row.higher.minor) for row in rows] == [
        (Factor.PRICES, 900, 1_100), (Factor.QUALITY, 980, 1_020), (Factor.SUPPLY_DEMAND, 900, 1_100),
        (Factor.VOLUME, 900, 1_100), (Factor.OTHER, 900, 1_100), (Factor.MATURITY, 950, 1_050),
    ]  # fmt: skip


@pytest.mark.parametrize("method", [spent(1), MarketApproach(Mode.RAW)], ids=["cost", "market"])
def test_without_a_quality_score_cost_and_market_say_nothing(method: Method):
    with pytest.raises(QualityNotAssessed):
        rules.figures(asked(method, None), [sold(1)] * 3)


@pytest.mark.parametrize("years, number, flow", [
    ([ExcessYear(FORTY, HUNDRED)], 1, -60_000),
    ([IncrementalYear(HUNDRED, FORTY), IncrementalYear(Money(1), Money(2))], 2, -1),
])  # fmt: skip
def test_a_year_below_nothing_is_no_income(years: list[Year], number: int, flow: int):
    with pytest.raises(YearBelowNothing) as refused:
        rules.figures(asked(income(*years), None))
    assert refused.value.facts == {"year": number, "flow_minor": flow}


def test_what_cannot_be_told_in_fen_is_refused():
    assert rules.rounded(Fraction(MINOR_MAX)) == Money(MINOR_MAX)
    with pytest.raises(ValueBeyondReach) as refused:
        rules.rounded(Fraction(MINOR_MAX + 1))
    assert refused.value.facts == {"minor_max": MINOR_MAX}


def test_a_document_holds_all_that_the_figures_follow_from_and_is_marked():
    question, comparables = asked(MarketApproach(Mode.API, exclusive=True), level=2), [sold(987_654_321)] * 3
    found = rules.figures(question, comparables)
    told = rules.document(question, found, None, comparables, NOON)
    text = canonical.encode(told).decode()
    assert told["mark"] == MARK and "非法定评估" in text
    assert told["status"] == "estimated" and "reason_code" not in told
    assert told["maturity_factor_basis_points"] == 9_750
    assert (
        told["question"]["method"]["approach"] == "market" and told["question"]["quality"]["rule_version"] == "rules 1"
    )
    assert told["figures"]["mid"] == {"minor": found.mid.minor, "currency": "CNY"}
    assert "987654321" not in text.replace(str(found.mid.minor), "")  # what others paid stands in it by digest alone
    none = rules.document(question, None, comparable_rules.INSUFFICIENT, [], NOON)
    assert none["status"] == "insufficient" and none["reason_code"] == "comparables_insufficient"
    assert "figures" not in none


def test_a_valuation_says_what_it_is():
    kept = Valuation(ValuationId.new(), asked(spent(1)), rules.figures(asked(spent(1))), None, (), "{}", HASH, NOON)
    assert (kept.status, kept.approach) == (Status.ESTIMATED, Approach.COST)
    assert replace(kept, figures=None).status is Status.INSUFFICIENT


def traded(**changes: Any) -> Trade:
    trade = Trade(
        OrderId.new(), ListingId.new(), VersionId.new(), Mode.RAW, False, ParticipantId.new(), ParticipantId.new(),
        None, Money(100), NOON - 3 * DAY, "settled", NOON - 2 * DAY, NOON - DAY,
    )  # fmt: skip
    return replace(trade, **changes)


def strangers(provider_id: ParticipantId, buyer_id: ParticipantId) -> bool:
    return False


@pytest.mark.parametrize("changes, compares", [
    ({}, True), ({"price": Money(1)}, True), ({"price": Money(0)}, False), ({"state": "awaiting_acceptance"}, False),
    ({"state": "refunded"}, False), ({"settled_at": None}, False),
])  # fmt: skip
def test_only_what_was_settled_for_a_price_counts(changes: dict[str, Any], compares: bool):
    assert counts(traded(**changes), strangers) is compares


def test_trades_between_related_parties_say_nothing_of_prices():
    trade, asked_of = traded(), list[tuple[ParticipantId, ParticipantId]]()

    def related(provider_id: ParticipantId, buyer_id: ParticipantId) -> bool:
        asked_of.append((provider_id, buyer_id))
        return True

    assert not counts(trade, related)
    assert asked_of == [(trade.provider_id, trade.buyer_id)]


@pytest.mark.parametrize("changes, compares", [
    ({}, True), ({"mode": Mode.API}, False), ({"exclusive": True}, False), ({"price": Money(0)}, False),
    ({"settled_at": NOON}, True), ({"settled_at": NOON + timedelta(microseconds=1)}, False),
    ({"settled_at": NOON - 730 * DAY}, True), ({"settled_at": NOON - 730 * DAY - timedelta(microseconds=1)}, False),
])  # fmt: skip
def test_what_compares_is_of_the_same_kind_and_recent(changes: dict[str, Any], compares: bool):
    assert bool(comparing([traded(**changes)], Mode.RAW, False, strangers, NOON)) is compares


def test_the_twenty_newest_are_compared_newest_first():
    trades = [traded(settled_at=NOON - timedelta(hours=hours)) for hours in range(25)]
    assert comparing(reversed(trades), Mode.RAW, False, strangers, NOON) == trades[:20]


@pytest.mark.parametrize("prices, found", [
    ([7], (7, 7, 7)), ([1, 2], (Fraction(5, 4), Fraction(3, 2), Fraction(7, 4))),
    ([3, 1, 2], (Fraction(3, 2), 2, Fraction(5, 2))),
    ([10, 20, 30, 40, 50], (20, 30, 40)), ([4, 1, 3, 2], (Fraction(7, 4), Fraction(5, 2), Fraction(13, 4))),
])  # fmt: skip
def test_worked_quartiles(prices: list[int], found: tuple[Fraction, ...]):
    assert quartiles([Fraction(price) for price in prices]) == found


def test_a_trade_is_disclosed_by_a_digest_that_the_log_allows_to_compute_again():
    trade = sold(123, index_then=10_000, index_now=10_100)
    told = trade.disclosed()
    again = canonical.digest({
        "order_id": str(trade.order_id), "version_id": str(trade.version_id), "at": 1_893_499_200_000_000,
        "price": {"minor": 123, "currency": "CNY"},
    })  # fmt: skip
    assert told == {
        "trade_hash": again, "quality_basis_points": 5_000, "index_then": 10_000, "index_now": 10_100,
    }  # fmt: skip


def test_the_words_of_a_question_stay_as_they_were_hashed():
    assert list(CostKind) == "planning direct indirect opportunity taxes".split()
    assert list(Basis) == ["revenue", "profit"]
