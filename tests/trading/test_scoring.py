"""What a scoring auction promises, beside a naive reading of its rule, and beside everything that could be said."""

from dataclasses import replace
from itertools import combinations_with_replacement, permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import scoring
from services.trading.rules.scoring import (
    Answer,
    AwardBy,
    BadScoring,
    Band,
    ByBand,
    Candidate,
    Criterion,
    FewOffers,
    Judgement,
    PerUnit,
    Proposal,
    Requirement,
    ScoringRule,
)
from shared.ids import ListingId, ParticipantId
from shared.money import MINOR_MAX, Money

FIRST, SECOND = AwardBy
NAMES = "ABCDEFGH"
PARTIES = [ParticipantId(f"participant_{number:032x}") for number in range(len(NAMES))]
LISTINGS = [ListingId(f"listing_{number:032x}") for number in range(len(NAMES))]
QUALITY = PerUnit("quality", 1, 0, 1_000)


def split(criteria: tuple[Criterion, ...]) -> tuple[tuple[ByBand, ...], tuple[PerUnit, ...]]:
    by_band = tuple(each for each in criteria if isinstance(each, ByBand))
    return by_band, tuple(each for each in criteria if isinstance(each, PerUnit))


def changed(**changes: Any) -> ScoringRule:
    """The plain rule, with what a test says of it."""
    if "criteria" in changes:
        changes["by_band"], changes["per_unit"] = split(changes.pop("criteria"))
    return replace(a_rule(), **changes)


def a_rule(
    award_by: AwardBy = SECOND, *criteria: Criterion, requirements: tuple[Requirement, ...] = (), reserve: int = 0,
    few: FewOffers = FewOffers.PROCEEDS,
) -> ScoringRule:  # fmt: skip
    rule = ScoringRule(award_by, *split(criteria or (QUALITY,)), requirements, reserve, few)
    scoring.check(rule)
    return rule


def offered(
    who: int, price: int, *, sequence: int | None = None, denied: str | None = None, **values: int
) -> Candidate:
    answers = tuple(Answer(attribute, value) for attribute, value in sorted(values.items()))
    return Candidate(sequence or who + 1, PARTIES[who], Proposal(LISTINGS[who], Money(price), answers), denied)


def judged(rule: ScoringRule, *offers: tuple[int, int], budget: int | None = None) -> Judgement:
    """Offers as (quality, price), by A, B, C and so on."""
    candidates = [offered(who, price, quality=quality) for who, (quality, price) in enumerate(offers)]
    return scoring.judge(rule, None if budget is None else Money(budget), "CNY", candidates)


def told(judgement: Judgement) -> str:
    if judgement.won is None:
        return "nobody"
    return f"{NAMES[PARTIES.index(judgement.won.provider_id)]} at {judgement.won.price.minor}"


def reasons(judgement: Judgement) -> list[str]:
    return [str(each.reason_code) for each in judgement.judged]


@pytest.mark.parametrize("offers, reserve, budget, first, second", [
    ([],                                    0, None, "nobody",   "nobody"),
    ([(100, 40)],                           0, None, "A at 40",  "A at 100"),  # alone: s₂ = 0
    ([(100, 40)],                          30, None, "A at 40",  "A at 70"),
    ([(100, 100)],                          0, None, "A at 100", "A at 100"),
    ([(100, 101)],                          0, None, "nobody",   "nobody"),
    ([(100, 40), (80, 30)],                 0, None, "A at 40",  "A at 50"),
    ([(100, 40), (80, 10)],                 0, None, "B at 10",  "B at 20"),
    ([(100, 40), (80, 30), (50, 45)],       0, None, "A at 40",  "A at 50"),
    ([(100, 40), (80, 30), (50, 45)],      55, None, "A at 40",  "A at 45"),
    ([(100, 40), (80, 30), (50, 45)],      60, None, "A at 40",  "A at 40"),
    ([(100, 40), (80, 30), (50, 45)],      61, None, "nobody",   "nobody"),
    ([(100, 40), (80, 20)],                 0, None, "B at 20",  "B at 20"),  # a tie: the lower ask, and just that
    ([(80, 20), (80, 20)],                  0, None, "A at 20",  "A at 20"),  # a tie in everything: the earlier
    ([(100, 40), (60, 35)],                 0,   60, "A at 40",  "A at 60"),  # 75 would match the runner-up
    ([(100, 60), (60, 35)],                 0,   60, "A at 60",  "A at 60"),
    ([(100, 61), (60, 35)],                 0,   60, "B at 35",  "B at 60"),  # above the budget: no rival either
])  # fmt: skip
def test_worked_inquiries(
    offers: list[tuple[int, int]], reserve: int, budget: int | None, first: str, second: str
):  # fmt: skip
    for award_by, outcome in ((FIRST, first), (SECOND, second)):
        assert told(judged(a_rule(award_by, reserve=reserve), *offers, budget=budget)) == outcome


def test_a_score_is_the_sum_of_what_each_criterion_gives_less_the_price():
    rule = a_rule(
        SECOND,
        PerUnit("coverage", 3, 50, 100),
        PerUnit("freshness_days", 10, 30, 0),
        ByBand("rows", (Band(1_000, 100), Band(10_000, 250))),
    )
    best = offered(0, 200, coverage=90, freshness_days=7, rows=10_000)
    outside = offered(1, 5, coverage=101, freshness_days=31, rows=999)
    under = offered(2, 0, coverage=49, freshness_days=0, rows=9_999)
    told = scoring.judge(rule, None, "CNY", [best, outside, under]).judged
    assert [(each.points_minor, each.score_minor) for each in told] == [
        (120 + 230 + 250, 400), (150 + 0 + 0, 145), (0 + 300 + 100, 400),
    ]  # fmt: skip
    assert rule.points_max == 150 + 300 + 250
    assert rule.attributes == ("coverage", "freshness_days", "rows")


def test_every_loser_is_told_why():
    rule = a_rule(
        SECOND, QUALITY, requirements=(Requirement("freshness", at_most=30), Requirement("quality", at_least=10)),
        reserve=5,
    )  # fmt: skip
    candidates = [
        offered(0, 40, quality=100, freshness=30),
        offered(1, 41, quality=101, freshness=30),
        offered(2, 41, quality=101, freshness=1, sequence=9),
        offered(3, 30, quality=89, freshness=1),
        offered(4, 1, quality=100, freshness=31),
        offered(5, 1, quality=9, freshness=1),
        offered(6, 6, quality=10, freshness=1),
        offered(7, 1, quality=100, freshness=1, denied="clearance_too_low"),
    ]
    found = scoring.judge(rule, Money(41), "CNY", candidates)
    told = {NAMES[PARTIES.index(each.provider_id)]: (str(each.reason_code), each.attribute) for each in found.judged}
    assert told == {
        "A": ("won", None), "B": ("tied_and_dearer", None), "C": ("tied_and_dearer", None), "D": ("outscored", None),
        "E": ("requirement_not_met", "freshness"), "F": ("requirement_not_met", "quality"),
        "G": ("below_reserve_score", None), "H": ("clearance_too_low", None),
    }  # fmt: skip
    assert found.valid_offers == 4
    over = scoring.judge(rule, Money(40), "CNY", candidates)
    assert reasons(over)[1] == "above_budget"
    assert [each.sequence for each in found.judged] == [1, 2, 4, 5, 6, 7, 8, 9], "told in the order of sealing"


def test_of_equal_scores_and_asks_the_earlier_wins_and_the_later_is_told_so():
    later = offered(0, 20, sequence=5, quality=80)
    earlier = offered(1, 20, sequence=4, quality=80)
    found = scoring.judge(a_rule(), None, "CNY", [later, earlier])
    assert (told(found), reasons(found)) == ("B at 20", ["won", "tied_and_later"])


def test_answers_that_do_not_fit_the_rule_are_no_offer():
    rule = a_rule(requirements=(Requirement("freshness", at_least=0),))
    missing, more = offered(0, 1, quality=5), offered(1, 1, quality=5, freshness=1, rows=3)
    twice = offered(2, 1, quality=5, freshness=1)
    twice = replace(twice, proposal=replace(twice.proposal, answers=(*twice.proposal.answers, Answer("quality", 9))))
    euros = offered(3, 1, quality=5, freshness=1)
    euros = replace(euros, proposal=replace(euros.proposal, price=Money(1, "EUR")))
    found = scoring.judge(rule, None, "CNY", [missing, more, twice, euros])
    assert reasons(found) == ["answers_do_not_fit"] * 3 + ["other_currency"]
    assert [each.points_minor for each in found.judged] == [None] * 4
    assert (found.won, found.valid_offers) == (None, 0)


@pytest.mark.parametrize("few, valid, outcome", [
    (FewOffers.PROCEEDS, 1, "A at 100"),
    (FewOffers.PROCEEDS, 2, "A at 50"),
    (FewOffers.FAILS,    1, "nobody"),
    (FewOffers.FAILS,    2, "nobody"),
    (FewOffers.FAILS,    3, "A at 50"),
])  # fmt: skip
def test_fewer_than_three_that_can_be_compared_fail_or_proceed_as_was_published(
    few: FewOffers, valid: int, outcome: str
):  # fmt: skip
    offers = [(100, 40), (90, 40), (80, 40)]
    found = judged(a_rule(few=few), *offers[:valid], (5, 40))
    assert (told(found), found.valid_offers) == (outcome, valid)
    if outcome == "nobody":
        assert reasons(found) == ["too_few_valid_offers"] * valid + ["below_reserve_score"]


def test_what_is_published_says_how_it_is_awarded_and_what_few_offers_lead_to():
    assert [*AwardBy] == ["first_score", "second_score"]
    assert [*FewOffers] == ["fails", "proceeds"]


def test_a_requirement_is_met_at_its_limits():
    both = Requirement("x", at_least=2, at_most=4)
    assert [both.is_met_by(value) for value in (1, 2, 4, 5)] == [False, True, True, False]
    assert Requirement("x", at_most=4).is_met_by(-1)
    assert Requirement("x", at_least=2).is_met_by(5)


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("criteria", {"criteria": ()}),
    ("criteria", {"criteria": tuple(PerUnit(f"a{number}", 1, 0, 1) for number in range(9))}),
    ("criteria", {"criteria": (QUALITY, ByBand("quality", (Band(0, 1),)))}),
    ("criteria", {"criteria": (PerUnit("a", 0, 0, 1),)}),
    ("criteria", {"criteria": (PerUnit("a", -1, 0, 1),)}),
    ("criteria", {"criteria": (PerUnit("a", 1, 5, 5),)}),
    ("bands", {"criteria": (ByBand("a", ()),)}),
    ("bands", {"criteria": (ByBand("a", tuple(Band(number, 1) for number in range(11))),)}),
    ("bands", {"criteria": (ByBand("a", (Band(1, 1), Band(1, 2))),)}),
    ("bands", {"criteria": (ByBand("a", (Band(2, 1), Band(1, 2))),)}),
    ("bands", {"criteria": (ByBand("a", (Band(1, -1),)),)}),
    ("points", {"criteria": (ByBand("a", (Band(1, 0),)),)}),
    ("points", {"criteria": (PerUnit("a", MINOR_MAX, 0, 1), PerUnit("b", 1, 0, 1))}),
    ("reserve_score", {"reserve_score_minor": -1}),
    ("reserve_score", {"reserve_score_minor": 1_001}),
    ("requirements", {"requirements": tuple(Requirement(f"a{number}", 1) for number in range(9))}),
    ("requirements", {"requirements": (Requirement("a", 1), Requirement("a", 2))}),
    ("requirements", {"requirements": (Requirement("a"),)}),
    ("requirements", {"requirements": (Requirement("a", 3, 2),)}),
]  # fmt: skip


@pytest.mark.parametrize("part, changes", BROKEN, ids=[str(number) for number in range(len(BROKEN))])
def test_a_rule_that_could_not_be_applied_is_refused(part: str, changes: dict[str, Any]):
    with pytest.raises(BadScoring) as refused:
        scoring.check(changed(**changes))
    assert refused.value.facts["part"] == part


def test_what_was_refused_says_what_it_must_keep_to():
    def facts(**changes: Any) -> dict[str, object]:
        with pytest.raises(BadScoring) as refused:
            scoring.check(changed(**changes))
        return refused.value.facts

    assert facts(criteria=()) == {"part": "criteria", "items_max": 8}
    assert facts(criteria=(QUALITY, QUALITY)) == {"part": "criteria", "attributes": ["quality", "quality"]}
    assert facts(criteria=(PerUnit("a", 0, 0, 1),)) == {"part": "criteria", "attribute": "a"}
    assert facts(criteria=(ByBand("a", (Band(2, 1), Band(1, 2))),)) == {
        "part": "bands", "attribute": "a", "items_max": 10, "from_value": [2, 1],
    }  # fmt: skip
    assert facts(criteria=(ByBand("a", (Band(1, -1),)),)) == {"part": "bands", "attribute": "a", "points_minor_min": 0}
    assert facts(criteria=(ByBand("a", (Band(1, 0),)),)) == {
        "part": "points", "points_minor_min": 1, "points_minor_max": MINOR_MAX,
    }  # fmt: skip
    assert facts(reserve_score_minor=1_001) == {
        "part": "reserve_score", "score_minor_min": 0, "score_minor_max": 1_000,
    }  # fmt: skip
    assert facts(requirements=(Requirement("a", 1),) * 9) == {"part": "requirements", "items_max": 8}
    assert facts(requirements=(Requirement("b", 1), Requirement("b", 2))) == {
        "part": "requirements", "attributes": ["b", "b"],
    }  # fmt: skip
    assert facts(requirements=(Requirement("a", 3, 2),)) == {"part": "requirements", "attribute": "a"}


@pytest.mark.parametrize("changes", [
    {"criteria": tuple(PerUnit(f"a{number}", 1, 0, 1) for number in range(8))},
    {"criteria": (ByBand("a", tuple(Band(number, 1) for number in range(10))),)},
    {"criteria": (PerUnit("a", MINOR_MAX, 0, 1),), "reserve_score_minor": MINOR_MAX},
    {"reserve_score_minor": 1_000},
    {"requirements": tuple(Requirement(f"a{number}", 2, 2) for number in range(8))},
    {"requirements": (Requirement("quality", 1),)},
], ids=str)  # fmt: skip
def test_a_rule_at_its_limits_is_taken(changes: dict[str, Any]):
    scoring.check(changed(**changes))


QUALITIES = st.integers(0, 30)
OFFERS = st.lists(st.tuples(QUALITIES, st.integers(0, 30)), max_size=6)
BUDGETS = st.none() | st.integers(0, 30)


def naive(
    award_by: AwardBy, offers: list[tuple[int, int]], reserve: int, budget: int | None, few: FewOffers
) -> str:  # fmt: skip
    """As one would work it out on paper: the best by looking at all, and the second best among the rest."""
    fine = {
        who: quality - price
        for who, (quality, price) in enumerate(offers)
        if quality - price >= reserve and (budget is None or price <= budget)
    }
    if not fine or (few is FewOffers.FAILS and len(fine) < 3):
        return "nobody"
    top = max(fine.values())
    cheapest = min(offers[who][1] for who in fine if fine[who] == top)
    winner = min(who for who in fine if fine[who] == top and offers[who][1] == cheapest)
    second = max([score for who, score in fine.items() if who != winner] + [reserve])
    paid = offers[winner][1] if award_by is FIRST else offers[winner][0] - second
    return f"{NAMES[winner]} at {paid if budget is None or award_by is FIRST else min(paid, budget)}"


@given(st.sampled_from(AwardBy), OFFERS, st.integers(0, 20), BUDGETS, st.sampled_from(FewOffers))
def test_the_award_is_what_one_would_work_out_on_paper(
    award_by: AwardBy, offers: list[tuple[int, int]], reserve: int, budget: int | None, few: FewOffers
):  # fmt: skip
    found = judged(a_rule(award_by, reserve=reserve, few=few), *offers, budget=budget)
    assert told(found) == naive(award_by, offers, reserve, budget, few)


@given(st.sampled_from(AwardBy), OFFERS, BUDGETS)
def test_the_winner_is_paid_no_less_than_it_asked_and_no_more_than_the_budget(
    award_by: AwardBy, offers: list[tuple[int, int]], budget: int | None
):  # fmt: skip
    found = judged(a_rule(award_by), *offers, budget=budget)
    if found.won:
        ask = offers[PARTIES.index(found.won.provider_id)][1]
        assert ask <= found.won.price.minor
        assert budget is None or found.won.price.minor <= budget
        assert [each.reason_code for each in found.judged].count("won") == 1


@given(OFFERS.filter(bool), st.randoms(use_true_random=False))
def test_the_order_in_which_offers_are_opened_changes_nothing(offers: list[tuple[int, int]], random: object):
    candidates = [offered(who, price, quality=quality) for who, (quality, price) in enumerate(offers)]
    shuffled = list(candidates)
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    rule = a_rule()
    assert scoring.judge(rule, None, "CNY", shuffled) == scoring.judge(rule, None, "CNY", candidates)


def test_four_offers_give_one_outcome_in_all_orders():
    candidates = [offered(who, price, quality=quality) for who, (quality, price) in enumerate(
        [(9, 4), (7, 2), (7, 2), (5, 0)]
    )]  # fmt: skip
    outcomes = {scoring.judge(a_rule(), None, "CNY", order) for order in permutations(candidates)}
    assert [told(outcome) for outcome in outcomes] == ["D at 0"]


def profit(found: Judgement, who: int, cost: int) -> int:
    return found.won.price.minor - cost if found.won and found.won.provider_id == PARTIES[who] else 0


GRID = range(4)


@pytest.mark.parametrize("few", FewOffers)
@pytest.mark.parametrize("reserve", [0, 2])
@pytest.mark.parametrize("budget", [None, 0, 2, 3])
def test_by_second_score_nobody_gains_by_asking_another_price_than_their_cost(
    few: FewOffers, reserve: int, budget: int | None
):  # fmt: skip
    """Every quality and cost of one's own, every pair of rivals, every lie, on a grid. With a budget too: what the
    winner is paid is the highest ask with which it would still have won."""
    rule = a_rule(reserve=reserve, few=few)
    pairs = combinations_with_replacement(product((1, 3), GRID), 2)
    for (quality, cost), rivals in product(product(GRID, GRID), pairs):
        honest = profit(judged(rule, (quality, cost), *rivals, budget=budget), 0, cost)
        assert honest >= 0
        for lie in range(5):
            assert profit(judged(rule, (quality, lie), *rivals, budget=budget), 0, cost) <= honest


def best_replies(rule: ScoringRule, rivals: list[tuple[int, int]], budget: int | None) -> tuple[int, int, int]:
    """What a provider whose quality q costs q²/8 gains by honesty (the quality of most surplus, at its cost), by the
    best of all that it could say, and the quality of that."""
    costs = {quality: quality * quality // 8 for quality in range(9)}
    honest_quality = max(costs, key=lambda quality: (rule.per_unit[0].points_of(quality) - costs[quality], -quality))
    gains = {
        (quality, ask): profit(judged(rule, (quality, ask), *rivals, budget=budget), 0, costs[quality])
        for quality in costs
        for ask in range(20)
    }
    best = max(gains, key=lambda said: (gains[said], -said[0], -said[1]))
    return gains[honest_quality, costs[honest_quality]], gains[best], best[0]


def test_by_second_score_quality_is_offered_as_the_buyer_values_it():
    for rivals in ([], [(2, 1)], [(4, 2)], [(4, 3), (3, 0)]):
        honest, best, _ = best_replies(a_rule(SECOND, PerUnit("quality", 2, 0, 8)), rivals, None)
        assert honest == best


def test_a_cap_that_binds_pays_for_no_more_quality_and_a_reserve_score_keeps_it_true():
    rule = a_rule(SECOND, PerUnit("quality", 2, 0, 8))
    assert best_replies(rule, [], 10) == (10 - 4, 10 - 3, 5), (
        "the best is 6 at a cost of 4; 5 costs less, and is paid as well"
    )
    reserved = a_rule(SECOND, PerUnit("quality", 2, 0, 8), reserve=rule.points_max - 10)
    assert best_replies(reserved, [], 10)[:2] == (8 - 6, 8 - 6)
    for rivals in ([], [(6, 2)], [(8, 9)]):
        honest, best, _ = best_replies(reserved, rivals, 10)
        assert honest == best
        assert best_replies(reserved, rivals, None) == best_replies(reserved, rivals, 10), "the cap never binds"


def test_by_first_score_truth_is_not_claimed():
    rule = a_rule(FIRST)
    assert profit(judged(rule, (4, 0), (2, 1)), 0, 0) < profit(judged(rule, (4, 2), (2, 1)), 0, 0)
