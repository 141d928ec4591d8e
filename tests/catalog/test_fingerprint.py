"""The estimator of shared rows against the sets themselves."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.rules.fingerprint import NONE, ROWS_MIN, SHARED_MIN, SKETCH_SIZE, Overlap, overlap

WHOLE = 10_000


def rows(start: int, count: int) -> set[int]:
    """The hashes of that many rows of one endless table, from that one on."""
    return {int(sha256(str(number).encode()).hexdigest()[:16], 16) for number in range(start, start + count)}


def sketch(table: set[int]) -> tuple[int, ...]:
    return tuple(sorted(table)[:SKETCH_SIZE])


def exact(first: set[int], second: set[int]) -> Overlap:
    shared = len(first & second) * WHOLE
    return Overlap(shared // len(first), shared // len(second), shared // len(first | second))


@given(st.integers(ROWS_MIN, SKETCH_SIZE - 1), st.integers(ROWS_MIN, SKETCH_SIZE - 1), st.integers(0, SKETCH_SIZE))
def test_of_tables_that_fit_their_sketches_the_answer_is_exact(first: int, second: int, apart: int):
    one, other = rows(0, first), rows(apart, second)
    found = overlap(sketch(one), sketch(other))
    assert found == (exact(one, other) if len(one & other) >= SHARED_MIN else NONE)


@given(st.integers(500, 3_000), st.integers(500, 3_000), st.integers(0, 100))
def test_of_larger_ones_it_is_near_the_truth(first: int, second: int, percent_apart: int):
    one, other = rows(0, first), rows(first * percent_apart // 100, second)
    found, truth = overlap(sketch(one), sketch(other)), exact(one, other)
    if len(one & other) * 20 < len(one | other):
        return  # too few members in common to be judged closely
    for estimate, share in zip((found.of_first, found.of_second, found.jaccard),
                               (truth.of_first, truth.of_second, truth.jaccard), strict=True):  # fmt: skip
        assert abs(estimate - share) < 2_000


@given(st.integers(60, 2_000), st.integers(60, 2_000), st.integers(0, 2_000))
def test_which_of_the_two_comes_first_makes_no_difference(first: int, second: int, apart: int):
    one, other = sketch(rows(0, first)), sketch(rows(apart, second))
    there, back = overlap(one, other), overlap(other, one)
    assert (there.of_first, there.of_second, there.jaccard) == (back.of_second, back.of_first, back.jaccard)


@pytest.mark.parametrize("apart, is_near", [(0, True), (100, True), (350, False), (500, False), (1_000, False)])
def test_a_copy_with_so_many_of_a_thousand_rows_changed(apart: int, is_near: bool):
    assert overlap(sketch(rows(0, 1_000)), sketch(rows(apart, 1_000))).is_near_duplicate is is_near


def test_a_part_of_a_table_is_recognised_from_either_side():
    whole, part = sketch(rows(0, 4_000)), sketch(rows(1_000, 400))
    assert overlap(part, whole).is_near_duplicate and overlap(whole, part).is_near_duplicate
    assert not overlap(sketch(rows(9_000, 400)), whole).is_near_duplicate


def test_below_fifty_distinct_rows_nothing_is_told():
    few = sketch(rows(0, ROWS_MIN - 1))
    assert overlap(few, few) == NONE
