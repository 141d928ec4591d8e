"""What the rules of a participant promise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import participant as rules
from services.identity.rules.document import CHECK_LASTS, FILED, REJECTED, VERIFIED, Document, Kind, Proofs, State
from services.identity.rules.merchant import MerchantClass, ProofMissing, catalogue_at, required
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
    CheckedByYourself,
    NoLongerPresent,
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
from shared.ids import DocumentId, ParticipantId
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


def a_document(kind: Kind, state: State, deadline: datetime | None = None) -> Document:
    return Document(DocumentId.new(), ParticipantId.new(), kind, None, None, None, NOON, state, deadline)


LICENCE, CONSENT = Kind.BUSINESS_LICENCE, Kind.CONSENT_TO_AUDIT


@pytest.mark.parametrize("kind, before, after, status, clearance, outcome", [
    (LICENCE, VERIFIED, REJECTED, ADMITTED,  C2, SUSPENDED),
    (CONSENT, VERIFIED, REJECTED, ADMITTED,  C3, ADMITTED),   # C3 does not rest on it
    (CONSENT, VERIFIED, REJECTED, ADMITTED,  C4, SUSPENDED),
    (LICENCE, FILED,    REJECTED, ADMITTED,  C2, ADMITTED),   # another licence still stands
    (LICENCE, VERIFIED, REJECTED, SUSPENDED, C2, SUSPENDED),
    (LICENCE, VERIFIED, REJECTED, APPLIED,   None, APPLIED),
], ids=range(6))  # fmt: skip
def test_what_a_rejected_proof_does(
    kind: Kind, before: State, after: State, status: Status, clearance: Clearance | None, outcome: Status
):
    participant = a_participant(status, clearance)
    followed = rules.follow_check(participant, a_document(kind, before), a_document(kind, after), NOON)
    assert followed.status is outcome
    if outcome is status:
        assert followed == participant
    else:
        assert (followed.reason_code, followed.revision) == ("proof_rejected", 2)


@pytest.mark.parametrize("days, deadline_days", [(182, 182), (183, 183), (184, 183)])
def test_a_newer_proof_shortens_an_admission_and_never_lengthens_it(days: int, deadline_days: int):
    participant = a_participant(ADMITTED, C2)
    newer = a_document(LICENCE, VERIFIED, NOON + timedelta(days=days))
    followed = rules.follow_check(participant, a_document(LICENCE, FILED), newer, NOON)
    assert followed.deadline == NOON + timedelta(days=deadline_days)
    assert (followed == participant) == (days > 182)


def test_a_proposal_falls_with_the_proofs_that_it_was_made_on():
    proposed = rules.change_clearance(a_participant(ADMITTED, C2), C4, ANA, proven(NOON), NOON)
    looked = rules.follow_check(proposed, a_document(CONSENT, FILED), a_document(CONSENT, VERIFIED), NOON)
    assert (looked.proposal, looked.revision) == (None, proposed.revision + 1)


@pytest.mark.parametrize("clearance, refused", [(C3, False), (C4, True), (C5, True)])
def test_from_c4_on_whoever_checked_does_not_decide(clearance: Clearance, refused: bool):
    own = proven(NOON, by=ANA)
    acts: list[Callable[[], Participant]] = [
        lambda: rules.admit(replace(a_participant(), proposal=Proposal(clearance, BEN)), clearance, ANA, own, NOON),
        lambda: rules.reinstate(a_participant(SUSPENDED, clearance), ANA, "why", own, NOON),
        lambda: rules.change_clearance(a_participant(ADMITTED, clearance), clearance, ANA, own, NOON),
    ]
    for act in acts:
        if not refused:
            assert act().status is ADMITTED
            continue
        with pytest.raises(CheckedByYourself) as error:
            act()
        assert error.value.facts["checked"] == sorted(required(catalogue_at(NOON), A_PARTY, clearance))


def test_what_it_does_not_rest_on_may_have_been_checked_by_whoever_decides():
    proofs = Proofs(proven(NOON).until, dict(proven(NOON).checked_by) | {Kind.APPROVAL_BY_AUTHORITY: ANA})
    assert rules.reinstate(a_participant(SUSPENDED, C4), ANA, "why", proofs, NOON).status is ADMITTED


def test_less_trust_takes_no_proof_and_gives_no_more_time():
    nothing, later = Proofs({}, {}), NOON + timedelta(days=10)
    for status in (ADMITTED, SUSPENDED):
        before = a_participant(status, C3)
        lowered = rules.change_clearance(before, C2, ANA, nothing, later)
        assert (lowered.status, lowered.clearance, lowered.deadline) == (status, C2, before.deadline)
    for clearance in (C3, C4):
        with pytest.raises(ProofMissing):
            rules.change_clearance(a_participant(ADMITTED, C3), clearance, ANA, nothing, later)
        with pytest.raises(OnlyWhileAdmitted):
            rules.change_clearance(a_participant(SUSPENDED, C3), clearance, ANA, proven(later), later)


def test_a_warning_comes_thirty_days_before_the_end_to_the_microsecond_and_once_for_each_end():
    participant = a_participant(ADMITTED, C2)
    due = NOON + timedelta(days=153)
    assert not rules.is_due_soon(participant, due - A_MOMENT)
    assert rules.is_due_soon(participant, due)
    assert not rules.is_due_soon(a_participant(SUSPENDED, C2), due)
    warned = rules.warn(participant, due)
    assert (warned.warned_at, warned.revision) == (due, 2)
    assert rules.change_clearance(warned, C2, ANA, proven(due), due).warned_at is None
    assert rules.reinstate(rules.suspend(warned, "why", due), ANA, "why", proven(due), due).warned_at is None


@pytest.mark.parametrize("status", Status)
def test_whoever_has_left_shows_nothing_more(status: Status):
    participant = a_participant(status, C2)
    if PARTICIPANT.moves[status]:
        rules.require_present(participant)
    else:
        with pytest.raises(NoLongerPresent) as refused:
            rules.require_present(participant)
        assert refused.value.facts == {"status": status}
    assert (participant.verified_until is not None) == (status is ADMITTED)
