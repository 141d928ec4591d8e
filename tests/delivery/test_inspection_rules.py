"""What an inspection concludes: bounded in what is told, and places told by two columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from services.delivery.actions.inspection import report
from services.delivery.rules.detection import Count, Evidence
from services.delivery.rules.inspection import (
    REPORT_BYTES_MAX,
    Counted,
    Inspection,
    NotTaken,
    conclude,
    report_bytes,
)
from services.delivery.rules.upload import Reason
from shared.guard import BODY_BYTES_MAX
from shared.kinds import Kind
from tests.delivery.test_upload import received

FOUND = {kind: Count(10, 10, 10) for kind in (Kind.RESIDENT_ID, Kind.PHONE, Kind.EMAIL, Kind.BANK_CARD, Kind.MINOR)}


def columns(count: int, name: str = "备注", found: dict[Kind, Count] | None = None) -> list[Counted]:
    return [
        Counted(f"{name}{n}", "text", 0, 9, Evidence(f"{name}{n}", 10, found if found is not None else FOUND))
        for n in range(count)
    ]


def test_a_thousand_columns_of_persons_are_told_in_one_request():
    found = conclude(10, columns(1_000))
    assert isinstance(found, Inspection) and len(found.fields) == 1_000


def test_columns_of_which_there_is_more_to_tell_than_a_request_holds_are_too_many():
    assert conclude(10, columns(1_000, "𠀀" * 95)) == NotTaken(Reason.TOO_MANY_COLUMNS)


@given(st.integers(1, 60), st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=90), st.booleans())
def test_no_report_takes_more_than_was_reckoned(count: int, name: str, persons: bool):
    found = conclude(10, columns(count, name, FOUND if persons else {}))
    assert isinstance(found, Inspection)
    assert len(to_json(report(received(), found))) <= report_bytes(found) + 1_024
    assert REPORT_BYTES_MAX + 1_024 < BODY_BYTES_MAX


@pytest.mark.parametrize("story, one, other, places", [
    ("north beside east",             (99, 0), (0, 99), True),
    ("east beside north",             (0, 99), (99, 0), True),
    ("two latitudes, as prices are",  (99, 0), (99, 0), False),
    ("only some would be places",     (99, 0), (0, 60), False),
    ("no decimals at all",            (0, 0),  (0, 0),  False),
])  # fmt: skip
def test_two_neighbours_without_telling_names_tell_a_place(
    story: str, one: tuple[int, int], other: tuple[int, int], places: bool
):
    pair = [Counted(name, "decimal", 0, 9, Evidence(name, 100, {}, *hits)) for name, hits in (("a", one), ("b", other))]
    found = conclude(100, pair)
    assert isinstance(found, Inspection)
    assert [one.kind for one in found.detections] == ([Kind.COORDINATES] * 2 if places else []), story
