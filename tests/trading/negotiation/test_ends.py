"""How a negotiation ends without a deal, and how a directed one is approved or refused."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from services.trading.rules import negotiation as rules
from services.trading.rules.market_rules import DEMO
from services.trading.rules.negotiation import (
    ACCEPTED,
    BARGAINING,
    OFFERED,
    TERMINATED,
    Approval,
    Ender,
    Ending,
    NegotiationOver,
    NoSuchNegotiation,
    NotAwaitingApproval,
    Objection,
    PartyDecides,
    Withdrawal,
)
from services.trading.rules.negotiation_terms import (
    Side,
)
from tests.trading.made import MICROSECOND, NOON
from tests.trading.negotiation.made import (
    BUYER,
    BUYER_ID,
    DAY,
    HOUR,
    LISTING,
    OPERATOR,
    PROVIDER,
    RULES,
    STRANGER,
    agreed,
    answered,
    awaiting,
    ended,
    opened,
)

# --- the end ---


def test_either_side_ends_it_at_any_turn_and_says_why():
    for opener in Side:
        for side in Side:
            over = ended(opened(opener), side, "不要了", NOON + HOUR)
            assert over.ending == Ending(Ender(side), "price_not_agreed", "不要了")
            assert (over.state, over.deadline, over.reason_code) == (TERMINATED, None, "price_not_agreed")
            assert ended(over, side, "不要了", NOON + 9 * DAY) is over
            for act in (
                partial(ended, over, side.other, "不要了"),
                partial(ended, over, side, "又"),
                partial(rules.terminate, over, side, Withdrawal.NO_LONGER_WANTED, "不要了", NOON),
                partial(answered, over, side, 1),
            ):
                with pytest.raises(NegotiationOver) as refused:
                    act()
                assert refused.value.facts == {"state": TERMINATED, "reason_code": "price_not_agreed"}


def test_time_ends_an_offer_and_a_yes_that_nobody_approves():
    lapsed = rules.pass_deadline(opened(), NOON + DAY)
    assert (lapsed.state, lapsed.ending) == (TERMINATED, Ending(Ender.DEADLINE, "offer_expired"))
    overdue = rules.pass_deadline(awaiting(), NOON + 5 * DAY)
    assert overdue.ending == Ending(Ender.DEADLINE, "approval_overdue")


def test_nobody_else_has_a_side():
    negotiation = opened()
    assert negotiation.side_of(BUYER_ID) is BUYER
    assert negotiation.side_of(LISTING.provider_id) is PROVIDER
    with pytest.raises(NoSuchNegotiation):
        negotiation.side_of(STRANGER)


# --- the approval of a directed deal ---


@pytest.mark.parametrize("price, needed", [(99, False), (100, True), (101, True)])
def test_a_directed_deal_needs_approval_from_a_price_on_and_a_listed_one_never(price: int, needed: bool):
    from_hundred = replace(RULES, approval_from_minor=100)
    assert opened(PROVIDER, price, from_hundred).needs_approval is needed
    assert opened(BUYER, price, from_hundred).needs_approval is False
    assert opened(PROVIDER, 1).needs_approval is True, "every directed transfer, by the market's rules"
    assert opened(PROVIDER, 1, DEMO.negotiation).manner.approval_seconds == 120


def test_an_operator_approves_for_a_reason_and_the_same_again_is_the_same():
    waiting = awaiting()
    approved = rules.approve(waiting, OPERATOR, None, "价格公允", NOON + DAY)
    assert approved.approval == Approval(OPERATOR, "价格公允", NOON + DAY)
    assert (approved.state, approved.revision, approved.last_at) == (ACCEPTED, waiting.revision + 1, NOON + DAY)
    assert (waiting.awaits_approval, approved.awaits_approval) == (True, False)
    done = agreed(approved)
    for each in (approved, done):
        assert rules.approve(each, OPERATOR, None, "价格公允", NOON + 9 * DAY) is each
        for by, reason in ((OPERATOR, "再议"), ("user:another", "价格公允")):
            with pytest.raises(NotAwaitingApproval) as refused:
                rules.approve(each, by, None, reason, NOON)
            assert refused.value.facts == {"state": each.state, "reason_code": None}
    fallen = rules.fail(done, "not_signed", NOON)
    with pytest.raises(NotAwaitingApproval):
        rules.approve(fallen, OPERATOR, None, "价格公允", NOON)


def test_an_operator_refuses_for_a_reason_that_both_see():
    refused = rules.refuse(awaiting(), None, Objection.PRICE_OUT_OF_LINE, "偏离参考价", NOON + DAY)
    assert refused.ending == Ending(Ender.OPERATOR, "price_out_of_line", "偏离参考价")
    assert (refused.state, refused.last_at) == (TERMINATED, NOON + DAY)
    assert rules.refuse(refused, None, Objection.PRICE_OUT_OF_LINE, "偏离参考价", NOON + 9 * DAY) is refused
    for act in (
        lambda: rules.refuse(refused, None, Objection.GROUNDS_MISSING, "偏离参考价", NOON),
        lambda: rules.approve(refused, OPERATOR, None, "好", NOON),
    ):
        with pytest.raises(NotAwaitingApproval) as late:
            act()
        assert late.value.facts == {"state": TERMINATED, "reason_code": "price_out_of_line"}


def test_nobody_decides_on_a_deal_of_their_own_organisation():
    for party in (BUYER_ID, LISTING.provider_id):
        with pytest.raises(PartyDecides):
            rules.approve(awaiting(), OPERATOR, party, "好", NOON)
        with pytest.raises(PartyDecides):
            rules.refuse(awaiting(), party, Objection.GROUNDS_MISSING, "不", NOON)
    assert rules.approve(awaiting(), OPERATOR, STRANGER, "好", NOON).approval


@pytest.mark.parametrize("late", [-MICROSECOND, timedelta(0), MICROSECOND], ids=str)
def test_an_approval_has_its_time(late: timedelta):
    waiting, now = awaiting(), NOON + 5 * DAY + late
    acts = (
        lambda: rules.approve(waiting, OPERATOR, None, "好", now),
        lambda: rules.refuse(waiting, None, Objection.GROUNDS_MISSING, "不", now),
    )
    for act in acts:
        if late < timedelta(0):
            assert act().revision == waiting.revision + 1
        else:
            with pytest.raises(NotAwaitingApproval) as refused:
                act()
            assert refused.value.facts == {"state": ACCEPTED, "reason_code": "approval_overdue"}


def test_before_a_yes_there_is_nothing_to_approve():
    for state in BARGAINING:
        negotiation = opened(PROVIDER) if state is OFFERED else answered(opened(PROVIDER), BUYER, 90)
        assert negotiation.state is state
        with pytest.raises(NotAwaitingApproval):
            rules.approve(negotiation, OPERATOR, None, "好", NOON)
