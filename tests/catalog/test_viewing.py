"""Who sees how much of an entry."""

import pytest

from services.catalog.rules import registration
from services.catalog.rules.asset import Entry
from services.catalog.rules.viewing import ANYONE, EVERYTHING, Viewer, grades_shown, shown, shows_fields
from shared.grades import Clearance, Grade, Visibility
from shared.ids import ParticipantId
from tests.catalog.made import NOON, a_draft, a_registered, declared, submitted, with_pending

FULL, TITLE, NONE = Visibility.FULL, Visibility.TITLE, Visibility.NONE
CLEARANCES = [None, *Clearance]


@pytest.mark.parametrize("grade, seen", [
    #       nobody C1     C2    C3    C4    C5
    ("G1", [FULL,  FULL,  FULL, FULL, FULL, FULL]),
    ("G2", [FULL,  FULL,  FULL, FULL, FULL, FULL]),
    ("G3", [TITLE, TITLE, FULL, FULL, FULL, FULL]),
    ("G4", [NONE,  NONE,  NONE, FULL, FULL, FULL]),
])  # fmt: skip
def test_a_registered_entry_shows_by_its_grade(grade: str, seen: list[Visibility]):
    entry = a_registered(Grade(grade))
    assert [shown(entry, Viewer(ParticipantId.new(), clearance)) for clearance in CLEARANCES] == seen


@pytest.mark.parametrize("clearance", CLEARANCES)
def test_a_list_and_a_single_entry_are_decided_alike(clearance: Clearance | None):
    viewer = Viewer(ParticipantId.new(), clearance)
    for grade in map(Grade, ("G1", "G2", "G3", "G4")):
        as_listed = next((much for much in (FULL, TITLE) if grade in grades_shown(viewer, much)), NONE)
        assert as_listed is shown(a_registered(grade), viewer)


def test_important_and_core_data_show_to_nobody_by_clearance():
    assert not {Grade.G5, Grade.G6} & grades_shown(Viewer(None, Clearance.C5), FULL)


@pytest.mark.parametrize("entry", [
    a_draft(), submitted(declared(with_pending(a_draft()))),
    registration.refuse(submitted(declared(with_pending(a_draft()))), "no", NOON),
])  # fmt: skip
def test_what_is_not_registered_is_its_providers_and_the_staffs_alone(entry: Entry):
    provider = Viewer(entry.asset.provider_id)
    assert shown(entry, provider) is FULL
    assert shown(entry, EVERYTHING) is FULL
    assert shown(entry, Viewer(ParticipantId.new(), Clearance.C5)) is NONE
    assert shown(entry, ANYONE) is NONE


def test_a_provider_sees_their_own_whatever_its_grade_and_whatever_they_may_be_trusted_with():
    entry = a_registered(Grade.G4)
    owner = Viewer(entry.asset.provider_id)
    assert shown(entry, owner) is FULL
    assert shows_fields(entry.asset, entry.versions[0], owner)


def test_field_names_of_g4_are_for_provider_and_staff():
    g3, g4, trusted = a_registered(Grade.G3), a_registered(Grade.G4), Viewer(None, Clearance.C5)
    assert shows_fields(g3.asset, g3.versions[0], trusted) and not shows_fields(g4.asset, g4.versions[0], trusted)
