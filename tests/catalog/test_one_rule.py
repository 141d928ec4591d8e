"""One rule of what shows: an entry by its lowest grade, each version by its own (decision 9).

The table is written by hand from the grade overlay of the authorisation matrix, not from the code; pricing and trading
are walked against the same one.
"""

from itertools import combinations_with_replacement

import pytest

from services.catalog.rules.viewing import Viewer, grade_shown, shown, versions_shown
from shared.grades import Clearance, Grade
from shared.ids import ParticipantId
from tests.catalog.searched import with_grades

BY_HAND = {  # who sees a version: nobody admitted, C1, C2, C3, C4, C5
    "G1": "full   full   full   full   full   full",
    "G2": "full   full   full   full   full   full",
    "G3": "title  title  full   full   full   full",
    "G4": "none   none   none   full   full   full",
}
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
