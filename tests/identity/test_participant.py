"""What the rules of a participant promise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import participant as rules
from services.identity.rules.document import CHECK_LASTS, Kind, Proofs
from services.identity.rules.merchant import MerchantClass
from services.identity.rules.participant import (
    ADMITTED,
    APPLIED,
    AT_DEADLINE,
    EXITED,
    LASTS,
    PARTICIPANT,
    REFUSED,
    SUSPENDED,
    ApplicationLapsed,
    OnlyWhileAdmitted,
    OwnAffiliate,
    Participant,
    Proposal,
    SecondPersonRequired,
    Status,
)
from services.identity.rules.role import Role
from shared.errors import Failure
from shared.grades import C1, C2, C3, C4, C5, Clearance
from shared.ids import ParticipantId
from shared.lifecycle import IllegalMove

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
ANA, BEN, CHECKER = "user_ana", "user_ben", "user_checker"
A_PARTY = frozenset({MerchantClass.PARTY})
Act = Callable[[Participant, datetime], Participant]


def a_participant(status: Status = APPLIED, clearance: Clearance | None = None) -> Participant:
    applied = rules.apply(
        ParticipantId.new(), "数据公司", "91110000600037341L", frozenset({Role.BUYER}), None, A_PARTY, NOON
    )
    deadline = NOON + LASTS[status] if status in LASTS else None
    return replace(applied, status=status, deadline=deadline, clearance=clearance)


def proven(now: datetime, by: str = CHECKER) -> Proofs:
    """Everything, looked at just now."""
    return Proofs(dict.fromkeys(Kind, now + CHECK_LASTS), dict.fromkeys(Kind, by))


ACTS: dict[str, Act] = {
    "admit":     lambda participant, now: rules.admit(participant, C2, ANA, proven(now), now),
    "refuse":    lambda participant, now: rules.refuse(participant, "why", now),
    "suspend":   lambda participant, now: rules.suspend(participant, "why", now),
    "reinstate": lambda participant, now: rules.reinstate(participant, ANA, "why", proven(now), now),
    "leave":     lambda participant, now: rules.leave(participant, "why", now),
    "clearance": lambda participant, now: rules.change_clearance(participant, C2, ANA, proven(now), now),
    "deadline":  rules.pass_deadline,
}  # fmt: skip
LEADS_TO = {
    (APPLIED, "admit"): ADMITTED,       (APPLIED, "refuse"): REFUSED,     (APPLIED, "deadline"): REFUSED,
    (ADMITTED, "suspend"): SUSPENDED,   (ADMITTED, "leave"): EXITED,      (ADMITTED, "deadline"): SUSPENDED,
    (SUSPENDED, "reinstate"): ADMITTED, (SUSPENDED, "leave"): EXITED,     (SUSPENDED, "deadline"): EXITED,
    (ADMITTED, "clearance"): ADMITTED,
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", Status)
def test_every_act_leads_where_the_table_says_or_nowhere(status: Status, act: str):
    before = a_participant(status, None if status in {APPLIED, REFUSED} else C2)
    if act == "deadline" and status not in AT_DEADLINE:
        return
    to = LEADS_TO.get((status, act))
    if to is None:
        with pytest.raises((IllegalMove, OnlyWhileAdmitted)):
            ACTS[act](before, NOON)
    else:
        after = ACTS[act](before, NOON)
        assert (after.status, after.revision) == (to, before.revision + 1)


@pytest.mark.parametrize("status", Status)
def test_only_an_end_is_without_a_deadline_and_someone_to_act(status: Status):
    is_end = not PARTICIPANT.moves[status]
    assert (status not in LASTS, status not in AT_DEADLINE) == (is_end, is_end)
    assert (a_participant(status).next_actor is None) == is_end


@pytest.mark.parametrize("status", AT_DEADLINE)
def test_what_a_deadline_does_is_a_move_of_the_table_with_a_reason(status: Status):
    late = rules.pass_deadline(a_participant(status), NOON + LASTS[status])
    assert late.status in PARTICIPANT.moves[status]
    assert late.reason_code
    assert (late.deadline is None) == (not PARTICIPANT.moves[late.status])


@pytest.mark.parametrize("act", ["admit", "refuse"])
def test_an_application_lapses_after_thirty_days_to_the_microsecond(act: str):
    participant, end = a_participant(), NOON + timedelta(days=30)
    ACTS[act](participant, end - A_MOMENT)
    with pytest.raises(ApplicationLapsed):
        ACTS[act](participant, end)


@pytest.mark.parametrize("status, act, error", [
    (ADMITTED,  "clearance", OnlyWhileAdmitted),  # suspended by now: to be reinstated first
    (SUSPENDED, "reinstate", IllegalMove),        # let go by now: to apply again
])  # fmt: skip
def test_a_deadline_that_nobody_has_noticed_has_passed_all_the_same(status: Status, act: str, error: type[Failure]):
    participant, end = a_participant(status, C2), NOON + LASTS[status]
    ACTS[act](participant, end - A_MOMENT)
    with pytest.raises(error) as refused:
        ACTS[act](participant, end)
    assert AT_DEADLINE[status][0] in refused.value.facts.values()


@pytest.mark.parametrize("clearance, persons", [(C1, 1), (C2, 1), (C3, 1), (C4, 2), (C5, 2)])
def test_how_many_persons_an_admission_takes(clearance: Clearance, persons: int):
    first = rules.admit(a_participant(), clearance, ANA, proven(NOON), NOON)
    assert first.status is (ADMITTED if persons == 1 else APPLIED)
    if persons == 2:
        assert (first.clearance, first.proposal) == (None, Proposal(clearance, ANA))
        with pytest.raises(SecondPersonRequired):
            rules.admit(first, clearance, ANA, proven(NOON), NOON)
        second = rules.admit(first, clearance, BEN, proven(NOON), NOON)
        assert (second.status, second.clearance, second.proposal) == (ADMITTED, clearance, None)


def test_a_second_operator_with_another_clearance_proposes_anew():
    first = rules.admit(a_participant(), C4, ANA, proven(NOON), NOON)
    second = rules.admit(first, C5, BEN, proven(NOON), NOON)
    assert (second.status, second.proposal) == (APPLIED, Proposal(C5, BEN))
    assert rules.admit(second, C5, ANA, proven(NOON), NOON).clearance is C5


def test_a_lower_clearance_needs_no_second_person_and_ends_the_proposal():
    proposed = rules.admit(a_participant(), C5, ANA, proven(NOON), NOON)
    admitted = rules.admit(proposed, C3, ANA, proven(NOON), NOON)
    assert (admitted.status, admitted.clearance, admitted.proposal) == (ADMITTED, C3, None)


@pytest.mark.parametrize("before, to, persons, code", [
    (C1, C3, 1, "raised"),
    (C1, C4, 2, "raised"),
    (C4, C5, 2, "raised"),
    (C5, C4, 1, "lowered"),
    (C4, C1, 1, "lowered"),
    (C4, C4, 1, "verified_anew"),
])  # fmt: skip
def test_how_many_persons_a_change_takes(before: Clearance, to: Clearance, persons: int, code: str):
    participant = a_participant(ADMITTED, before)
    if persons == 2:
        participant = rules.change_clearance(participant, to, ANA, proven(NOON), NOON)
        assert participant.clearance is before
    changed = rules.change_clearance(participant, to, BEN, proven(NOON), NOON)
    assert (changed.clearance, changed.reason_code, changed.proposal) == (to, code, None)


def test_whoever_is_verified_anew_has_another_half_year():
    later = NOON + timedelta(days=100)
    assert (
        rules.change_clearance(a_participant(ADMITTED, C2), C2, ANA, proven(later), later).deadline
        == later + LASTS[ADMITTED]
    )


def test_a_proposal_does_not_outlive_a_suspension():
    proposed = rules.change_clearance(a_participant(ADMITTED, C2), C5, ANA, proven(NOON), NOON)
    back = rules.reinstate(rules.suspend(proposed, "why", NOON), ANA, "why", proven(NOON), NOON)
    assert rules.change_clearance(back, C5, BEN, proven(NOON), NOON).clearance is C2


operators = st.sampled_from([ANA, BEN, "user_cai"])
steps = st.one_of(
    st.tuples(st.just("name"), operators, st.sampled_from(Clearance)),
    st.tuples(st.sampled_from(["suspend", "reinstate"]), operators, st.just(C1)),
)


@given(st.lists(steps, max_size=30))
def test_no_clearance_of_c4_or_more_was_ever_given_by_one_person(walk: list[tuple[str, str, Clearance]]):
    participant, named = a_participant(), dict[Clearance, set[str]]()
    for act, operator, clearance in walk:
        before = participant.clearance
        try:
            if act != "name":
                participant = ACTS[act](participant, NOON)
            elif participant.status is APPLIED:
                named.setdefault(clearance, set()).add(operator)
                participant = rules.admit(participant, clearance, operator, proven(NOON), NOON)
            else:
                named.setdefault(clearance, set()).add(operator)
                participant = rules.change_clearance(participant, clearance, operator, proven(NOON), NOON)
        except Failure:
            continue
        if participant.clearance and participant.clearance >= C4 and (before is None or participant.clearance > before):
            assert len(named[participant.clearance]) >= 2


@given(st.uuids(), st.uuids())
def test_an_affiliation_has_no_direction(one: object, other: object):
    first, second = (ParticipantId(f"participant_{str(each).replace('-', '')}") for each in (one, other))
    if first == second:
        with pytest.raises(OwnAffiliate):
            rules.affiliation(first, second)
    else:
        assert rules.affiliation(first, second) == rules.affiliation(second, first)
