"""The order of the masks: which may stand for which."""

from itertools import product

import pytest

from services.delivery.rules.masking import MASKS, STRICT, Mask
from services.delivery.rules.strictness import COARSER, NEXT_STRICTER, SHOW_NO_GROUP, at_least, stricter

PAIRS = list(product(Mask, repeat=2))


def test_every_mask_has_its_place():
    assert set(NEXT_STRICTER) == set(Mask)


def test_it_is_a_partial_order():
    assert all(at_least(mask, mask) for mask in Mask)
    assert not [pair for pair in PAIRS if pair[0] is not pair[1] and at_least(*pair) and at_least(*pair[::-1])]
    for one, two, three in product(Mask, repeat=3):
        assert not (at_least(one, two) and at_least(two, three)) or at_least(one, three)


def test_keeping_is_the_least_and_dropping_the_most():
    assert all(at_least(mask, Mask.KEEP) and at_least(Mask.DROP, mask) for mask in Mask)
    assert all(at_least(Mask.HIDE, mask) for mask in Mask if mask is not Mask.DROP)


@pytest.mark.parametrize("mask, minimum, enough", [
    (Mask.KEEP,          Mask.KEEP_ENDS,     False),
    (Mask.PSEUDONYM,     Mask.KEEP_ENDS,     True),
    (Mask.PSEUDONYM,     Mask.KEEP_REGION,   True),
    (Mask.PSEUDONYM,     Mask.HIDE,          False),
    (Mask.PSEUDONYM,     Mask.KEEP_DISTRICT, False),
    (Mask.PSEUDONYM,     Mask.KEEP_YEAR,     False),
    (Mask.KEEP_PROVINCE, Mask.KEEP_DISTRICT, True),
    (Mask.KEEP_DISTRICT, Mask.KEEP_PROVINCE, False),
    (Mask.KEEP_DECADE,   Mask.KEEP_MONTH,    True),
    (Mask.KEEP_MONTH,    Mask.KEEP_YEAR,     False),
    (Mask.SHIFT_DATES,   Mask.KEEP_YEAR,     False),
    (Mask.SHIFT_DATES,   Mask.KEEP,          True),
    (Mask.AGE_RANGE,     Mask.BAND_10,       True),
    (Mask.AGE_RANGE,     Mask.BAND_100,      False),
    (Mask.BAND_10000,    Mask.BAND_10,       True),
    (Mask.ROUND_TENTH,   Mask.ROUND_DEGREE,  False),
])  # fmt: skip
def test_worked_comparisons(mask: Mask, minimum: Mask, enough: bool):
    assert at_least(mask, minimum) is enough


def test_what_applies_is_never_less_than_was_declared_or_demanded():
    for mask, minimum in PAIRS:
        applied = stricter(mask, minimum)
        assert at_least(applied, mask) and at_least(applied, minimum), (mask, minimum)
        assert applied in (mask, minimum, Mask.HIDE)


def test_the_strict_policy_is_nowhere_weaker_than_the_other():
    assert all(at_least(STRICT[kind] or Mask.KEEP, mask or Mask.KEEP) for kind, mask in MASKS.items())


def test_a_coarser_step_is_a_stricter_one_that_still_shows_a_group():
    assert all(at_least(coarser, mask) and coarser not in SHOW_NO_GROUP for mask, coarser in COARSER.items())


def test_a_higher_grade_never_shows_more_whatever_was_declared():
    for kind, declared in product(MASKS, Mask):
        low, high = (stricter(declared, policy[kind] or Mask.KEEP) for policy in (MASKS, STRICT))
        assert at_least(high, low), (kind, declared)
