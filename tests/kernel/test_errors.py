"""An error's class is its code: one class, one code, and the facts travel with it."""

import re
from collections.abc import Iterator

import pytest

from shared import errors
from shared.errors import Conflict, Failure


class BidTooLow(Conflict):
    """The bid does not beat the best bid by the smallest step."""


def all_errors(family: type[Failure] = Failure) -> Iterator[type[Failure]]:
    yield family
    for derived in family.__subclasses__():
        yield from all_errors(derived)


def test_a_class_name_is_its_code_on_the_wire():
    assert BidTooLow.code() == "bid_too_low"


def test_an_error_carries_its_facts():
    assert BidTooLow(floor_minor=500).facts == {"floor_minor": 500}


ERRORS = sorted(set(all_errors()), key=lambda error: error.code())


def test_no_two_families_share_a_code():
    families = [error for error in ERRORS if error.__module__ == errors.__name__]
    assert len({family.code() for family in families}) == len(families) > 10


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_code_and_a_title_for_the_reader(error: type[Failure]):
    assert re.fullmatch("[a-z]+(_[a-z]+)*", error.code())
    assert error.__doc__ and error.__doc__.rstrip().endswith(".")
