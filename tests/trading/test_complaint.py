"""Complaints by the rules alone: who handles them, and that silence buries none."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.trading.rules import complaint as rules
from services.trading.rules.complaint import (
    ACCEPTED,
    CLOSED,
    COMPLAINT,
    INVESTIGATING,
    NOT_UPHELD,
    RECEIVED,
    REJECTED,
    UPHELD,
    Complaint,
    Count,
    Kind,
    NotIndependent,
    NotYoursToHandle,
    Rejection,
    State,
    TooManyComplaints,
)
from services.trading.rules.due_date import DueDate
from services.trading.rules.supervision import SUPERVISION, SupervisionRules
from shared.ids import ComplaintId, ListingId, ParticipantId
from shared.lifecycle import IllegalMove
from tests.trading.made import MICROSECOND, NOON

DAY = timedelta(days=1)
SOON, LATER = DueDate(NOON + 7 * DAY, provisional=False), DueDate(NOON + 60 * DAY, provisional=True)


def a_complaint(**changes: object) -> Complaint:
    about = ListingId.new()
    made = rules.receive(ComplaintId.new(), Kind.BLACK_MARKET, about, ("ab" * 32,), None, SOON, NOON)
    return replace(made, **changes)


def handled(complaint: Complaint, by_regulator: bool = False, upheld: bool = True) -> Complaint:
    taken = rules.accept(complaint, by_regulator=by_regulator, due=LATER)
    seen = rules.investigate(taken, by_regulator=by_regulator)
    return rules.decide(
        seen, by_regulator=by_regulator, upheld=upheld, reason="查实", respondent_id=ParticipantId.new(), due=SOON
    )  # fmt: skip


def test_each_step_has_its_term_and_whoever_acts_next():
    complaint = a_complaint()
    assert (complaint.state, complaint.deadline, complaint.provisional) == (RECEIVED, SOON.at, False)
    assert complaint.next_actor == "operator_business"
    taken = rules.accept(complaint, by_regulator=False, due=LATER)
    assert (taken.state, taken.deadline, taken.provisional) == (ACCEPTED, LATER.at, True)
    seen = rules.investigate(taken, by_regulator=False)
    assert (seen.state, seen.deadline, seen.provisional) == (INVESTIGATING, LATER.at, True)
    assert seen.revision == complaint.revision + 2


@pytest.mark.parametrize("upheld, state", [(True, UPHELD), (False, NOT_UPHELD)])
def test_a_decision_says_why_and_only_what_is_upheld_is_against_somebody(upheld: bool, state: State):
    decided = handled(a_complaint(), upheld=upheld)
    assert (decided.state, decided.reason_code, decided.reason) == (state, state, "查实")
    assert (decided.respondent_id is not None) == upheld and decided.next_actor == "nobody"
    closed = rules.pass_deadline(decided, LATER)
    assert (closed.state, closed.deadline, closed.next_actor, closed.provisional) == (CLOSED, None, None, False)
    assert closed.reason == "查实" and closed.escalations == 0


def test_what_is_not_taken_up_says_why():
    rejected = rules.reject(a_complaint(), by_regulator=False, ground=Rejection.IN_COURT, reason="法院已受理")
    told = (rejected.state, rejected.reason_code, rejected.reason, rejected.deadline)
    assert told == (REJECTED, Rejection.IN_COURT, "法院已受理", None)


@pytest.mark.parametrize("state", [state for state in State if state in COMPLAINT.open_states()])
def test_silence_buries_nothing(state: State):
    """Whatever is left alone is closed with its outcome, or somebody's to handle for ever."""
    complaint = a_complaint(state=state)
    for turn in range(1, 5):
        assert complaint.deadline and not rules.is_overdue(complaint, complaint.deadline - MICROSECOND)
        assert rules.is_overdue(complaint, complaint.deadline)
        complaint = rules.pass_deadline(complaint, DueDate(NOON + turn * 100 * DAY, provisional=True))
        if state in rules.DECIDED:
            assert complaint.state is CLOSED and not rules.is_overdue(complaint, NOON + 999 * DAY)
            return
        assert (complaint.state, complaint.escalations, complaint.next_actor) == (state, turn, "regulator")
        assert (complaint.deadline, complaint.provisional) == (NOON + turn * 100 * DAY, True)


def test_the_operator_handles_until_a_deadline_is_missed_and_the_regulator_after_it():
    fresh = a_complaint()
    late = rules.pass_deadline(fresh, LATER)
    for complaint, by_regulator in ((fresh, True), (late, False)):
        with pytest.raises(NotYoursToHandle) as refused:
            rules.accept(complaint, by_regulator=by_regulator, due=LATER)
        assert refused.value.facts == {"next_actor": complaint.next_actor}
        with pytest.raises(NotYoursToHandle):
            rules.reject(complaint, by_regulator=by_regulator, ground=Rejection.NOT_OURS, reason="")
        with pytest.raises(NotYoursToHandle):
            rules.investigate(replace(complaint, state=ACCEPTED), by_regulator=by_regulator)
        with pytest.raises(NotYoursToHandle):
            rules.decide(
                replace(complaint, state=INVESTIGATING), by_regulator=by_regulator, upheld=True, reason="",
                respondent_id=None, due=SOON,
            )  # fmt: skip
    assert handled(late, by_regulator=True).state is UPHELD
    assert handled(rules.pass_deadline(late, LATER), by_regulator=True).state is UPHELD


def test_no_step_is_left_out():
    with pytest.raises(IllegalMove):
        rules.investigate(a_complaint(), by_regulator=False)
    with pytest.raises(IllegalMove):
        rules.accept(handled(a_complaint()), by_regulator=False, due=SOON)


def test_whoever_belongs_to_a_participant_handles_none():
    rules.require_independent(None)
    with pytest.raises(NotIndependent):
        rules.require_independent(ParticipantId.new())


def test_the_code_is_one_of_a_hundred_and_twenty_bits_and_fits_its_own_complaint_alone():
    mine, other = bytes(32), bytes([1]) + bytes(31)
    assert rules.code_of(mine) == rules.code_of(mine) != rules.code_of(other)
    assert len(rules.code_of(mine)) == 24 and rules.code_of(mine).isalnum()
    assert rules.is_code(rules.code_of(mine), mine)
    for wrong in ("", rules.code_of(other), rules.code_of(mine).lower(), rules.code_of(mine)[:-1], "密码"):
        assert not rules.is_code(wrong, mine)


@pytest.mark.parametrize("state", State)
def test_what_is_personal_is_kept_as_long_as_the_facts_and_no_longer(state: State):
    ends = state in {CLOSED, REJECTED}
    until = NOON + timedelta(days=1_126) if ends else None
    assert rules.erased_from(a_complaint(state=state), SUPERVISION, NOON) == until


def test_the_terms_and_where_they_come_from():
    assert SUPERVISION == SupervisionRules(
        acceptance_days=7, decision_days=60, escalation_days=15, closing_days=5, complaints_by_member_max=20,
        complaints_anonymous_max=120, freeze_days_max=30, freeze_confirmation_hours=24, appeal_days=30,
        appeal_decision_days=7, hearing_days=5, proposal_days=10, sanction_days=180, threshold_points=100,
        particulars_days=3 * 365 + 1 + 30,
    )  # fmt: skip


@pytest.mark.parametrize("count, at, after", [
    (None,                                NOON,               Count(1, NOON + timedelta(hours=1))),
    (Count(2, NOON + MICROSECOND),        NOON,               Count(3, NOON + MICROSECOND)),
    (Count(3, NOON + MICROSECOND),        NOON,               1),
    (Count(3, NOON + timedelta(seconds=9)), NOON,             9),
    (Count(3, NOON),                      NOON,               Count(1, NOON + timedelta(hours=1))),
], ids=["first", "third", "fourth", "wait", "next hour"])  # fmt: skip
def test_so_many_complaints_an_hour(count: Count | None, at: datetime, after: Count | int):
    if isinstance(after, Count):
        assert rules.counted(count, 3, at) == after
        return
    with pytest.raises(TooManyComplaints) as refused:
        rules.counted(count, 3, at)
    assert refused.value.facts == {"retry_after_seconds": after}
