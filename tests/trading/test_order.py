"""An order's way: what may happen when, what deadlines do, and that every way ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.trading.rules import disputed
from services.trading.rules import order as rules
from services.trading.rules.order import (
    ANSWERED,
    AWAITING_ACCEPTANCE,
    AWAITING_DELIVERY,
    AWAITING_PAYMENT,
    AWAITING_SIGNATURES,
    DEFAULTED,
    DISPUTED,
    FAILED,
    LAPSED,
    OBJECTED,
    ORDER,
    REFUNDED,
    SETTLED,
    SETTLING,
    DeadlinePassed,
    NotDue,
    Order,
    State,
)
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON, an_order

NEITHER, BUYER, PROVIDER = frozenset[str](), frozenset({"buyer"}), frozenset({"provider"})
ENDS = {state for state in State if not ORDER.moves[state]}


def in_state(state: State, *, price: int = 12_345, from_auction: bool = True) -> Order:
    deadline = None if state in ENDS else NOON + timedelta(days=1)
    return an_order(price=price, from_auction=from_auction, state=state, deadline=deadline)


ACTS: dict[str, Callable[[Order, datetime], Order]] = {
    "both_signed": rules.both_signed,
    "pay": rules.pay,
    "deliver": rules.deliver,
    "accept": rules.accept,
    "dispute": disputed.dispute,
    "confirm_settlement": rules.confirm_settlement,
    "forbid": lambda order, now: rules.forbid(order, "mode_not_allowed_for_grade", now),
}
TO = {
    ("both_signed",        AWAITING_SIGNATURES): AWAITING_PAYMENT,
    ("pay",                AWAITING_PAYMENT):    AWAITING_DELIVERY,
    ("deliver",            AWAITING_DELIVERY):   AWAITING_ACCEPTANCE,
    ("accept",             AWAITING_ACCEPTANCE): SETTLING,
    ("dispute",            AWAITING_DELIVERY):   DISPUTED,
    ("dispute",            AWAITING_ACCEPTANCE): DISPUTED,
    ("dispute",            OBJECTED):            DISPUTED,
    ("dispute",            ANSWERED):            DISPUTED,
    ("confirm_settlement", SETTLING):            SETTLED,
    ("forbid",             AWAITING_SIGNATURES): LAPSED,
    ("forbid",             AWAITING_PAYMENT):    LAPSED,
}  # fmt: skip
CHANGES_NOTHING = {
    ("confirm_settlement", SETTLED),
    *(("deliver", state) for state in State if state is not AWAITING_DELIVERY),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State, act: str):
    order = in_state(state)
    if to := TO.get((act, state)):
        after = ACTS[act](order, NOON)
        assert (after.state, after.revision) == (to, order.revision + 1)
    elif (act, state) in CHANGES_NOTHING:
        assert ACTS[act](order, NOON) is order
    else:
        with pytest.raises((NotDue, IllegalMove)):
            ACTS[act](order, NOON)


@pytest.mark.parametrize("act, state", [move for move in TO if move[0] not in {"forbid", "confirm_settlement"}])
def test_what_is_due_counts_until_its_deadline_and_not_at_it(act: str, state: State):
    order = in_state(state)
    assert order.deadline is not None
    assert ACTS[act](order, order.deadline - MICROSECOND).state is TO[act, state]
    for late in (order.deadline, order.deadline + MICROSECOND):
        with pytest.raises(DeadlinePassed):
            ACTS[act](order, late)


@pytest.mark.parametrize("state, signed, from_auction, end, reason", [
    (AWAITING_SIGNATURES, NEITHER,  True,  LAPSED,    "not_signed"),
    (AWAITING_SIGNATURES, BUYER,    True,  LAPSED,    "not_signed_by_provider"),
    (AWAITING_SIGNATURES, PROVIDER, True,  DEFAULTED, "not_signed_by_buyer"),
    (AWAITING_SIGNATURES, PROVIDER, False, LAPSED,    "not_signed_by_buyer"),
    (AWAITING_PAYMENT,    BUYER,    True,  DEFAULTED, "payment_overdue"),
    (AWAITING_PAYMENT,    BUYER,    False, DEFAULTED, "payment_overdue"),
    (AWAITING_DELIVERY,   BUYER,    True,  REFUNDED,  "not_delivered"),
    (AWAITING_ACCEPTANCE, BUYER,    True,  SETTLING,  "accepted_by_deadline"),
    (OBJECTED,            BUYER,    True,  SETTLING,  "provider_silent"),
    (ANSWERED,            BUYER,    True,  SETTLING,  "objection_not_pursued"),
    (SETTLING,            BUYER,    True,  SETTLING,  None),
])  # fmt: skip
def test_what_deadlines_do(state: State, signed: frozenset[str], from_auction: bool, end: State, reason: str | None):
    order = in_state(state, from_auction=from_auction)
    assert order.deadline is not None
    with pytest.raises(NotDue):
        rules.pass_deadline(order, signed, order.deadline - MICROSECOND)
    after = rules.pass_deadline(order, signed, order.deadline)
    assert (after.state, after.reason_code) == (end, reason)
    assert after.forfeits_deposit == (end is DEFAULTED and from_auction)


@pytest.mark.parametrize("price", [0, 12_345])
@pytest.mark.parametrize("state", [state for state in State if state is not DISPUTED])
def test_letting_deadlines_pass_ends_every_order_once_the_custodian_answers(state: State, price: int):
    order = in_state(state, price=price)
    for _ in State:
        if order.deadline is not None:
            order = rules.pass_deadline(order, NEITHER, order.deadline)
    if order.state is SETTLING:
        order = rules.confirm_settlement(order, NOON)
    assert (order.state in ENDS, order.deadline, order.next_actor) == (True, None, None)


def test_no_deadline_moves_the_money_of_a_disputed_order():
    order = disputed.dispute(in_state(AWAITING_ACCEPTANCE), NOON)
    assert (order.deadline, order.reason_code, order.next_actor) == (None, "disputed", "parties_and_arbiter")
    assert not rules.deadline_has_passed(order, NOON + timedelta(days=1000))
    for late in (None, NOON):
        with pytest.raises(NotDue):
            rules.pass_deadline(replace(order, deadline=late), NEITHER, NOON)


def test_what_is_disputed_before_it_is_delivered_is_not_delivered_meanwhile():
    order = disputed.dispute(in_state(AWAITING_DELIVERY), NOON)
    assert order.reason_code == "disputed_undelivered"
    with pytest.raises(NotDue):
        rules.deliver(order, NOON)
    taken = disputed.dispute(in_state(AWAITING_ACCEPTANCE), NOON)
    assert rules.deliver(taken, NOON) is taken
    resumed = disputed.resume(order, AWAITING_DELIVERY, 60, NOON)
    assert rules.deliver(resumed, NOON).state is AWAITING_ACCEPTANCE


@pytest.mark.parametrize("state", [AWAITING_DELIVERY, AWAITING_ACCEPTANCE])
def test_a_withdrawn_dispute_leaves_the_order_what_was_left_of_its_window(state: State):
    resumed = disputed.resume(disputed.dispute(in_state(state), NOON), state, 3600, NOON + timedelta(days=9))
    assert (resumed.state, resumed.reason_code) == (state, None)
    assert resumed.deadline == NOON + timedelta(days=9, seconds=3600)


def test_what_was_shared_out_early_counts_towards_the_whole():
    order = disputed.dispute(replace(in_state(AWAITING_ACCEPTANCE), price=Money(1_001)), NOON)
    released = disputed.release(order, Money(333), Money(0))
    assert (released.released_minor, released.refund_minor, released.revision) == (333, 0, order.revision + 1)
    with pytest.raises(rules.RefundTooHigh):
        rules.conclude(released, rules.Reason.DISPUTE_ENDED, NOON, Money(669))
    ended = rules.conclude(released, rules.Reason.DISPUTE_ENDED, NOON, Money(668))
    assert ended.state is SETTLING and ended.outstanding.total == Money(0)
    assert ended.settlement and ended.settlement.total == Money(333)
    with pytest.raises(NotDue):
        disputed.release(in_state(AWAITING_ACCEPTANCE), Money(1), Money(0))


def test_time_settles_nothing_but_calls_a_person():
    order = in_state(SETTLING)
    assert order.deadline and order.next_actor == "custodian"
    overdue = rules.pass_deadline(order, NEITHER, order.deadline)
    assert (overdue.state, overdue.next_actor) == (SETTLING, "operator_business")
    assert overdue.deadline and overdue.deadline > order.deadline


def test_the_shares_of_a_sale_add_up_to_its_price():
    shares = in_state(SETTLED, price=1_234_567).settlement
    assert shares and (shares.provider.minor, shares.fee.minor, shares.tax.minor) == (1_201_851, 30_864, 1_852)
    assert shares.total.minor == 1_234_567
    assert in_state(AWAITING_ACCEPTANCE).settlement is None


@pytest.mark.parametrize("state", State)
def test_whoever_must_act_is_named_until_the_end(state: State):
    assert (in_state(state).next_actor is None) == (state in ENDS)
    assert not FAILED - ENDS


def test_what_costs_nothing_is_neither_paid_nor_settled():
    order = an_order(price=0, from_auction=False)
    order = rules.both_signed(order, NOON)
    assert order.state is AWAITING_DELIVERY
    assert rules.accept(rules.deliver(order, NOON), NOON).state is SETTLED


@pytest.mark.parametrize(("back", "state"), [(0, SETTLING), (1, SETTLING), (999, SETTLING), (1000, REFUNDED)])
def test_what_does_not_go_back_is_shared_out(back: int, state: State):
    order = replace(in_state(AWAITING_ACCEPTANCE), price=Money(1000))
    concluded = rules.conclude(order, rules.Reason.ACCEPTED_BY_BUYER, NOON, Money(back))
    assert (concluded.state, concluded.refund) == (state, Money(back))
    if concluded.settlement is not None:
        assert concluded.settlement.total == Money(1000 - back)


@pytest.mark.parametrize("back", [-1, 1001])
def test_no_more_than_the_price_goes_back(back: int):
    order = replace(in_state(AWAITING_ACCEPTANCE), price=Money(1000))
    with pytest.raises(rules.RefundTooHigh) as refused:
        rules.conclude(order, rules.Reason.ACCEPTED_BY_BUYER, NOON, Money(back))
    assert refused.value.facts == {"price_minor": 1000}


def test_an_accepted_order_says_by_whom_to_its_end():
    accepted = rules.accept(in_state(AWAITING_ACCEPTANCE), NOON)
    assert rules.confirm_settlement(accepted, NOON).reason_code == "accepted_by_buyer"


def test_windows_are_the_orders_own_whatever_is_set_later():
    order = in_state(AWAITING_SIGNATURES)
    short = replace(order, windows=replace(order.windows, payment_seconds=60))
    assert rules.both_signed(short, NOON).deadline == NOON + timedelta(seconds=60)
