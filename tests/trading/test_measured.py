"""What the platform saw of a service: which calls there were, how long it can have been away, and what a claim says."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import measured as rules
from services.trading.rules.measured import (
    BUCKETS_MILLISECONDS,
    CONTRADICTED,
    FAILED_AFTER,
    OPEN,
    SEEN,
    SUPPORTED,
    Call,
    Measured,
    Told,
    Verdict,
    Went,
    calls_of,
)
from services.trading.rules.service_level import Band, Figures, Period, ServiceLevel
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON

HOUR = 60
LEVEL = ServiceLevel(1, 9_990, (Band(9_990, 1_000),), 1_000, response_milliseconds=300, slow_credit_basis_points=100)
PERIOD = Period(1, NOON, NOON + timedelta(minutes=HOUR), Money(1_000))
LONG_AFTER = NOON + timedelta(days=2)
WENT = {"s": Went.SERVED, "r": Went.REFUSED, "f": Went.FAILED}


def calls(told: str, milliseconds: int | None = 100) -> list[Call]:
    """`s0 s4 f9`: served at minutes 0 and 4, failed at 9."""
    return [
        Call(NOON + timedelta(minutes=int(each[1:])), WENT[each[0]], milliseconds if each[0] == "s" else None)
        for each in told.split()
    ]


def seen(told: str, minutes: int = 10, claimed_milliseconds: int | None = None, milliseconds: int = 100) -> Measured:
    found = rules.measured(calls(told, milliseconds), LEVEL, PERIOD, Figures(minutes, claimed_milliseconds))
    assert found
    return found


# --- which calls there were


def told(minute: int, act: str, use_id: str | None = None, reason_code: str | None = None) -> Told:
    return Told(act, NOON + timedelta(minutes=minute), use_id, reason_code)


USED, ROWS, QUERY, NO = rules.USED, "delivery.rows_served", "delivery.query_answered", rules.REFUSED_BY_GATE
ENTRIES: dict[str, tuple[list[Told], str]] = {
    "answered":                  ([told(0, USED, "a"), told(1, ROWS, "a")], "s1"),
    "computed":                  ([told(0, USED, "a"), told(1, QUERY, "a")], "s1"),
    "answered, in another order": ([told(1, ROWS, "a"), told(0, USED, "a")], "s1"),
    "never answered":            ([told(3, USED, "a")], "f3"),
    "answered again":            ([told(0, USED, "a"), told(1, ROWS, "a"), told(9, ROWS, "a")], "s1"),
    "refused as it was asked":   ([told(0, USED, "a"), told(1, NO, "a", "query_limit")], ""),
    "refused before the charge": ([told(1, NO, None, "query_rejected")], ""),
    "with no content":           ([told(1, NO, None, "content_missing")], "r1"),
    "changed meanwhile":         ([told(0, USED, "a"), told(1, NO, "a", "answer_withheld")], "r1"),
    "another act":               ([told(0, "trading.entitlement_granted"), told(1, "trading.order_paid", "a")], ""),
    "two of them": (
        [told(0, USED, "a"), told(1, USED, "b"), told(2, ROWS, "b"), told(4, NO, None, "content_missing")], "f0 s2 r4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ENTRIES)
def test_each_use_is_one_call(what: str):
    entries, expected = ENTRIES[what]
    found = calls_of(entries, LONG_AFTER)
    assert [(call.at, call.went) for call in found] == [(call.at, call.went) for call in calls(expected)]


def test_an_answer_takes_from_the_charge_to_the_record_of_it():
    entries = [told(0, USED, "a"), Told(ROWS, NOON + timedelta(microseconds=250_999), "a"), told(3, ROWS, "b")]
    assert [call.milliseconds for call in calls_of(entries, LONG_AFTER)] == [250, None]


def test_it_does_not_matter_which_service_was_first_in_the_log_nor_whose_clock_is_ahead():
    used = told(1, USED, "a")
    for answered, took in ((Told(ROWS, used.at + timedelta(seconds=2), "a"), 2_000), (told(0, ROWS, "a"), 0)):
        for entries in ([used, answered], [answered, used]):
            assert [call.milliseconds for call in calls_of(entries, LONG_AFTER)] == [took]
    again = [told(9, ROWS, "a"), used, told(2, ROWS, "a")]
    assert [(call.at, call.milliseconds) for call in calls_of(again, LONG_AFTER)] == [(told(2, ROWS).at, 60_000)]


def test_a_use_has_failed_once_it_can_no_longer_be_answered():
    entries = [told(0, USED, "a")]
    assert calls_of(entries, NOON + FAILED_AFTER - MICROSECOND) == []
    assert [call.went for call in calls_of(entries, NOON + FAILED_AFTER)] == [Went.FAILED]


# --- for how long it can have been away


@pytest.mark.parametrize("told, least, most", [
    ("s0", 0, 60), ("s0 s5", 0, 55), ("s0 s6", 0, 60), ("s0 s5 s10 s15", 0, 45), ("s5 s5", 0, 60),
    ("f0", 0, 60), ("f0 f9", 9, 60), ("f0 r9 f12", 12, 60), ("s0 f1 f9 s10", 8, 60), ("f0 f3 s4 f5 f9", 7, 60),
    ("s0 s3 f4 s5 s7", 0, 55), ("s0 f4 s5", 0, 60),
])  # fmt: skip
def test_between_least_and_most_lies_what_nobody_saw(told: str, least: int, most: int):
    found = seen(told)
    assert (found.unavailable_minutes_min, found.unavailable_minutes_max) == (least, most)


def test_what_is_away_is_rounded_down_and_what_may_be_away_is_rounded_up():
    def at(*seconds: int, went: Went) -> Measured:
        made = [Call(NOON + timedelta(seconds=each), went) for each in seconds]
        found = rules.measured(made, LEVEL, PERIOD, Figures(1))
        assert found
        return found

    assert [at(0, each, went=Went.FAILED).unavailable_minutes_min for each in (59, 60, 119)] == [0, 1, 1]
    assert [at(0, each, went=Went.SERVED).unavailable_minutes_max for each in (59, 60, 61)] == [60, 59, 59]


def test_answers_a_moment_too_far_apart_show_nothing():
    for gap, most in ((SEEN, 55), (SEEN + MICROSECOND, 60)):
        made = [Call(NOON, Went.SERVED), Call(NOON + gap, Went.SERVED)]
        found = rules.measured(made, LEVEL, PERIOD, Figures(1))
        assert found and found.unavailable_minutes_max == most


def test_only_the_calls_of_the_period_count():
    edges = [PERIOD.starts_at - MICROSECOND, PERIOD.starts_at, PERIOD.ends_at - MICROSECOND, PERIOD.ends_at]
    found = rules.measured([Call(each, Went.SERVED, 1) for each in edges], LEVEL, PERIOD, Figures(1))
    assert found and (found.served, found.refused, found.failed) == (2, 0, 0)
    assert rules.measured([Call(edges[0], Went.FAILED), Call(edges[3], Went.FAILED)], LEVEL, PERIOD, Figures(1)) is None
    found = seen("s0 s1 s2 r3 r4 f5")
    assert (found.served, found.refused, found.failed) == (3, 2, 1)


# --- how fast


def test_answers_are_counted_by_how_long_they_took():
    times = [0, 100, 101, 300, 301, 1_000, 1_001, 3_000, 3_001, 10_000, 10_001, 99_999]
    made = [Call(NOON, Went.SERVED, each) for each in times] + [Call(NOON, Went.FAILED)]
    found = rules.measured(made, LEVEL, PERIOD, Figures(1))
    assert found and found.within == (2,) * (len(BUCKETS_MILLISECONDS) + 1)


@pytest.mark.parametrize("count, expected", [(1, 1), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95)])
def test_ninety_five_of_a_hundred_were_answered_within_it(count: int, expected: int):
    made = [Call(NOON, Went.SERVED, each) for each in range(count, 0, -1)]
    found = rules.measured(made, LEVEL, PERIOD, Figures(1))
    assert found and found.response_milliseconds == expected


# --- what that makes of a claim


@pytest.mark.parametrize("told, minutes, slow, took, verdict", [
    ("f0 f9", 9, None, 100, SUPPORTED), ("f0 f9", 10, None, 100, OPEN), ("f0 f9", 60, None, 100, OPEN),
    ("s0 s5 s10", 50, None, 100, OPEN), ("s0 s5 s10", 51, None, 100, CONTRADICTED),
    ("s0 s5", 0, 301, 301, SUPPORTED), ("s0 s5", 0, 301, 300, CONTRADICTED), ("f0 f9", 0, 301, 100, OPEN),
    ("s0 f1 f9", 8, 301, 301, SUPPORTED), ("s0 f1 f9", 9, 301, 301, OPEN), ("s0 f1 f9", 8, 301, 300, CONTRADICTED),
    ("s0 s5 s10", 51, 301, 301, CONTRADICTED), ("s0 s5", 1, 300, 100, OPEN), ("s0 s5", 0, 300, 999, OPEN),
])  # fmt: skip
def test_a_claim_is_held_to_what_was_seen(told: str, minutes: int, slow: int | None, took: int, verdict: Verdict):
    assert seen(told, minutes, slow, took).verdict is verdict


@given(st.lists(st.tuples(st.integers(0, 59), st.sampled_from("srf")), min_size=1, max_size=12), st.integers(1, 60))
def test_no_calls_support_and_contradict_the_same_claim(made: list[tuple[int, str]], minutes: int):
    """An oracle by minutes: away is what lies between two failed calls, there what lies between two answers."""
    in_order = sorted(made, key=lambda each: each[0])
    found = seen(" ".join(f"{went}{at}" for at, went in in_order), minutes)
    away, there = set[int](), set[int]()
    for (at, went), (other, then) in zip(in_order, in_order[1:], strict=False):
        if went == then == "s" and other - at <= 5:
            there |= {*range(at, other)}
        if "s" not in went + then:
            away |= {*range(at, other)}
    assert (found.unavailable_minutes_min, found.unavailable_minutes_max) == (len(away), 60 - len(there))
    assert not away & there
    expected = CONTRADICTED if minutes > 60 - len(there) else SUPPORTED if minutes <= len(away) else OPEN
    assert found.verdict is expected
