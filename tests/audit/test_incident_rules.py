"""How grave an incident is, within which time it is reported by whom, and how its clocks run."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import incident as rules
from services.audit.rules import incident_report
from services.audit.rules.incident import (
    DiscoveredInFuture,
    FinalReportMissing,
    Graded,
    GravityNotLowered,
    Incident,
    Kind,
    Report,
    ReportMissing,
    State,
    To,
    Told,
)
from services.audit.rules.severity import (
    GUIDE,
    OperatorType,
    Severity,
    Signs,
    must_be_reported,
    reported_within,
    severity_of,
)
from shared.ids import IncidentId
from shared.lifecycle import IllegalMove

NOON, HASH = datetime(2030, 6, 1, 12, tzinfo=UTC), "ab" * 32
HOUR, DAY, INSTANT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
ORDINARY, LARGER, MAJOR, EXTREME = Severity
INFRASTRUCTURE, STATE_ORGAN, OTHER = OperatorType


@pytest.mark.parametrize("sign, below, number, found", [
    ("outage_minutes",               29,             30,             LARGER),
    ("outage_minutes",               119,            120,            MAJOR),
    ("outage_minutes",               359,            360,            EXTREME),
    ("main_function_outage_minutes", 119,            120,            LARGER),
    ("main_function_outage_minutes", 359,            360,            MAJOR),
    ("main_function_outage_minutes", 1_439,          1_440,          EXTREME),
    ("affected",                     99_999,         100_000,        LARGER),
    ("affected",                     999_999,        1_000_000,      MAJOR),
    ("affected",                     9_999_999,      10_000_000,     EXTREME),
    ("persons",                      999_999,        1_000_000,      LARGER),
    ("persons",                      9_999_999,      10_000_000,     MAJOR),
    ("persons",                      99_999_999,     100_000_000,    EXTREME),
    ("loss_minor",                   499_999_999,    500_000_000,    LARGER),
    ("loss_minor",                   1_999_999_999,  2_000_000_000,  MAJOR),
    ("loss_minor",                   9_999_999_999,  10_000_000_000, EXTREME),
    ("province_share_percent",       49,             50,             EXTREME),
])  # fmt: skip
def test_a_sign_that_reaches_a_number_gives_its_grade_and_one_below_the_next(
    sign: str, below: int, number: int, found: Severity
):
    lower = ORDINARY if sign == "province_share_percent" else list(Severity)[found.rank - 1]
    assert severity_of(Signs(**{sign: number}), None) is found
    assert severity_of(Signs(**{sign: below}), None) is lower


def test_what_nobody_knows_is_not_graded_and_is_treated_as_grave():
    assert severity_of(Signs(), None) is None and must_be_reported(None)
    assert severity_of(Signs(persons=0), None) is ORDINARY
    assert [must_be_reported(each) for each in Severity] == [False, True, True, True]
    assert [reported_within(each) for each in (None, *OperatorType)] == [HOUR, HOUR, 2 * HOUR, 4 * HOUR]


@pytest.mark.parametrize("judged, measured, found", [
    (EXTREME, 1_000_000, EXTREME), (ORDINARY, 1_000_000, LARGER), (LARGER, None, LARGER), (MAJOR, 0, MAJOR),
])  # fmt: skip
def test_a_judgement_raises_and_never_lowers(judged: Severity, measured: int | None, found: Severity):
    assert severity_of(Signs(persons=measured), judged) is found


numbers = st.one_of(st.none(), st.integers(0, 2 * 10**10))


@given(st.builds(Signs, *[numbers] * len(fields(Signs))), st.sampled_from([None, *Severity]))
def test_the_gravest_sign_alone_decides(signs: Signs, judged: Severity | None):
    known = [field.name for field in fields(Signs) if getattr(signs, field.name) is not None]
    each = [severity_of(Signs(**{name: getattr(signs, name)}), judged) for name in known] or [judged]
    ranks = [one.rank for one in each if one]
    found = severity_of(signs, judged)
    assert (found.rank if found else None) == (max(ranks) if ranks else None)


def test_the_rows_of_the_guide_fall():
    assert [row.severity for row in GUIDE] == [EXTREME, MAJOR, LARGER]


def an_incident(
    severity: Severity | None = LARGER, operator_type: OperatorType | None = OTHER, *, ago: timedelta = timedelta(0),
    kind: Kind = Kind.DATA_LEAK,
) -> Incident:  # fmt: skip
    graded = Graded(Signs(), severity, operator_type)
    return rules.open_incident(IncidentId.new(), kind, "接口被滥用", "user_s", NOON - ago, graded, NOON)


def told(to: To = To.AUTHORITY, report: Report = Report.FIRST, at: datetime = NOON) -> Told:
    return Told(report, to, "省网信办", "电话", at, HASH, HASH, "user_s")


@pytest.mark.parametrize("operator_type, hours", [(INFRASTRUCTURE, 1), (STATE_ORGAN, 2), (OTHER, 4), (None, 1)])
@pytest.mark.parametrize("severity", [LARGER, MAJOR, EXTREME, None])
def test_the_first_report_is_due_by_whose_incident_it_is_and_counted_from_the_discovery(
    severity: Severity | None, operator_type: OperatorType | None, hours: int
):
    incident = an_incident(severity, operator_type, ago=timedelta(minutes=10))
    assert incident.deadline == NOON - timedelta(minutes=10) + hours * HOUR
    assert (incident.state, incident.next_actor) == (State.OPEN, "operator_security")


def test_an_ordinary_one_need_not_be_reported_and_is_looked_at_within_a_day():
    incident = an_incident(ORDINARY)
    assert incident.deadline == NOON + DAY and not incident.must_be_reported
    closed = rules.contain(incident, NOON)
    assert (closed.state, closed.deadline, closed.ended_at, closed.next_actor) == (State.CLOSED, None, NOON, None)


def test_a_grading_gives_no_more_time_than_counted_from_the_discovery():
    incident = an_incident(None, None)
    later = NOON + timedelta(minutes=50)
    graded = rules.grade(incident, Graded(Signs(persons=1_000_000), None, OTHER), later)
    assert graded.deadline == NOON + 4 * HOUR and graded.severity is LARGER
    assert rules.grade(incident, Graded(Signs(persons=1), None, OTHER), later).deadline == NOON + DAY
    assert rules.grade(graded, Graded(Signs(), EXTREME, INFRASTRUCTURE), later).deadline == NOON + HOUR


def test_what_must_be_reported_is_not_talked_down():
    incident = an_incident(MAJOR)
    with pytest.raises(GravityNotLowered) as refused:
        rules.grade(incident, Graded(Signs(persons=1), ORDINARY, OTHER), NOON)
    assert refused.value.facts == {"severity": "major"}
    assert rules.grade(incident, Graded(Signs(), LARGER, OTHER), NOON).severity is LARGER
    assert rules.grade(an_incident(ORDINARY), Graded(Signs(), MAJOR, OTHER), NOON).severity is MAJOR


def test_nothing_is_closed_before_it_was_reported():
    for severity in (LARGER, MAJOR, EXTREME, None):
        incident = an_incident(severity)
        with pytest.raises(ReportMissing) as refused:
            rules.contain(incident, NOON)
        assert refused.value.facts == {"deadline": incident.deadline}


def test_from_discovery_to_final_report():
    reported = rules.tell(an_incident(), told(), NOON + HOUR)
    assert (reported.state, reported.deadline) == (State.REPORTED, NOON + HOUR + 7 * DAY)
    progress = rules.tell(reported, told(report=Report.PROGRESS), NOON + 3 * DAY)
    assert (progress.state, progress.deadline) == (State.REPORTED, NOON + 10 * DAY)
    contained = rules.contain(progress, NOON + 4 * DAY)
    assert (contained.state, contained.deadline) == (State.CONTAINED, NOON + 34 * DAY)
    with pytest.raises(FinalReportMissing):
        rules.contain(contained, NOON + 5 * DAY)
    closed = rules.tell(contained, told(report=Report.FINAL), NOON + 30 * DAY)
    assert (closed.state, closed.deadline, closed.ended_at) == (State.CLOSED, None, NOON + 30 * DAY)
    assert [each.report for each in closed.told] == ["first", "progress", "final"] and closed.revision == 5


@pytest.mark.parametrize("to", [To.PERSONS, To.PARTICIPANTS, To.POLICE])
def test_only_the_authority_ends_the_clock(to: To):
    incident = an_incident()
    after = rules.tell(incident, told(to), NOON)
    assert (after.state, after.deadline, len(after.told)) == (State.OPEN, incident.deadline, 1)
    contained = rules.contain(rules.tell(incident, told(), NOON), NOON)
    assert rules.tell(contained, told(to, Report.FINAL), NOON).state is State.CONTAINED
    assert rules.tell(contained, told(report=Report.PROGRESS), NOON).state is State.CONTAINED


@pytest.mark.parametrize("sent, refused", [
    (-INSTANT, True), (timedelta(0), False), (HOUR, False), (HOUR + INSTANT, True),
])  # fmt: skip
def test_a_telling_was_sent_after_the_discovery_and_before_now(sent: timedelta, refused: bool):
    if refused:
        with pytest.raises(DiscoveredInFuture):
            rules.tell(an_incident(), told(at=NOON + sent), NOON + HOUR)
        return
    assert rules.tell(an_incident(), told(at=NOON + sent), NOON + HOUR).told


def test_nothing_is_discovered_in_the_future():
    assert an_incident(ago=timedelta(0)).discovered_at == NOON
    with pytest.raises(DiscoveredInFuture):
        an_incident(ago=-INSTANT)


def test_a_term_that_passed_is_said_again_and_the_clock_is_not_begun_anew_by_grading():
    late = rules.pass_deadline(an_incident(None, None), NOON + 2 * HOUR)
    assert (late.state, late.deadline, late.overdue) == (State.OPEN, NOON + 3 * HOUR, 1)
    again = rules.pass_deadline(late, NOON + 5 * HOUR)
    assert (again.deadline, again.overdue) == (NOON + 6 * HOUR, 2)
    assert rules.grade(again, Graded(Signs(), LARGER, OTHER), NOON + 5 * HOUR).deadline == NOON + 6 * HOUR


def test_a_false_alarm_is_dismissed_unless_the_authority_was_told():
    gone = rules.dismiss(an_incident(None), "false_alarm", NOON)
    assert (gone.state, gone.deadline, gone.reason_code, gone.ended_at) == (State.DISMISSED, None, "false_alarm", NOON)
    with pytest.raises(IllegalMove):
        rules.dismiss(rules.tell(an_incident(), told(), NOON), "false_alarm", NOON)
    for act in (lambda: rules.contain(gone, NOON), lambda: rules.grade(gone, Graded(), NOON)):
        with pytest.raises(IllegalMove):
            act()


CONTENTS = {  # 办法 art. 7 and 8, PIPL art. 57
    (Report.FIRST, To.AUTHORITY):
        "单位名称 时间、地点 类型、级别 影响和危害 措施及效果 发展趋势 原因 溯源 应对措施 现场保护 其他",
    (Report.FINAL, To.AUTHORITY): "原因 处置措施 危害 责任 整改 教训",
    (Report.FIRST, To.PERSONS): "信息种类、原因和可能造成的危害 补救措施 减轻危害 联系方式",
}  # fmt: skip


@pytest.mark.parametrize("report, to", CONTENTS)
def test_a_draft_has_every_part_that_the_law_lists_in_its_order(report: Report, to: To):
    draft = incident_report.draft(an_incident(), report, to)
    assert len(draft.parts) == len(CONTENTS[report, to].split())
    for part, word in zip(draft.parts, CONTENTS[report, to].split(), strict=True):
        assert word in part.title and "条" in part.article
    text = incident_report.text(draft)
    assert all(part.title in text and (part.text or "待补充") in text for part in draft.parts)


def test_a_draft_says_what_the_register_knows():
    graded = Graded(Signs(persons=1_200_000), None, INFRASTRUCTURE)
    incident = replace(an_incident(kind=Kind.RANSOMWARE), graded=graded, source="log_altered")
    draft = incident_report.draft(incident, Report.FIRST, To.AUTHORITY)
    text = incident_report.text(draft)
    assert draft.recipient == "保护工作部门、公安机关" and draft.due == incident.deadline
    for words in ("2030-06-01 20:00:00（北京时间）", "勒索软件攻击，较大", "泄露个人信息人数：1200000", "log_altered"):
        assert words in text
    assert "勒索金额、方式、日期" in [part.title for part in draft.parts]
    assert "影响人数：" not in text


@pytest.mark.parametrize("severity, words", [
    (None, "研判中"), (ORDINARY, "一般"), (LARGER, "较大"), (MAJOR, "重大"), (EXTREME, "特别重大"),
])  # fmt: skip
def test_a_draft_names_the_grade_as_the_guide_does(severity: Severity | None, words: str):
    assert f"数据泄露，{words}" in incident_report.text(
        incident_report.draft(an_incident(severity, None), Report.FIRST, To.POLICE)
    )


def test_every_kind_has_its_name_in_a_draft():
    for kind, to in product(Kind, To):
        assert incident_report.draft(an_incident(kind=kind), Report.FIRST, to).parts
    made: dict[str, Any] = {each: incident_report.KINDS[each] for each in Kind}
    assert len(set(made.values())) == len(Kind)
