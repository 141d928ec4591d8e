"""How much one person pays out in a day, and what becomes of a payout that two decide on, by the rules alone."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import payout as rules
from services.trading.rules.market_rules import DEMO, RULES, STANDARD
from services.trading.rules.payout import (
    ALWAYS,
    APPROVED,
    LAPSED,
    PROPOSED,
    REFUSED,
    Limit,
    NoSecondPerson,
    OwnProposal,
    PayoutNeedsSecond,
    PayoutRules,
    PersonsOnly,
    Proposal,
    ProposalTooLate,
    day_of,
)
from shared.errors import Failure
from shared.ids import InstructionId, ParticipantId, PayoutProposalId, TransferId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import NOON

SECOND = timedelta(microseconds=1)
LI, WANG = "user_li", "user_wang"
THE_RULES = PayoutRules((Limit(ALWAYS, 1_000),), approval_seconds=60)
TOLD = InstructionId.new()


def a_proposal(**changes: Any) -> Proposal:
    made = (PayoutProposalId.new(), ParticipantId.new(), Money(5_000), TransferId.new())
    return replace(rules.propose(*made, LI, THE_RULES, NOON), **changes)


def outcome(act: Any, *told: Any) -> dict[str, Any] | str:
    try:
        act(*told)
    except Failure as failure:
        return {failure.code(): failure.facts}
    return "done"


# --- the limit of a day


def test_one_person_pays_out_fifty_thousand_yuan_a_day():
    assert {name: each.payout.alone_minor_at(NOON) for name, each in RULES.items()} == dict.fromkeys(RULES, 5_000_000)
    assert (STANDARD.payout.approval_seconds, DEMO.payout.approval_seconds) == (3 * 86_400, 120)


@pytest.mark.parametrize("amount, paid_out, persons, left", [
    (1_000, 0,     2,    "done"),
    (1_001, 0,     2,    {"payout_needs_second": {"limit_minor": 1_000, "left_minor": 1_000}}),
    (1,     999,   2,    "done"),
    (1,     1_000, 2,    {"payout_needs_second": {"limit_minor": 1_000, "left_minor": 0}}),
    (2,     999,   None, {"payout_needs_second": {"limit_minor": 1_000, "left_minor": 1}}),
    (1,     1_500, 2,    {"payout_needs_second": {"limit_minor": 1_000, "left_minor": 0}}),  # it was lowered meanwhile
    (1,     999,   1,    "done"),
    (2,     999,   1,    {"no_second_person": {"limit_minor": 1_000, "left_minor": 1}}),
    (2,     999,   0,    {"payout_needs_second": {"limit_minor": 1_000, "left_minor": 1}}),
])  # fmt: skip
def test_what_one_person_may_pay_out_of_what_is_left_of_the_day(amount: int, paid_out: int, persons: Any, left: Any):
    assert outcome(rules.require_alone, Money(amount), Money(paid_out), persons, THE_RULES, NOON) == left


@pytest.mark.parametrize("persons, told", [
    (1, {"no_second_person": {"limit_minor": 1_000, "left_minor": 400}}), (2, "done"), (0, "done"), (None, "done"),
])  # fmt: skip
def test_nobody_proposes_what_nobody_else_could_approve(persons: int | None, told: Any):
    assert outcome(rules.require_second, Money(600), persons, THE_RULES, NOON) == told


@given(st.lists(st.integers(1, 600), max_size=12))
def test_small_payouts_of_a_day_come_to_no_more_than_a_large_one(amounts: list[int]):
    """Against the plainest account of it: add up, and stop at the limit."""
    paid_out, by_hand = 0, 0
    for amount in amounts:
        if outcome(rules.require_alone, Money(amount), Money(paid_out), 2, THE_RULES, NOON) == "done":
            paid_out += amount
        if by_hand + amount <= 1_000:
            by_hand += amount
    assert paid_out == by_hand <= 1_000


@pytest.mark.parametrize("moment, alone_minor", [
    ("2030-01-31T15:59:59.999999Z", 1_000),
    ("2030-01-31T16:00:00Z",        7_000),  # midnight in Beijing
    ("2030-02-28T15:59:59.999999Z", 7_000),
    ("2030-02-28T16:00:00Z",        0),
    ("2000-01-01T00:00:00Z",        1_000),
])  # fmt: skip
def test_a_limit_holds_from_its_day_on_and_what_an_operator_set_goes_before_what_is_usual(
    moment: str, alone_minor: int
):
    dated = THE_RULES.with_limits({date(2030, 3, 1): 0, date(2030, 2, 1): 7_000})
    assert dated.alone_minor_at(datetime.fromisoformat(moment)) == alone_minor
    assert dated.approval_seconds == 60 and THE_RULES.with_limits({}) == THE_RULES


def test_of_two_limits_from_one_day_on_the_later_named_counts():
    assert THE_RULES.with_limits({ALWAYS: 3}).alone_minor_at(NOON) == 3


@pytest.mark.parametrize("moment, begins", [
    ("2030-01-01T15:59:59.999999Z", "2029-12-31T16:00:00Z"),
    ("2030-01-01T16:00:00Z",        "2030-01-01T16:00:00Z"),
    ("2030-01-01T17:00:00Z",        "2030-01-01T16:00:00Z"),
])  # fmt: skip
def test_a_day_begins_at_midnight_in_beijing(moment: str, begins: str):
    start = datetime.fromisoformat(begins)
    assert day_of(datetime.fromisoformat(moment)) == (start, start + timedelta(days=1))


# --- two persons


def test_a_proposal_waits_for_a_second_person_until_its_deadline():
    proposed = a_proposal()
    assert (proposed.state, proposed.next_actor, proposed.deadline) == (
        PROPOSED,
        "second_person",
        NOON + 60 * 10**6 * SECOND,
    )
    assert (proposed.proposed_by, proposed.proposed_at, proposed.revision) == (LI, NOON, 1)
    assert (proposed.decided_by, proposed.decided_at, proposed.reason_code, proposed.instruction_id) == (None,) * 4


def test_another_person_approves():
    before = a_proposal()
    after = rules.approve(before, WANG, TOLD, NOON + SECOND)
    assert after == replace(
        before, state=APPROVED, deadline=None, decided_by=WANG, decided_at=NOON + SECOND, instruction_id=TOLD,
        reason_code="approved_by_second", revision=2,
    )  # fmt: skip
    assert after.next_actor is None


@pytest.mark.parametrize("subject", [LI, WANG])
def test_whoever_belongs_to_the_organisation_refuses_the_proposer_too(subject: str):
    before = a_proposal()
    assert rules.refuse(before, subject, NOON) == replace(
        before, state=REFUSED, deadline=None, decided_by=subject, decided_at=NOON, reason_code="refused", revision=2
    )


def test_what_nobody_approves_lapses_at_its_deadline_whenever_that_is_noticed():
    before = a_proposal()
    assert (
        before.deadline and not rules.is_due(before, before.deadline - SECOND) and rules.is_due(before, before.deadline)
    )
    assert rules.pass_deadline(before) == replace(
        before, state=LAPSED, deadline=None, decided_at=before.deadline, reason_code="not_approved", revision=2
    )
    assert not rules.is_due(rules.pass_deadline(before), before.deadline)


def test_nobody_is_both_persons():
    with pytest.raises(OwnProposal):
        rules.approve(a_proposal(), LI, TOLD, NOON)


def approved(proposal: Proposal, now: datetime) -> Proposal:
    return rules.approve(proposal, WANG, TOLD, now)


def refused(proposal: Proposal, now: datetime) -> Proposal:
    return rules.refuse(proposal, WANG, now)


@pytest.mark.parametrize("act", [approved, refused])
def test_the_deadline_is_the_first_moment_that_is_too_late(act: Any):
    proposal = a_proposal()
    assert proposal.deadline and act(proposal, proposal.deadline - SECOND).state in {APPROVED, REFUSED}
    with pytest.raises(ProposalTooLate) as late:
        act(proposal, proposal.deadline)
    assert late.value.facts == {"deadline": proposal.deadline}


@pytest.mark.parametrize("state", [APPROVED, REFUSED, LAPSED])
def test_what_is_decided_stays_decided(state: rules.State):
    decided = a_proposal(state=state, deadline=None)
    for act in (lambda: rules.approve(decided, WANG, TOLD, NOON), lambda: rules.refuse(decided, WANG, NOON)):
        with pytest.raises(IllegalMove):
            act()
    assert not rules.is_due(decided, NOON + timedelta(days=9))


def test_a_program_is_neither_of_the_two():
    rules.require_person("user")
    for kind in ("client", "service"):
        with pytest.raises(PersonsOnly):
            rules.require_person(kind)


def test_refusals_say_what_can_be_done():
    assert "propose it" in (PayoutNeedsSecond.__doc__ or "") and "invite" in (NoSecondPerson.__doc__ or "")
