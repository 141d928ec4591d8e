"""What gives a version its grade, and what the grade rests on."""

from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.rules.evidence import Detection, Field
from services.catalog.rules.grading import CHINESE, Finding, Grading, Grounds, Impact, Reason, grade
from services.catalog.rules.lineage import Processing
from services.catalog.rules.rule_tables import CURRENT, FIRST, PERSONAL, SENSITIVE, TABLES, Degree, Object
from shared.grades import G1, G2, G3, G4, G5, G6, Flag, Grade
from shared.kinds import Kind
from tests.catalog.grounds import CERTAIN, a_field, fields, findings, flags, grounds, impacts, numbers
from tests.catalog.market import Market
from tests.catalog.market import a_field as a_told_field


def an_impact(thing: Object = Object.INDIVIDUAL, degree: Degree = Degree.NONE) -> Impact:
    return Impact(thing, degree, "why")


def placed(decimals: int) -> Field:
    return Field("lat", "text", 0, 100, (Detection(Kind.COORDINATES, True, CERTAIN, None, 1_000, decimals),))


PERSONS = (
    a_field("姓名", Kind.NAME), a_field("身份证号", Kind.RESIDENT_ID), a_field("手机号", Kind.PHONE),
    a_field("月度订单数"),
)  # fmt: skip


@pytest.mark.parametrize("thing, ordinary, serious, extreme", [
    (Object.NATIONAL_SECURITY, G5, G6, G6),
    (Object.ECONOMY,           G4, G5, G6),
    (Object.SOCIAL_ORDER,      G4, G5, G6),
    (Object.PUBLIC_INTEREST,   G4, G5, G6),
    (Object.ORGANISATION,      G2, G3, G4),
    (Object.INDIVIDUAL,        G2, G3, G4),
])  # fmt: skip
def test_the_table_of_the_standard(thing: Object, ordinary: Grade, serious: Grade, extreme: Grade):
    degrees = (Degree.NONE, Degree.ORDINARY, Degree.SERIOUS, Degree.EXTREME)
    given = [grade(Grounds((an_impact(thing, degree),)), ()).grade for degree in degrees]
    assert given == [G1, ordinary, serious, extreme]


def test_the_table_leaves_nothing_out():
    for rules in TABLES.values():
        told = {(thing, degree) for thing, degrees in rules.impacts.items() for degree in degrees}
        assert told == set(product(Object, Degree))
    assert set(CHINESE) == {*Object, *Degree, *Flag, *Kind, *Processing}


@pytest.mark.parametrize("fields, expected, flags", [
    ((), G1, set[str]()),
    ((a_field("orders"),), G1, set[str]()),
    ((a_field("uscc", Kind.USCC),), G1, set[str]()),
    ((a_field("lat", Kind.COORDINATES),), G2, {"geographic"}),
    ((placed(3),), G1, {"geographic"}),
    ((placed(4),), G2, {"geographic"}),
    ((a_field("phone", Kind.PHONE),), G2, {"personal"}),
    ((a_field("address", Kind.ADDRESS),), G2, {"personal"}),
    ((a_field("id", Kind.RESIDENT_ID),), G2, {"personal"}),
    ((a_field("id", Kind.RESIDENT_ID), a_field("name", Kind.NAME)), G3, {"personal", "sensitive_personal"}),
    ((a_field("id", Kind.RESIDENT_ID), a_field("address", Kind.ADDRESS)), G3, {"personal", "sensitive_personal"}),
    ((a_field("passport", Kind.PASSPORT), a_field("tel", Kind.PHONE)), G3, {"personal", "sensitive_personal"}),
    ((a_field("remarks", Kind.RESIDENT_ID, Kind.PHONE),), G3, {"personal", "sensitive_personal"}),
    ((a_field("id", Kind.RESIDENT_ID), a_field("email", Kind.EMAIL)), G2, {"personal"}),
    ((a_field("diagnosis", Kind.HEALTH),), G3, {"personal", "sensitive_personal"}),
    ((a_field("card", Kind.BANK_CARD),), G3, {"personal", "sensitive_personal"}),
    ((a_field("lat", Kind.COORDINATES), a_field("plate", Kind.PLATE)), G3,
     {"personal", "sensitive_personal", "geographic"}),
    ((a_field("diagnosis", Kind.HEALTH), a_field("name", Kind.NAME)), G4, {"personal", "sensitive_personal"}),
    ((a_field("card", Kind.BANK_CARD), a_field("tel", Kind.PHONE)), G3, {"personal", "sensitive_personal"}),
    ((a_field("id", Kind.MINOR),), G3, {"personal", "sensitive_personal", "minor"}),
    ((a_field("id", Kind.MINOR), placed(3)), G4, {"personal", "sensitive_personal", "minor", "geographic"}),
])  # fmt: skip
def test_what_fields_by_themselves_demand(fields: tuple[Field, ...], expected: Grade, flags: set[str]):
    graded = grade(Grounds((an_impact(),)), fields)
    assert (graded.grade, graded.flags) == (expected, flags)


@pytest.mark.parametrize("flags, rows, expected", [
    ({Flag.PERSONAL},               99_999, G2), ({Flag.PERSONAL},              100_000, G3),
    ({Flag.PERSONAL},              999_999, G3), ({Flag.PERSONAL},            1_000_000, G4),
    ({Flag.PERSONAL},            9_999_999, G4), ({Flag.PERSONAL},           10_000_000, G5),
    ({Flag.SENSITIVE_PERSONAL},      9_999, G3), ({Flag.SENSITIVE_PERSONAL},     10_000, G4),
    ({Flag.SENSITIVE_PERSONAL},    999_999, G4), ({Flag.SENSITIVE_PERSONAL},  1_000_000, G5),
    ({Flag.GEOGRAPHIC},      1_000_000_000, G1), (set[Flag](),            1_000_000_000, G1),
])  # fmt: skip
def test_what_mere_numbers_demand(flags: set[Flag], rows: int, expected: Grade):
    graded = grade(Grounds((an_impact(),), frozenset(flags)), (), rows)
    assert graded.grade is expected
    for reason in graded.reasons:
        assert reason.rows is None or (reason.rows == rows and (reason.rows_from or 0) <= rows)


def test_an_old_version_of_the_rules_still_grades_as_it_did():
    patients = (a_field("diagnosis", Kind.HEALTH), a_field("name", Kind.NAME), a_field("id", Kind.MINOR), placed(6))
    then = grade(Grounds(), patients, 20_000_000, TABLES[FIRST])
    now = grade(Grounds(), patients, 20_000_000)
    assert (then.grade, then.rule_version) == (G3, FIRST) and Flag.MINOR not in then.flags
    assert (now.grade, now.rule_version) == (G5, CURRENT) and Flag.MINOR in now.flags


def test_a_finding_that_was_struck_counts_no_more_and_no_other_with_it():
    both = (a_field("remarks", Kind.RESIDENT_ID, Kind.PHONE),)
    struck = Grounds(struck=frozenset({Finding("remarks", Kind.PHONE)}))
    assert (grade(Grounds(), both).grade, grade(struck, both).grade) == (G3, G2)
    assert [reason.kind for reason in grade(struck, both).reasons] == [Kind.RESIDENT_ID]


@pytest.mark.parametrize(
    "declared, expected, flags",
    [
        ({Flag.PERSONAL}, G2, {"personal"}),
        ({Flag.SENSITIVE_PERSONAL}, G3, {"personal", "sensitive_personal"}),
        ({Flag.MINOR}, G3, {"personal", "sensitive_personal", "minor"}),
        ({Flag.PUBLIC_DATA, Flag.GEOGRAPHIC}, G1, {"public_data", "geographic"}),
    ],
)
def test_what_a_declared_flag_demands_and_implies(declared: set[Flag], expected: Grade, flags: set[str]):
    graded = grade(Grounds((an_impact(),), frozenset(declared)), ())
    assert (graded.grade, graded.flags) == (expected, flags)


def test_taking_the_evidence_away_changes_the_grade():
    names, ids, phones, _ = PERSONS
    without_ids = tuple(field for field in PERSONS if field is not ids)
    without_counts = tuple(replace(field, detections=()) for field in PERSONS)
    assert grade(Grounds(), PERSONS).grade is G3
    assert grade(Grounds(), without_ids).grade is G2
    assert grade(Grounds(), (ids,)).grade is G2
    assert grade(Grounds(), (names, phones)).flags == {Flag.PERSONAL}
    assert grade(Grounds(), without_counts) == Grading(G1, frozenset(), ())


def test_a_detection_never_lowers_what_was_declared():
    serious = Grounds((an_impact(Object.ECONOMY, Degree.SERIOUS),))
    assert grade(serious, PERSONS).grade is grade(serious, ()).grade is G5


def test_a_finding_names_its_rule_its_field_and_its_counts():
    ids = a_field("身份证号", Kind.RESIDENT_ID, hit=9_980, proven=9_725)
    reasons = grade(Grounds(), (ids, a_field("姓名", Kind.NAME, proven=None))).reasons
    decisive = reasons[0]
    assert (decisive.rule, decisive.grade) == ("floor.identity_with_contact", G3)
    assert (decisive.field, decisive.kind) == ("身份证号", Kind.RESIDENT_ID)
    assert (decisive.hit_basis_points, decisive.checksum_basis_points) == (9_980, 9_725)
    assert (decisive.with_field, decisive.with_kind) == ("姓名", Kind.NAME)
    assert "命中 99.80%，校验通过 97.25%" in decisive.text and "99.80% hit, 97.25% proven" in decisive.text
    assert [reason.rule for reason in reasons[1:]] == ["floor.personal", "floor.personal"]


def test_an_impact_names_its_object_its_degree_and_why():
    reason = grade(Grounds((Impact(Object.INDIVIDUAL, Degree.SERIOUS, "泄露会造成财产损失"),)), ()).reasons[0]
    assert (reason.rule, reason.grade) == ("table.individual.serious", G3)
    assert (reason.object, reason.degree, reason.rationale) == ("individual", "serious", "泄露会造成财产损失")
    assert reason.text == "个人权益：严重危害，定为 G3 · serious harm to individual: G3"


@pytest.mark.parametrize("kind", sorted(PERSONAL))
def test_whatever_the_inspector_reports_counts_however_little_of_it(kind: Kind):
    once = a_field("备注", kind, hit=1, proven=None, named=False)
    assert grade(Grounds(), (once,)).grade is (G3 if kind in SENSITIVE else G2)


@given(grounds, fields, numbers, st.data())
def test_nothing_that_is_added_lowers_a_grade_or_takes_a_flag_away(
    grounds: Grounds, found: list[Field], rows: int, data: st.DataObject
):
    before = grade(grounds, found, rows)
    more_said = replace(
        grounds, added=grounds.added + tuple(data.draw(impacts)), flags=grounds.flags | data.draw(flags)
    )
    after = grade(more_said, [*found, *data.draw(fields)], rows + data.draw(numbers))
    assert after.grade >= before.grade and after.flags >= before.flags


@given(grounds, fields, numbers, st.data())
def test_a_higher_degree_never_lowers_a_grade(grounds: Grounds, found: list[Field], rows: int, data: st.DataObject):
    declared = tuple(replace(impact, degree=_worse(impact.degree, data)) for impact in grounds.declared)
    assert grade(replace(grounds, declared=declared), found, rows).grade >= grade(grounds, found, rows).grade


def _worse(degree: Degree, data: st.DataObject) -> Degree:
    return data.draw(st.sampled_from(list(Degree)[list(Degree).index(degree) :]))


@given(grounds, fields, numbers)
def test_the_present_rules_are_nowhere_laxer_than_the_first(grounds: Grounds, found: list[Field], rows: int):
    assert grade(grounds, found, rows).grade >= grade(grounds, found, rows, TABLES[FIRST]).grade


@given(grounds, fields, numbers, st.frozensets(findings))
def test_only_what_is_struck_lowers_a_grade(
    grounds: Grounds, found: list[Field], rows: int, struck: frozenset[Finding]
):
    left = [
        replace(each, detections=tuple(one for one in each.detections if Finding(each.name, one.kind) not in struck))
        for each in found
    ]
    after = replace(grounds, struck=grounds.struck | struck)
    assert grade(after, found, rows) == grade(grounds, left, rows)
    assert grade(after, found, rows).grade <= grade(grounds, found, rows).grade


@given(grounds, fields, numbers, st.randoms())
def test_the_order_of_what_is_said_and_found_changes_nothing(
    grounds: Grounds, found: list[Field], rows: int, chance: Random
):
    def mixed(things: tuple[Impact, ...]) -> tuple[Impact, ...]:
        return tuple(chance.sample(things, len(things)))

    other = replace(grounds, declared=mixed(grounds.added), added=mixed(grounds.declared))
    assert grade(other, found[::-1], rows) == grade(grounds, found, rows)


@given(grounds, fields, numbers)
def test_the_grade_is_the_highest_of_its_reasons_and_each_reason_holds_its_evidence(
    grounds: Grounds, found: list[Field], rows: int
):
    graded = grade(grounds, found, rows)
    assert graded.grade == max([G1, *(reason.grade for reason in graded.reasons)])
    assert [reason.grade for reason in graded.reasons] == sorted((r.grade for r in graded.reasons), reverse=True)
    for reason in graded.reasons:
        assert reason.rule and reason.text
        assert (reason.object and reason.degree and reason.rationale) or reason.flag
        assert reason.field is None or (reason.kind and reason.hit_basis_points is not None)


@given(grounds, fields, numbers)
def test_a_reason_goes_with_its_evidence_and_the_grade_with_its_only_reason(
    grounds: Grounds, found: list[Field], rows: int
):
    graded = grade(grounds, found, rows)
    for reason in graded.reasons:
        rows_left = rows if reason.rows is None else 0
        left = grade(_without(grounds, reason), [_stripped(field, reason) for field in found], rows_left)
        assert reason not in left.reasons
        if [other.grade for other in graded.reasons].count(graded.grade) == 1 and reason.grade is graded.grade > G1:
            assert left.grade < graded.grade


def _without(grounds: Grounds, reason: Reason) -> Grounds:
    """What was said, but for what an impact's or a declaration's reason rests on."""
    said = (reason.object, reason.degree, reason.rationale)
    declared, added = (
        tuple(impact for impact in impacts if (impact.object, impact.degree, impact.rationale) != said)
        for impacts in (grounds.declared, grounds.added)
    )
    by_flag_alone = reason.field is None and reason.rows is None
    flags = grounds.flags - {reason.flag} if by_flag_alone else grounds.flags
    return replace(grounds, declared=declared, added=added, flags=flags)


def _stripped(field: Field, reason: Reason) -> Field:
    """The field, but for the finding that a reason rests on."""
    kept = (found for found in field.detections if (field.name, found.kind) != (reason.field, reason.kind))
    return replace(field, detections=tuple(kept))


async def test_the_rules_that_a_grade_names_are_open_to_anyone(market: Market):
    provider = await market.provider()
    version_id = (await market.drafted(provider))["versions"][0]["id"]
    await market.inspected(version_id, a_told_field("姓名", "name"), a_told_field("身份证号", "resident_id"))
    grade = await market.graded(provider, version_id)
    rules = (await market.bench.get(None, "/catalog/v1/grading-rules")).json()
    named = next(each for each in rules if each["rule_version"] == grade["rule_version"])
    assert named["is_current"] and [each["is_current"] for each in rules].count(True) == 1
    told = {each["rule"]: each["grade"] for part in ("pairs", "scales", "precisions") for each in named[part]}
    assert told["floor.identity_with_contact"] == grade["grade"] == "G3"
    assert {"object": "economy", "degree": "ordinary", "grade": "G4"} in named["impacts"]
