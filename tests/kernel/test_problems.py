"""Errors on the wire: one table of families and statuses, there and back."""

from datetime import UTC, datetime

import pytest

from shared import problems
from shared.access import InvalidToken
from shared.errors import Conflict, Failure, Forbidden, OutOfRange, TooMany, Unauthenticated, Unavailable
from shared.money import Money


class BidTooLow(Conflict):
    """The bid does not beat the best bid
    by the smallest step.

    More for the reader of the code.
    """


@pytest.mark.parametrize("status, family", problems.FAMILIES.items())
def test_a_family_has_one_status_and_what_derives_from_it_has_the_same(status: int, family: type[Failure]):
    class Derived(family):
        """Something of this family."""

    assert problems.status_of(family()) == problems.status_of(Derived()) == status


def test_every_family_stands_in_the_table():
    families = {family for family in Failure.__subclasses__() if family.__module__ == "shared.errors"}
    assert families <= set(problems.FAMILIES.values())


def test_a_document_has_what_the_standard_names_and_the_facts_of_the_error():
    assert problems.document(BidTooLow(floor_minor=500), "request_1") == {
        "type": "/problems/bid_too_low", "title": "The bid does not beat the best bid by the smallest step.",
        "status": 409, "detail": "The bid does not beat the best bid by the smallest step.", "code": "bid_too_low",
        "floor_minor": 500, "request_id": "request_1",
    }  # fmt: skip


@pytest.mark.parametrize("member", ["type", "title", "status", "code"])
def test_no_fact_of_an_error_can_take_the_place_of_a_member(member: str):
    own = problems.document(BidTooLow())
    assert problems.document(BidTooLow(**{member: "forged"}))[member] == own[member]


def test_facts_are_told_as_json_carries_them():
    facts = {"floor": Money(5), "closed_at": datetime(2030, 1, 1, tzinfo=UTC), "missing": {"b"}, "none": None}
    told = problems.document(BidTooLow(**facts))
    assert (told["floor"], told["closed_at"]) == ({"minor": 5, "currency": "CNY"}, "2030-01-01T00:00:00Z")
    assert (told["missing"], told["none"]) == (["b"], None)


def test_what_a_neighbour_raised_is_raised_again_as_the_same_class_with_the_same_facts():
    raised = BidTooLow(floor_minor=500, detail="bid at least 5.00")
    again = problems.rebuild(problems.document(raised, "request_1"), [Forbidden, BidTooLow])
    assert (type(again), again.facts["floor_minor"]) == (BidTooLow, 500)


@pytest.mark.parametrize("document", [{}, {"code": "unheard_of"}, {"code": 7}, {"code": None}, {"code": "failure"}])
def test_what_a_client_does_not_list_is_our_own_failure(document: dict[str, object]):
    assert type(problems.rebuild(document, [BidTooLow])) is Failure


@pytest.mark.parametrize("failure, headers", [
    (Conflict(),                         {}),
    (Unavailable(),                      {"Retry-After": "1"}),
    (Unavailable(retry_after_seconds=5), {"Retry-After": "5"}),
    (TooMany(retry_after_seconds=60),    {"Retry-After": "60"}),
    (Unauthenticated(),                  {"WWW-Authenticate": 'Bearer realm="yaosu"'}),
    (InvalidToken(),                     {"WWW-Authenticate": 'Bearer realm="yaosu", error="invalid_token", '
                                                              'error_description="This token is not valid here."'}),
])  # fmt: skip
def test_headers_say_when_to_come_back_and_how_to_say_who_one_is(failure: Failure, headers: dict[str, str]):
    assert problems.headers(failure) == headers


def test_a_part_that_there_is_not_says_how_much_there_is():
    assert problems.headers(OutOfRange(size=1000)) == {"Content-Range": "bytes */1000"}
    assert problems.headers(OutOfRange()) == {}
