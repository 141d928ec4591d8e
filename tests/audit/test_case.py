"""The rules of a regulator's case: when it is needed, what it reaches, who acts on it, and that it ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.events.log import CaseOpened
from services.audit.rules import case as rules
from services.audit.rules.case import (
    Case,
    CaseDeadlinePassed,
    CaseEndsTooEarly,
    CaseEndsTooLate,
    CaseNotOpen,
    ExtendedTooOften,
    Form,
    Need,
    NextActor,
    NoSuchCase,
    NotYourCase,
    Outcome,
    SamePerson,
    Scope,
    ScopeEmpty,
    State,
    TimesReversed,
)
from shared.errors import Failure
from shared.grades import Grade
from shared.ids import AssetId, CaseId, ContractId, ParticipantId, UserId
from shared.lifecycle import IllegalMove
from tests.audit.cases import line_of

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
WHO = ParticipantId(f"participant_{1:032x}")
ASSET, CONTRACT = AssetId(f"asset_{1:032x}"), ContractId(f"contract_{1:032x}")
OPENER, SECOND, THIRD, OFFICER = "user_opener", "user_second", "user_third", "user_officer"


def a_scope(highest: str = "G4", **changes: Any) -> Scope:
    plain = Scope(frozenset({WHO}), frozenset(), frozenset(), NOON - DAY, NOON, Grade(highest))
    return replace(plain, **changes)


def a_form(highest: str = "G4", days: int = 30, **scope: Any) -> Form:
    return Form("核查", "数据安全法", a_scope(highest, **scope), NOON + days * DAY, frozenset({OFFICER}))


def a_case(highest: str = "G4", days: int = 30) -> Case:
    return rules.open_case(CaseId.new(), OPENER, a_form(highest, days), NOON)


def an_approved_case(days: int = 30) -> Case:
    return rules.approve(a_case("G5", days), SECOND, "同意", NOON)


# The row "regulator: metadata, contracts, log" of reliability 5.2, and row 41 of 5.1, once more and by hand.
BY_HAND = """
                 G1       G2       G3       G4       G5           G6
regulator        nothing  nothing  nothing  case     case_of_two  case_of_two
operator_audit   nothing  nothing  nothing  nothing  nothing      nothing
"""


def test_what_reading_takes_is_what_the_matrix_says():
    header, *rows = [line.split() for line in BY_HAND.strip().splitlines()]
    for role, *needs in rows:
        found = [rules.need({role}, Grade(grade)).name.lower() for grade in header]
        assert found == needs, role


@pytest.mark.parametrize("role", rules.NEEDS)
def test_what_is_about_no_graded_data_is_read_without_a_case(role: str):
    assert rules.need({role}, None) is Need.NOTHING


@pytest.mark.parametrize("role", rules.NEEDS)
def test_a_higher_grade_never_takes_less(role: str):
    needs = [rules.need({role}, grade) for grade in Grade]
    assert needs == sorted(needs)


def test_of_two_offices_the_wider_sight_counts():
    assert rules.need({"regulator", "operator_audit"}, Grade.G5) is Need.NOTHING


@pytest.mark.parametrize("highest, state, actor, deadline", [
    ("G4", State.OPEN, NextActor.REGULATOR, 30), ("G5", State.AWAITING_SECOND, NextActor.SECOND_REGULATOR, 7),
    ("G6", State.AWAITING_SECOND, NextActor.SECOND_REGULATOR, 7),
])  # fmt: skip
def test_from_g5_a_case_waits_for_a_second_regulator(highest: str, state: State, actor: NextActor, deadline: int):
    case = a_case(highest)
    assert (case.state, case.next_actor, case.deadline) == (state, actor, NOON + deadline * DAY)
    assert case.expires_at == NOON + 30 * DAY


def test_a_case_that_waits_does_not_wait_beyond_its_own_end():
    assert a_case("G5", days=3).deadline == NOON + 3 * DAY


@pytest.mark.parametrize("form, error", [
    (a_form(participants=frozenset()), ScopeEmpty),
    (a_form(until=NOON - DAY), TimesReversed),
    (a_form(days=0), CaseEndsTooEarly),
    (replace(a_form(), expires_at=NOON + 90 * DAY + TICK), CaseEndsTooLate),
])  # fmt: skip
def test_a_case_without_bounds_is_not_opened(form: Form, error: type[Failure]):
    with pytest.raises(error):
        rules.open_case(CaseId.new(), OPENER, form, NOON)


@pytest.mark.parametrize("form", [
    a_form(participants=frozenset(), is_whole_log=True), a_form(participants=frozenset(), assets=frozenset({ASSET})),
    a_form(participants=frozenset(), contracts=frozenset({CONTRACT})), a_form(until=NOON - DAY + TICK),
    a_form(days=90), replace(a_form(), expires_at=NOON + TICK),
])  # fmt: skip
def test_a_case_within_bounds_is_opened(form: Form):
    assert rules.open_case(CaseId.new(), OPENER, form, NOON).state is State.OPEN


def test_the_errors_say_which_end_was_possible():
    with pytest.raises(CaseEndsTooLate) as late:
        rules.open_case(CaseId.new(), OPENER, replace(a_form(), expires_at=NOON + 91 * DAY), NOON)
    assert late.value.facts == {"until": NOON + 90 * DAY}
    with pytest.raises(CaseEndsTooEarly) as early:
        rules.open_case(CaseId.new(), OPENER, replace(a_form(), expires_at=NOON), NOON)
    assert early.value.facts == {"after": NOON}


def test_a_second_regulator_opens_it_and_reads_too():
    case = rules.approve(a_case("G5"), SECOND, "同意", NOON)
    assert (case.state, case.deadline, case.approved_by) == (State.OPEN, case.expires_at, SECOND)
    assert case.next_actor is NextActor.REGULATOR
    assert rules.officers(case) == {OPENER, SECOND, OFFICER}


def test_nobody_agrees_to_their_own_case():
    with pytest.raises(SamePerson):
        rules.approve(a_case("G5"), OPENER, "同意", NOON)


def approved(case: Case, at: datetime) -> Case:
    return rules.approve(case, SECOND, "同意", at)


def refused(case: Case, at: datetime) -> Case:
    return rules.refuse(case, SECOND, "too_wide", "过宽", at)


@pytest.mark.parametrize("act", [approved, refused])
def test_what_waits_is_decided_before_its_deadline_and_once(act: Any):
    waiting = a_case("G5")
    assert act(waiting, NOON + 7 * DAY - TICK).revision == 2
    with pytest.raises(CaseDeadlinePassed):
        act(waiting, NOON + 7 * DAY)
    for over in (a_case("G4"), rules.refuse(waiting, SECOND, "too_wide", "过宽", NOON)):
        with pytest.raises(IllegalMove):
            act(over, NOON)


def test_a_refused_case_says_why_and_waits_for_nobody():
    case = rules.refuse(a_case("G5"), SECOND, "too_wide", "过宽", NOON)
    assert (case.state, case.reason_code, case.next_actor, case.deadline) == (State.REFUSED, "too_wide", None, None)


def test_a_case_is_extended_from_its_end_and_at_most_three_times():
    case = a_case(days=10)
    for number in (1, 2, 3):
        case = rules.extend(case, OPENER, NOON + (10 + 90 * number) * DAY, "未完", case.expires_at - TICK)
        assert (case.expires_at, case.deadline, case.extensions) == (case.deadline, case.expires_at, number)
    with pytest.raises(ExtendedTooOften):
        rules.extend(case, OPENER, case.expires_at + DAY, "未完", case.expires_at - TICK)


@pytest.mark.parametrize("days, error", [(30, CaseEndsTooEarly), (121, CaseEndsTooLate)])
def test_an_extension_has_bounds_too(days: int, error: type[Failure]):
    with pytest.raises(error):
        rules.extend(a_case(), OPENER, NOON + days * DAY, "未完", NOON)


@pytest.mark.parametrize("case, by, error", [
    (a_case(), OFFICER, NotYourCase), (a_case(), THIRD, NoSuchCase), (an_approved_case(), OPENER, SamePerson),
])  # fmt: skip
def test_an_extension_is_the_openers_and_from_g5_another_officers(case: Case, by: str, error: type[Failure]):
    with pytest.raises(error):
        rules.extend(case, by, NOON + 40 * DAY, "未完", NOON)
    assert rules.extend(an_approved_case(), SECOND, NOON + 40 * DAY, "未完", NOON).extensions == 1


def test_only_who_opened_a_case_closes_it_with_what_was_found():
    with pytest.raises(NotYourCase):
        rules.close(a_case(), OFFICER, Outcome.VIOLATION, "属实", NOON)
    with pytest.raises(NoSuchCase):
        rules.close(a_case(), THIRD, Outcome.VIOLATION, "属实", NOON)
    case = rules.close(a_case(), OPENER, Outcome.VIOLATION, "属实", NOON)
    assert (case.state, case.outcome, case.reason_code) == (State.CLOSED, Outcome.VIOLATION, "violation")
    assert case.steps[-1].reason == "属实"
    with pytest.raises(IllegalMove):
        rules.close(case, OPENER, Outcome.VIOLATION, "属实", NOON)


def test_a_case_ends_by_itself_open_or_waiting():
    expired, lapsed = rules.pass_deadline(a_case(), "audit", NOON), rules.pass_deadline(a_case("G5"), "audit", NOON)
    assert (expired.state, expired.reason_code) == (State.EXPIRED, "expired")
    assert (lapsed.state, lapsed.reason_code) == (State.LAPSED, "not_approved_in_time")
    assert expired.deadline is None and expired.next_actor is None


@pytest.mark.parametrize("who", [OPENER, SECOND, OFFICER])
def test_officers_read_until_the_case_ends(who: str):
    case = an_approved_case()
    rules.require_reading(case, who, NOON + 30 * DAY - TICK)
    with pytest.raises(CaseNotOpen):
        rules.require_reading(case, who, NOON + 30 * DAY)


def test_nobody_else_reads_nor_anyone_before_it_is_agreed_to():
    with pytest.raises(NoSuchCase):
        rules.require_reading(a_case(), THIRD, NOON)
    with pytest.raises(CaseNotOpen):
        rules.require_reading(a_case("G5"), OPENER, NOON)


def test_a_case_shows_to_its_officers_and_while_it_waits_to_every_regulator():
    assert [rules.shows_to(a_case(), who) for who in (OPENER, OFFICER, THIRD)] == [True, True, False]
    assert rules.shows_to(a_case("G5"), THIRD)


REACHED: list[tuple[dict[str, Any], set[str], datetime, str | None, bool]] = [
    ({}, {WHO}, NOON - DAY, "G4", True),
    ({}, {WHO}, NOON - TICK, None, True),
    ({}, {WHO}, NOON, "G4", False),
    ({}, {WHO}, NOON - DAY - TICK, "G4", False),
    ({}, {WHO}, NOON - DAY, "G5", False),
    ({"highest": Grade.G5}, {WHO}, NOON - DAY, "G5", True),
    ({}, {ASSET}, NOON - DAY, "G4", False),
    ({"assets": frozenset({ASSET})}, {ASSET}, NOON - DAY, "G4", True),
    ({"contracts": frozenset({CONTRACT})}, {CONTRACT, "x"}, NOON - DAY, "G4", True),
    ({"is_whole_log": True}, set(), NOON - DAY, "G4", True),
    ({"is_whole_log": True}, set(), NOON - DAY, "G6", False),
]


@pytest.mark.parametrize("scope, names, at, grade, reached", REACHED, ids=range(len(REACHED)))
def test_worked_scopes(scope: dict[str, Any], names: set[str], at: datetime, grade: str | None, reached: bool):
    assert rules.reaches(a_scope(**scope), names, at, Grade(grade) if grade else None) is reached


@given(grade=st.sampled_from(list(Grade)), highest=st.sampled_from(list(Grade)))
def test_a_higher_grade_is_never_reached_by_more_scopes(grade: Grade, highest: Grade):
    scope = a_scope(highest, is_whole_log=True)
    reached = [rules.reaches(scope, set(), NOON - DAY, each) for each in Grade]
    assert reached == sorted(reached, reverse=True) and reached.count(True) == list(Grade).index(highest) + 1


def test_the_largest_case_fits_into_a_fact():
    many = frozenset(ParticipantId.new() for _ in range(50))
    scope = a_scope(
        participants=many, assets=frozenset(AssetId.new() for _ in range(50)),
        contracts=frozenset(ContractId.new() for _ in range(50)),
    )  # fmt: skip
    officers = frozenset(str(UserId.new()) for _ in range(20))
    form = Form("𠮷" * 500, "𠮷" * 200, scope, NOON + DAY, officers)
    case = rules.open_case(CaseId.new(), OPENER, form, NOON)
    assert len(line_of(CaseOpened.of(case), NOON)) < 16 * 1024
