"""One rule of what shows: an entry by its lowest grade, each version by its own (decision 9).

The table is written by hand from the grade overlay of the authorisation matrix, not from the code; pricing and trading
are walked against the same one.
"""

from itertools import combinations_with_replacement

import pytest

from services.catalog.rules.viewing import Viewer, grade_shown, shown, shows_fields, versions_shown
from shared.grades import Clearance, Grade
from shared.ids import AssetId, ParticipantId
from shared.oversight import Charge, oversight
from tests.catalog.made import a_draft, with_pending
from tests.catalog.searched import with_grades

BY_HAND = {  # who sees a version: nobody admitted, C1, C2, C3, C4, C5
    "G1": "full   full   full   full   full   full",
    "G2": "full   full   full   full   full   full",
    "G3": "title  title  full   full   full   full",
    "G4": "none   none   none   full   full   full",
}
# What the staff sees, from the overlay's rows for operators and the regulator: "whole" whatever it is of, "named" where
# they are assigned it (up to G5 beside a second officer), "case" where an open case of theirs reaches it.
STAFF_BY_HAND = """
      operator_business  operator_system  operator_security  operator_audit  regulator
G1    whole              whole            whole              whole           whole
G2    whole              whole            whole              whole           whole
G3    whole              whole            whole              whole           whole
G4    named              none             none               none            case
G5    named              none             named              none            case
G6    none               none             none               none            case
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
    assert shown(entry, viewer) == by_hand(LOWEST[grades], clearance)
    theirs = [grade for grade in grades if by_hand(grade, clearance) == "full"]
    assert [version.graded and version.graded.grade for version in versions_shown(entry, viewer)] == theirs
    assert grade_shown(entry, viewer) == max(theirs, default=None)
    inside = Viewer(entry.asset.provider_id)
    assert (shown(entry, inside), len(versions_shown(entry, inside))) == ("full", len(grades))


def of_office(office: str, *charges: Charge) -> Viewer:
    return Viewer(oversight=oversight({office}, charges))


def seen_by_hand(grade: str, office: str, charged_up_to: str | None) -> str:
    how = BY_OFFICE[grade, office]
    return "full" if how == "whole" or (how != "none" and charged_up_to and grade <= charged_up_to) else "none"


@pytest.mark.parametrize("office", OFFICES)
@pytest.mark.parametrize("grades", sorted(LOWEST), ids="-".join)
def test_the_staff_sees_an_entry_and_each_version_by_its_office_and_from_g4_on_by_name(
    grades: tuple[str, ...], office: str
):
    entry = with_grades([Grade(grade) for grade in grades])
    for up_to in (None, "G4", "G5", "G6"):
        charge = Charge(office, Grade(up_to or "G6"), assets=frozenset({entry.asset.id} if up_to else ()))
        viewer = of_office(office, charge)
        assert shown(entry, viewer) == seen_by_hand(LOWEST[grades], office, up_to)
        theirs = [grade for grade in grades if seen_by_hand(grade, office, up_to) == "full"]
        versions = versions_shown(entry, viewer)
        assert [version.graded and version.graded.grade for version in versions] == theirs
        assert all(shows_fields(entry.asset, version, viewer) for version in versions)
        assert grade_shown(entry, viewer) == max(theirs, default=None)
        assert viewer.reads_files_of(entry) == (theirs == list(grades))


@pytest.mark.parametrize("office, grade", sorted((office, grade) for grade, office in BY_OFFICE))
def test_a_charge_reaches_its_entries_in_its_office_and_no_other(office: str, grade: str):
    asset_id, provider_id, other = AssetId.new(), ParticipantId.new(), ParticipantId.new()
    named = BY_OFFICE[grade, office] not in ("whole", "none")
    whole = BY_OFFICE[grade, office] == "whole"
    for charge in (
        Charge(office, Grade(grade), assets=frozenset({asset_id})),
        Charge(office, Grade.G6, providers=frozenset({provider_id})), Charge(office, Grade.G6, is_of_all=True),
    ):  # fmt: skip
        looking = oversight({office, "arbiter", "buyer"}, [charge])
        assert looking.reaches(Grade(grade), asset_id, provider_id) == (named or whole)
        assert looking.reaches(Grade(grade), AssetId.new(), other) == (whole or (named and charge.is_of_all))
        elsewhere = oversight({each for each in OFFICES if each != office}, [charge])
        assert elsewhere.reaches(Grade(grade), asset_id, provider_id) == (grade < "G4")
    assert not oversight({"arbiter", "buyer"}, [Charge("arbiter", Grade.G6, is_of_all=True)]).by_office


@pytest.mark.parametrize("office", OFFICES)
@pytest.mark.parametrize("grade", [None, *Grade])
def test_what_is_not_registered_shows_by_its_strictest_version_to_those_who_review_it(grade: Grade | None, office: str):
    draft = with_pending(a_draft(), grade) if grade else a_draft()
    answerable = office in {"operator_business", "operator_security", "regulator"}
    by_office = grade is None or grade < "G4"
    assert shown(draft, of_office(office)) == ("full" if answerable and by_office else "none")
    charged = of_office(office, Charge(office, Grade.G6, assets=frozenset({draft.asset.id})))
    assert shown(draft, charged) == (
        "full" if answerable and (by_office or seen_by_hand(str(grade), office, "G6") == "full") else "none"
    )
