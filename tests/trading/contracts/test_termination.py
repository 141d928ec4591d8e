"""Ending a contract by agreement: the rules."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.trading.rules import order as order_rules
from services.trading.rules import termination as rules
from services.trading.rules.contract import ACTIVE, Contract, ContractNotActive, Side, draft
from services.trading.rules.contract import State as ContractState
from services.trading.rules.order import DeadlinePassed, Order
from services.trading.rules.termination import (
    AGREED,
    CONTESTED,
    LAPSED,
    PROPOSED,
    TERMINATION,
    Ground,
    NotYoursToAnswer,
    Objection,
    State,
    Termination,
    TerminationAnswered,
)
from shared.ids import TerminationId
from tests.trading.contracts.generated import known_deal
from tests.trading.made import MICROSECOND, NOON, an_order

DEADLINE = NOON + timedelta(days=5)
OrderState = order_rules.State


def in_force() -> Contract:
    return replace(draft(*known_deal()), state=ACTIVE)


def proposed(side: Side = "buyer") -> Termination:
    return rules.propose(TerminationId.new(), in_force(), side, Ground.BREACH, "多次超期", NOON)


def an_order_in(state: OrderState, *, from_auction: bool = False) -> Order:
    return replace(an_order(from_auction=from_auction), state=state, deadline=DEADLINE)


@pytest.mark.parametrize("side, other", [("buyer", "provider"), ("provider", "buyer")])
def test_the_other_side_is_asked_and_answers(side: Side, other: Side):
    asked = proposed(side)
    assert (asked.state, asked.next_actor, asked.deadline) == (PROPOSED, other, DEADLINE)
    agreed = rules.agree(asked, other, Ground.NO_LONGER_NEEDED, "同意", DEADLINE - MICROSECOND)
    assert (agreed.state, agreed.reason_code, agreed.answer) == (AGREED, "no_longer_needed", "同意")
    assert (agreed.ground, agreed.reason) == ("breach", "多次超期"), "both reasons stay"
    contested = rules.contest(asked, other, Objection.GROUND_DENIED, "并无此事", NOON)
    assert (contested.state, contested.reason_code, contested.answer) == (CONTESTED, "ground_denied", "并无此事")
    for answered in (agreed, contested):
        assert (answered.next_actor, answered.deadline, answered.revision) == (None, None, 2)
    assert (agreed.answered_at, contested.answered_at) == (DEADLINE - MICROSECOND, NOON)


def test_nobody_answers_themselves():
    for act in (
        lambda: rules.agree(proposed(), "buyer", Ground.BREACH, "是", NOON),
        lambda: rules.contest(proposed(), "buyer", Objection.STILL_NEEDED, "否", NOON),
    ):
        with pytest.raises(NotYoursToAnswer) as refused:
            act()
        assert refused.value.facts == {"next_actor": "provider"}


def test_no_answer_is_a_no():
    asked = proposed()
    assert not rules.deadline_has_passed(asked, DEADLINE - MICROSECOND)
    assert rules.deadline_has_passed(asked, DEADLINE)
    with pytest.raises(TerminationAnswered) as late:
        rules.agree(asked, "provider", Ground.BREACH, "是", DEADLINE)
    assert late.value.facts == {"state": PROPOSED, "reason_code": None, "deadline": DEADLINE}
    lapsed = rules.pass_deadline(asked)
    assert (lapsed.state, lapsed.reason_code, lapsed.answer, lapsed.next_actor) == (LAPSED, "not_answered", None, None)
    assert not rules.deadline_has_passed(lapsed, DEADLINE)


@pytest.mark.parametrize("state", [state for state in State if not TERMINATION.moves[state]])
def test_what_was_answered_is_not_answered_again(state: State):
    answered = replace(proposed(), state=state, deadline=None, reason_code="why")
    for act in (
        lambda: rules.agree(answered, "provider", Ground.BREACH, "是", NOON),
        lambda: rules.contest(answered, "provider", Objection.CLAIMS_OPEN, "否", NOON),
    ):
        with pytest.raises(TerminationAnswered) as refused:
            act()
        assert refused.value.facts == {"state": state, "reason_code": "why", "deadline": None}


@pytest.mark.parametrize("state", [state for state in ContractState if state is not ACTIVE])
def test_only_a_contract_in_force_is_proposed_to_end(state: ContractState):
    with pytest.raises(ContractNotActive):
        rules.propose(TerminationId.new(), replace(in_force(), state=state), "buyer", Ground.BREACH, "是", NOON)


@pytest.mark.parametrize("before, after", [
    (OrderState.AWAITING_PAYMENT,  OrderState.LAPSED),
    (OrderState.AWAITING_DELIVERY, OrderState.REFUNDED),
])  # fmt: skip
def test_an_order_that_nothing_was_delivered_of_ends_with_its_contract(before: OrderState, after: OrderState):
    ended = rules.call_off(an_order_in(before), DEADLINE - MICROSECOND)
    assert (ended.state, ended.reason_code, ended.deadline) == (after, "terminated_by_agreement", None)
    with pytest.raises(DeadlinePassed):
        rules.call_off(an_order_in(before), DEADLINE)


@pytest.mark.parametrize("state", [
    OrderState.AWAITING_ACCEPTANCE, OrderState.SETTLING, OrderState.SETTLED, OrderState.AWAITING_SIGNATURES,
])  # fmt: skip
def test_an_order_that_was_delivered_goes_on_to_its_own_end(state: OrderState):
    order = an_order_in(state)
    assert rules.call_off(order, NOON) is order


def test_a_winner_is_not_let_off_before_the_payment_that_others_bid_for():
    with pytest.raises(rules.AuctionBinds):
        rules.call_off(an_order_in(OrderState.AWAITING_PAYMENT, from_auction=True), NOON)
    paid = an_order_in(OrderState.AWAITING_DELIVERY, from_auction=True)
    assert rules.call_off(paid, NOON).state is OrderState.REFUNDED
