"""How long the log keeps what, and what a shorter wish is answered."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import retention as rules
from services.audit.rules.retention import RetentionTooShort, Term
from shared.facts import Retention

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)  # a leap day: the longest terms begin before one
TICK = timedelta(microseconds=1)
POLICY = rules.policy({})


def in_years(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + years, month=3, day=1)


# The table of the design, once more and by hand: years, then days.
BY_HAND = {
    "sec": (0, 184), "txn": (3, 30), "auction": (10, 0), "inquiry": (15, 0), "registration": (30, 0),
}  # fmt: skip


@pytest.mark.parametrize("retention", BY_HAND)
@pytest.mark.parametrize("year", [2023, 2024, 2025, 2026, 2027, 2028, 2096])
def test_every_term_is_at_least_the_laws_and_at_most_two_days_longer(retention: str, year: int):
    begin = datetime(year, 1, 1, 12, tzinfo=UTC)
    years, days = BY_HAND[retention]
    law, kept = in_years(begin, years) + timedelta(days=days), rules.kept_until(POLICY, Retention(retention), begin)
    assert kept is not None and law <= kept <= law + timedelta(days=2)


def test_the_table_is_whole_and_a_hold_has_no_end():
    assert {*BY_HAND, "hold"} == set(Retention) == set(rules.FLOORS)
    assert rules.kept_until(POLICY, Retention.HOLD, NOON) is None


@pytest.mark.parametrize("longer, said", [
    ({"sec": 183},         "sec is 183 days, must be 184"),
    ({"txn": 1_125},       "txn is 1125 days, must be 1126"),
    ({"auction": 3_652},   "must be 3653"),
    ({"inquiry": 5_478},   "must be 5479"),
    ({"registration": 10_957}, "must be 10958"),
    ({"sec": 36_526},      "to 36525"),
    ({"hold": 99_999},     "hold is without end"),
    ({"fin": 4_000},       "there is no class fin"),
])  # fmt: skip
def test_a_configuration_below_the_law_is_refused_with_the_reason(longer: dict[str, int], said: str):
    with pytest.raises(RetentionTooShort, match=said):
        rules.policy(longer)


def test_terms_may_be_longer_and_then_the_policy_has_another_name():
    longer = rules.policy({"sec": 185, "txn": 36_525})
    assert (longer.days[Retention.SECURITY], longer.days[Retention.TRANSACTION]) == (185, 36_525)
    assert rules.policy({"sec": 184, "auction": 3_653}).id == POLICY.id == "2026-11"
    assert longer.id != POLICY.id != rules.policy({"sec": 186}).id != longer.id


def terms(*classes: str, start: int = 0) -> list[Term]:
    return [Term(start + at, NOON, Retention(each)) for at, each in enumerate(classes)]


END = NOON + timedelta(days=184)


@pytest.mark.parametrize("classes, now, minimum", [
    (["sec"] * 600, END, 512),
    (["sec"] * 600, END - TICK, 0),
    (["sec"] * 255, END, 0),
    (["sec"] * 256, END, 256),
    (["sec"] * 256 + ["txn"] + ["sec"] * 500, END, 256),
    (["sec"] * 300 + ["hold"] + ["sec"] * 500, END + timedelta(days=50_000), 256),
    ([], END, 0),
])  # fmt: skip
def test_worked_minimum_indexes(classes: list[str], now: datetime, minimum: int):
    assert rules.minimum_index(POLICY, 0, terms(*classes), now, None) == minimum


def test_a_log_that_was_pruned_is_pruned_on_from_there():
    assert rules.minimum_index(POLICY, 256, terms(*["sec"] * 300, start=256), END, None) == 512
    assert rules.minimum_index(POLICY, 256, terms("txn", start=256), END, None) == 256


@pytest.mark.parametrize("held_from, minimum", [(NOON, 0), (NOON + TICK, 512), (NOON - TICK, 0)])
def test_what_an_open_case_looks_back_to_is_kept(held_from: datetime, minimum: int):
    assert rules.minimum_index(POLICY, 0, terms(*["sec"] * 600), END, held_from) == minimum


@given(st.lists(st.sampled_from(["sec", "txn", "hold"]), max_size=700), st.integers(0, 1_300))
def test_nothing_is_dropped_that_must_be_kept_and_only_whole_bundles_are(classes: list[str], days: int):
    now = NOON + timedelta(days=days)
    minimum = rules.minimum_index(POLICY, 0, terms(*classes), now, None)
    over = {"sec": days >= 184, "txn": days >= 1_126, "hold": False}
    assert minimum % 256 == 0 and all(over[each] for each in classes[:minimum])
    assert len(classes[minimum:]) < 256 or not all(over[each] for each in classes[minimum : minimum + 256])
