"""What the parts of the bench count, where that is more than a clock."""

import os

import pytest

from bench import overload, start
from bench.serving.load import Answered


@pytest.mark.parametrize("created, waits, a_second", [
    (100, [0.5] * 100, 50), (100, [0.5] * 75 + [1.5] * 25, 37.5), (100, [1.0] * 100, 50), (0, [], 0),
])  # fmt: skip
def test_a_bid_that_is_taken_too_late_is_no_good(created: int, waits: list[float], a_second: float):
    assert overload.in_time(Answered(2.0, {201: created, 503: 7}, waits)) == a_second


def test_what_a_process_holds_is_read_in_mebibytes():
    before = start.resident_mib(os.getpid())
    held = bytearray(os.urandom(1)) * (64 * 2**20)
    assert 50 < start.resident_mib(os.getpid()) - before < 80 and len(held)
