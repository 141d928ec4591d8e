"""One rule of what shows: an entry by its lowest grade, each version by its own (decision 9).

The table is written by hand from the grade overlay of the authorisation matrix, not from the code; pricing and trading
are walked against the same one.
"""

from itertools import combinations_with_replacement

import pytest

from services.catalog.rules.viewing import Viewer, grade_shown, shown, shows_fields, versions_shown
from shared.grades import Clearance, Grade, overseen
from shared.ids import ParticipantId
from tests.catalog.made import a_draft, with_pending
from tests.catalog.searched import with_grades

BY_HAND = {  # who sees a version: nobody admitted, C1, C2, C3, C4, C5
    "G1": "full   full   full   full   full   full",
    "G2": "full   full   full   full   full   full",
    "G3": "title  title  full   full   full   full",
    "G4": "none   none   none   full   full   full",
}
# What the staff sees by its office; of G4 and above only those who review it, or answer for it: see the overlay's rows
# for operators and the regulator. Whether one is assigned, or has a case, no table of ours knows.
STAFF_BY_HAND = """
      operator_business  operator_system  operator_security  operator_audit  regulator
G1    full               full             full               full            full
G2    full               full             full               full            full
G3    full               full             full               full            full
G4    full               none             none               none            full
G5    full               none             full               none            full
G6    full               none             full               none            full
"""
OFFICES, *ROWS = (line.split() for line in STAFF_BY_HAND.strip().splitlines())
BY_OFFICE = {(grade, office): seen for grade, *cells in ROWS for office, seen in zip(OFFICES, cells, strict=True)}
CLEARANCES = (None, *Clearance)
LOWEST = {mixed: min(mixed) for size in (1, 2, 3) for mixed in combinations_with_replacement(sorted(BY_HAND), size)}


def by_hand(grade: str, clearance: Clearance | None) -> str:
    return BY_HAND[grade].split()[CLEARANCES.index(clearance)]


@pytest.mark.parametrize("clearance", CLEARANCES)
@pytest.mark.parametrize("grades", sorted(LOWEST), ids="-".join)
def test_an_entry_shows_by_its_lowest_grade_and_each_version_by_its_own(
    grades: tuple[str, ...], clearance: Clearance | None
):
    entry = with_grades([Grade(grade) for grade in grades])
    viewer = Viewer(ParticipantId.new() if clearance else None, clearance)
    assert shown(entry.asset, viewer) == by_hand(LOWEST[grades], clearance)
    theirs = [grade for grade in grades if by_hand(grade, clearance) == "full"]
    assert [version.graded and version.graded.grade for version in versions_shown(entry, viewer)] == theirs
    assert grade_shown(entry, viewer) == max(theirs, default=None)
    inside = Viewer(entry.asset.provider_id)
    assert (shown(entry.asset, inside), len(versions_shown(entry, inside))) == ("full", len(grades))


def of_office(*offices: str) -> Viewer:
    return Viewer(is_staff=True, overseen=overseen(frozenset(offices)))


@pytest.mark.parametrize("office", OFFICES)
@pytest.mark.parametrize("grades", sorted(LOWEST), ids="-".join)
def test_the_staff_sees_an_entry_and_each_version_by_its_office(grades: tuple[str, ...], office: str):
    entry, viewer = with_grades([Grade(grade) for grade in grades]), of_office(office)
    assert shown(entry.asset, viewer) == BY_OFFICE[LOWEST[grades], office]
    theirs = [grade for grade in grades if BY_OFFICE[grade, office] == "full"]
    assert [version.graded and version.graded.grade for version in versions_shown(entry, viewer)] == theirs
    assert [shows_fields(entry.asset, version, viewer) for version in versions_shown(entry, viewer)] == [True] * len(
        theirs
    )
    assert grade_shown(entry, viewer) == max(theirs, default=None)


def test_offices_see_what_each_alone_does_and_what_has_no_grade_may_be_of_any():
    assert overseen({"arbiter", "buyer", "service"}) == overseen(frozenset()) == frozenset()
    for office in OFFICES:
        seen = overseen({office, "arbiter"})
        assert seen - {None} == {Grade(grade) for grade, _ in BY_OFFICE if BY_OFFICE[grade, office] == "full"}
        assert (None in seen) == (Grade.G5 in seen)
    assert overseen({"operator_system", "operator_security"}) == overseen({"operator_security"})


@pytest.mark.parametrize("office", OFFICES)
def test_an_entry_that_is_not_registered_shows_to_those_who_review_it_or_answer_for_it(office: str):
    draft = with_pending(a_draft())
    seen = shown(draft.asset, of_office(office))
    assert seen == ("full" if office in {"operator_business", "operator_security", "regulator"} else "none")
