"""What the limit on tries promises, against a naive count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules.throttle import ATTEMPTS_MAX, WINDOW, Throttle, TooManyLogIns, attempt

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_the_eleventh_try_in_a_window_is_told_when_to_come_back():
    throttle = None
    for _ in range(ATTEMPTS_MAX):
        throttle = attempt(throttle, NOON)
    with pytest.raises(TooManyLogIns) as refused:
        attempt(throttle, NOON + timedelta(seconds=0.5))
    assert refused.value.facts == {"retry_after_seconds": int(WINDOW.total_seconds())}


@given(st.lists(st.integers(0, 400), max_size=60))
def test_no_window_has_more_tries_than_it_may_and_nobody_waits_longer_than_one(pauses_seconds: list[int]):
    throttle: Throttle | None = None
    now, window_began, in_window = NOON, NOON - WINDOW, 0
    for pause in pauses_seconds:
        now += timedelta(seconds=pause)
        if now >= window_began + WINDOW:
            window_began, in_window = now, 0
        try:
            throttle = attempt(throttle, now)
            in_window += 1
            assert in_window <= ATTEMPTS_MAX
        except TooManyLogIns as refused:
            assert in_window == ATTEMPTS_MAX
            wait = refused.facts["retry_after_seconds"]
            assert isinstance(wait, int) and 0 < wait <= WINDOW.total_seconds()
            assert attempt(throttle, now + timedelta(seconds=wait)).attempts == 1
