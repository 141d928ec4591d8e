"""What the rules of delegations promise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.identity.rules import delegation as rules
from services.identity.rules.delegation import (
    ANSWERED_WITHIN,
    DECLINED,
    DELEGATION,
    ENDED,
    IN_FORCE,
    LAPSED,
    PROPOSED,
    AgentNotAdmitted,
    AnswerTooLate,
    CeilingRequired,
    Mandate,
    NoSuchDelegation,
    OwnAgent,
    PeriodNotPossible,
    RoleOfActMissing,
    State,
)
from services.identity.rules.participant import ADMITTED, SUSPENDED, Participant, Status
from services.identity.rules.role import Role
from shared.delegation import Act, Limits
from shared.ids import DelegationId, ParticipantId
from shared.lifecycle import IllegalMove
from shared.money import Money

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT, A_YEAR = timedelta(microseconds=1), timedelta(days=366)
BIDS = Limits(frozenset({Act.PLACE_BIDS}), NOON, NOON + timedelta(days=30), amount_max=Money(1))


def admitted(*roles: Role, status: Status = ADMITTED) -> Participant:
    held = frozenset(roles or (Role.BUYER, Role.PROVIDER))
    deadline = NOON + timedelta(days=183)
    return Participant(ParticipantId.new(), "数据公司", "91110000600037341L", held, None, status, deadline)


PRINCIPAL, AGENT = admitted(), admitted()


def proposed(limits: Limits = BIDS, principal: Participant = PRINCIPAL, agent: Participant = AGENT) -> Mandate:
    return rules.propose(DelegationId.new(), principal, agent, limits, NOON)


ACTS: dict[str, tuple[Callable[[Mandate], Mandate], State]] = {
    "accept":  (lambda mandate: rules.accept(mandate, PRINCIPAL, AGENT, NOON), IN_FORCE),
    "decline": (lambda mandate: rules.decline(mandate, "busy"), DECLINED),
    "end":     (lambda mandate: rules.end(mandate, "revoked"), ENDED),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_on_a_delegation_leads_where_the_table_says_or_nowhere(state: State, act: str):
    do, to = ACTS[act]
    before = replace(proposed(), state=state)
    if to not in DELEGATION.moves[state]:
        with pytest.raises(IllegalMove):
            do(before)
        return
    after = do(before)
    assert (after.state, after.revision, after.terms) == (to, 2, before.terms)
    assert after.deadline == (BIDS.ends_at if to is IN_FORCE else None)
    assert (after.next_actor is None) == (not DELEGATION.moves[to])


def test_who_acts_next_and_why_it_ended():
    mandate = proposed()
    assert (mandate.next_actor, mandate.deadline) == ("agent", NOON + ANSWERED_WITHIN)
    in_force = rules.accept(mandate, PRINCIPAL, AGENT, NOON)
    assert (in_force.next_actor, in_force.reason_code) == ("principal", None)
    assert (rules.pass_deadline(mandate).state, rules.pass_deadline(mandate).reason_code) == (
        LAPSED, "not_answered_in_time",
    )  # fmt: skip
    assert (rules.pass_deadline(in_force).state, rules.pass_deadline(in_force).reason_code) == (ENDED, "period_over")
    assert rules.decline(mandate, "busy").reason_code == "busy"


def test_an_answer_is_given_in_time_and_before_the_end():
    end = NOON + ANSWERED_WITHIN
    assert rules.accept(proposed(), PRINCIPAL, AGENT, end - A_MOMENT).state is IN_FORCE
    with pytest.raises(AnswerTooLate) as refused:
        rules.accept(proposed(), PRINCIPAL, AGENT, end)
    assert refused.value.facts == {"deadline": end}
    brief = replace(BIDS, ends_at=NOON + timedelta(days=1))
    assert proposed(brief).deadline == brief.ends_at


@pytest.mark.parametrize("begins_at, ends_at, possible", [
    (NOON,                       NOON + A_MOMENT,                     True),
    (NOON,                       NOON,                                False),
    (NOON - timedelta(days=1),   NOON,                                False),
    (NOON - timedelta(days=1),   NOON + A_MOMENT,                     True),
    (NOON + timedelta(days=1),   NOON + timedelta(days=1),            False),
    (NOON,                       NOON + A_YEAR,                       True),
    (NOON,                       NOON + A_YEAR + A_MOMENT,            False),
])  # fmt: skip
def test_a_delegation_has_an_end_within_a_year(begins_at: datetime, ends_at: datetime, possible: bool):
    limits = replace(BIDS, begins_at=begins_at, ends_at=ends_at)
    if possible:
        assert proposed(limits).state is PROPOSED
    else:
        with pytest.raises(PeriodNotPossible) as refused:
            proposed(limits)
        assert refused.value.facts == {"days_max": 366}


@pytest.mark.parametrize("ceiling", [None, Money(0)], ids=["none", "nothing"])
def test_whoever_may_bid_has_a_ceiling(ceiling: Money | None):
    with pytest.raises(CeilingRequired):
        proposed(replace(BIDS, amount_max=ceiling))
    assert proposed(replace(BIDS, acts=frozenset({Act.LIST}), amount_max=ceiling)).state is PROPOSED


def test_nobody_is_their_own_agent():
    with pytest.raises(OwnAgent):
        proposed(agent=PRINCIPAL)


@pytest.mark.parametrize("act, role, other", [
    (Act.PLACE_BIDS, Role.BUYER, Role.PROVIDER), (Act.LIST, Role.PROVIDER, Role.BUYER),
])  # fmt: skip
def test_both_sides_have_the_role_of_the_act_themselves(act: Act, role: Role, other: Role):
    limits = replace(BIDS, acts=frozenset({act}))
    able, unable = admitted(role), admitted(other)
    assert proposed(limits, able, admitted(role)).state is PROPOSED
    for principal, agent in ((able, unable), (unable, able)):
        with pytest.raises(RoleOfActMissing) as refused:
            proposed(limits, principal, agent)
        assert refused.value.facts == {"participant_id": unable.id, "roles": [role]}


def test_only_whoever_is_admitted_by_the_clock_acts_for_anyone_at_the_beginning_and_at_the_answer():
    suspended = admitted(status=SUSPENDED)
    expired = replace(admitted(), deadline=NOON)
    for unable in (suspended, expired):
        for principal, agent in ((PRINCIPAL, unable), (unable, AGENT)):
            with pytest.raises(AgentNotAdmitted) as refused:
                proposed(principal=principal, agent=agent)
            assert refused.value.facts == {"participant_id": unable.id}
            with pytest.raises(AgentNotAdmitted):
                rules.accept(proposed(), principal, agent, NOON)
    assert proposed(agent=replace(expired, deadline=NOON + A_MOMENT)).state is PROPOSED


def test_whoever_is_on_neither_side_sees_nothing():
    mandate = proposed()
    for side in (PRINCIPAL.id, AGENT.id):
        rules.require_side(mandate, side)
    rules.require_side(mandate, AGENT.id, AGENT.id)
    for stranger, sides in ((None, ()), (ParticipantId.new(), ()), (PRINCIPAL.id, (AGENT.id,))):
        with pytest.raises(NoSuchDelegation):
            rules.require_side(mandate, stranger, *sides)
