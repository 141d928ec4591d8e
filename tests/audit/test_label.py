"""How the grade of data passes through the log: from what states it to all that is done with it."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import label
from shared.facts import Event, read_event
from shared.grades import G2, G4, G5, Grade
from shared.ids import AssetId, ListingId, OrderId, ParticipantId, VersionId
from tests.audit.cases import Deal, GradeConfirmed, Listed, OrderPlaced, line_of

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
OURS = ParticipantId(f"participant_{1:032x}")


def events(*told: object) -> list[Event]:
    return [read_event(line_of(each, NOON, OURS)) for each in told]  # pyright: ignore[reportArgumentType]


def labels_of(log: list[Event]) -> dict[str, Grade]:
    labels = dict[str, Grade]()
    for event in log:
        labels |= label.raised(event, labels)
    return labels


def test_a_grade_passes_from_the_version_to_listing_order_and_contract():
    deal = Deal.new()
    log = events(*deal.facts(G4))
    labels = labels_of(log)
    assert {labels[name] for name in (deal.asset, deal.version, deal.listing, deal.order, deal.contract)} == {G4}
    assert [label.grade_of(event, labels) for event in log] == [G4] * 3
    assert [label.stated(event) for event in log] == [G4, None, None]


def test_organisations_and_people_carry_no_label():
    assert OURS not in labels_of(events(*Deal.new().facts(G5)))


def test_a_version_is_not_graded_by_what_is_named_beside_it():
    one, other = Deal.new(), Deal.new()
    labels = labels_of(events(*one.facts(G5), Listed(one.listing, other.version)))
    assert other.version not in labels
    assert labels[one.version] is G5


def test_a_label_never_sinks():
    deal = Deal.new()
    first, second = events(*deal.facts(G5)[:1], GradeConfirmed(deal.asset, deal.version, G2))
    labels = labels_of([first])
    assert label.raised(second, labels) == {second.id: G5}
    assert label.grade_of(second, labels_of([first, second])) is G5


def test_what_names_nothing_graded_has_no_grade():
    [event] = events(OrderPlaced(OrderId.new(), ListingId.new()))
    assert (label.grade_of(event, {}), label.raised(event, {})) == (None, {})


def test_an_entry_is_about_whom_and_what_it_names():
    deal = Deal.new()
    _, _, order = events(*deal.facts(G4))
    assert label.names(order) == {OURS, deal.order, deal.listing, deal.contract}


VERSIONS = [VersionId(f"version_{number:032x}") for number in range(3)]
LISTINGS = [ListingId(f"listing_{number:032x}") for number in range(3)]
ORDERS = [OrderId(f"order_{number:032x}") for number in range(3)]
ASSETS = [AssetId(f"asset_{number:032x}") for number in range(2)]
STEPS = st.one_of(
    st.builds(GradeConfirmed, st.sampled_from(ASSETS), st.sampled_from(VERSIONS), st.sampled_from(list(Grade))),
    st.builds(Listed, st.sampled_from(LISTINGS), st.sampled_from(VERSIONS)),
    st.builds(OrderPlaced, st.sampled_from(ORDERS), st.sampled_from(LISTINGS)),
)


@given(st.lists(STEPS, max_size=25))
def test_labels_are_those_of_following_every_name_by_hand(steps: list[object]):
    """Independently: colour what an entry names, one entry after the other, out of a table of sets."""
    reached: dict[str, set[Grade]] = {}
    for step in steps:
        match step:
            case GradeConfirmed(asset, version, grade):
                seen = {grade} | reached.get(asset, set()) | reached.get(version, set())
                reached.setdefault(asset, set()).update(seen)
                reached.setdefault(version, set()).add(grade)
            case Listed(listing, version):
                seen = reached.get(listing, set()) | reached.get(version, set())
                reached.setdefault(listing, set()).update(seen)
            case OrderPlaced(order, listing):
                seen = reached.get(order, set()) | reached.get(listing, set())
                reached.setdefault(order, set()).update(seen)
                reached.setdefault(listing, set()).update(seen)
            case _:
                raise AssertionError(step)
    found = {name: grade for name, grade in labels_of(events(*steps)).items() if not name.startswith("fact_")}
    assert found == {name: max(grades) for name, grades in reached.items() if grades}
