"""An objection: what may be objected, how it may be answered, and that silence ends every one of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.trading.rules import acceptance, disputed
from services.trading.rules import objection as rules
from services.trading.rules import order as order_rules
from services.trading.rules.acceptance_terms import AcceptanceTerms, ObservationDoesNotFit
from services.trading.rules.objection import (
    ClaimImpossible,
    ClauseKept,
    CuresSpent,
    Ground,
    GroundCode,
    GroundUnclear,
    Kind,
    NoSuchClause,
    NothingOffered,
    Objection,
    ObjectionOver,
    OfferImpossible,
)
from services.trading.rules.order import (
    ANSWERED,
    AWAITING_ACCEPTANCE,
    AWAITING_DELIVERY,
    OBJECTED,
    REFUNDED,
    SETTLED,
    SETTLING,
    DeadlinePassed,
    NotDue,
    Order,
    State,
)
from shared.errors import Failure
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON, an_order
from tests.trading.objecting import (
    ANSWERING,
    HASH,
    INSPECTION,
    OTHER_HASH,
    TERMS,
    a_delivered,
    an_objected,
    an_offered,
    said,
)

BROKEN = GroundCode.CLAUSE_BROKEN
LATER = NOON + timedelta(hours=1)
UNOBSERVED = {"clause_id": "complete", "measure": "completeness"}


def test_an_objection_stops_the_clock_and_makes_it_the_providers_turn():
    order, objection = rules.object_to(a_delivered(), None, said(400), LATER)
    assert (order.state, order.next_actor, order.reason_code) == (OBJECTED, "provider", "objected_by_buyer")
    assert (order.deadline, order.refund) == (LATER + ANSWERING, Money(400))
    assert (objection.number, objection.next_actor, objection.deadline) == (1, "provider", order.deadline)
    assert (objection.order_id, objection.buyer_id, objection.provider_id) == (
        order.id, order.buyer_id, order.provider_id,
    )  # fmt: skip


def test_objections_are_taken_until_the_inspection_ends_and_not_at_its_end():
    end = NOON + INSPECTION
    assert rules.object_to(a_delivered(), None, said(), end - MICROSECOND)[0].state is OBJECTED
    for late in (end, end + MICROSECOND):
        with pytest.raises(DeadlinePassed):
            rules.object_to(a_delivered(), None, said(), late)


@pytest.mark.parametrize("state", [state for state in State if state is not AWAITING_ACCEPTANCE])
def test_only_what_awaits_acceptance_is_objected_to(state: State):
    order = replace(a_delivered(), state=state)
    for objected in (said(), said(1_001), said(400, Ground(BROKEN))):
        with pytest.raises(NotDue) as refused:
            rules.object_to(order, None, objected, NOON)
        assert refused.value.facts == {"state": state, "next_actor": order.next_actor}


@pytest.mark.parametrize("ground, error, facts", [
    (Ground(BROKEN, "complete", 9_799),         None,                  {}),
    (Ground(BROKEN, "complete", 9_800),         ClauseKept,            {"clause_id": "complete", "bound": 9_800}),
    (Ground(BROKEN, "complete"),                ObservationDoesNotFit, UNOBSERVED),
    (Ground(BROKEN, "schema", OTHER_HASH),      None,                  {}),
    (Ground(BROKEN, "schema", HASH),            ClauseKept,            {"clause_id": "schema", "bound": None}),
    (Ground(BROKEN, "manner"),                  None,                  {}),
    (Ground(BROKEN, "fresh", 1),                NoSuchClause,          {"clauses": ["complete", "schema", "manner"]}),
    (Ground(BROKEN),                            GroundUnclear,         {"code": "clause_broken"}),
    (Ground(GroundCode.OTHER),                  None,                  {}),
    (Ground(GroundCode.OTHER, "complete"),      GroundUnclear,         {"code": "other"}),
    (Ground(GroundCode.INCOMPLETE, None, 1),    GroundUnclear,         {"code": "incomplete"}),
], ids=lambda value: "" if isinstance(value, dict | type) else str(value)[7:60])  # fmt: skip
def test_which_grounds_there_are(ground: Ground, error: type[Failure] | None, facts: dict[str, Any]):
    if error is None:
        _, objection = rules.object_to(a_delivered(), None, said(400, ground), NOON)
        assert objection.said.grounds == (ground,)
        return
    for grounds in ((ground,), (Ground(GroundCode.OTHER), ground)):
        with pytest.raises(error) as refused:
            rules.object_to(a_delivered(), None, said(400, *grounds), NOON)
        assert refused.value.facts == facts


@pytest.mark.parametrize(("price", "claim", "possible"), [
    (1_000, 1, True), (1_000, 999, True), (1_000, 1_000, True), (1_000, 1_001, False), (1_000, 0, False),
    (1_000, -1, False), (0, 0, True), (0, 1, False), (0, -1, False),
])  # fmt: skip
def test_a_claim_is_for_some_of_the_price_or_all_of_it(price: int, claim: int, possible: bool):
    if possible:
        assert an_objected(claim, price=price)[0].refund == Money(claim)
        return
    with pytest.raises(ClaimImpossible) as refused:
        an_objected(claim, price=price)
    assert refused.value.facts == {"price_minor": price}


def test_the_same_objection_twice_is_one_and_another_is_refused():
    order, objection = an_objected()
    assert rules.object_to(order, objection, said(), LATER) == (order, objection)
    for other in (said(401), said(reason="别的"), said(400, Ground(GroundCode.OTHER))):
        with pytest.raises(NotDue):
            rules.object_to(order, objection, other, LATER)


def test_a_cure_begins_the_inspection_again_as_often_as_was_agreed():
    order, earlier = a_delivered(), None
    for number in (1, 2):
        order, objection = rules.object_to(order, earlier, said(400, reason=str(number)), NOON)
        order, earlier = rules.cure(order, objection, "重传", LATER)
        assert (order.state, order.reason_code, order.refund) == (AWAITING_ACCEPTANCE, "delivered_anew", Money(0))
        assert order.deadline == LATER + INSPECTION and acceptance.inspected_from(order) == LATER
        assert (earlier.number, earlier.outcome, earlier.ended_at) == (number, "delivered_anew", LATER)
        assert earlier.answer and (earlier.answer.kind, earlier.answer.refund) == (Kind.CURE, Money(0))
        assert (earlier.deadline, earlier.next_actor) == (None, None)
    order, third = rules.object_to(order, earlier, said(), LATER)
    with pytest.raises(CuresSpent) as refused:
        rules.cure(order, third, "重传", LATER)
    assert (third.number, refused.value.facts) == (3, {"cures_max": 2})


def test_the_same_objection_after_a_cure_is_a_new_one():
    order, cured = rules.cure(*an_objected(), "重传", LATER)
    again, second = rules.object_to(order, cured, said(), LATER)
    assert (again.state, second.number) == (OBJECTED, 2)


@pytest.mark.parametrize("claim, state, back", [(400, SETTLING, 400), (1_000, REFUNDED, 1_000)])
def test_a_conceded_claim_goes_back_and_the_rest_is_shared_out(claim: int, state: State, back: int):
    order, objection = rules.concede(*an_objected(claim), "确有其事", LATER)
    assert (order.state, order.refund, order.reason_code) == (state, Money(back), "claim_conceded")
    assert (objection.outcome, objection.ended_at, objection.next_actor) == ("claim_conceded", LATER, None)
    assert objection.answer == rules.Answer(Kind.CONCESSION, Money(claim), "确有其事", LATER)
    if order.settlement:
        assert order.settlement.total + order.refund == order.price


def test_what_is_offered_is_for_the_buyer_to_take():
    order, objection = rules.offer(*an_objected(), Money(100), "少赔", LATER)
    assert (order.state, order.next_actor, order.reason_code) == (ANSWERED, "buyer", "part_offered")
    assert (order.deadline, objection.deadline, objection.next_actor) == (LATER + ANSWERING, order.deadline, "buyer")
    taken, ended = rules.take(order, objection, LATER)
    assert (taken.state, taken.refund, taken.reason_code) == (SETTLING, Money(100), "part_taken")
    assert (ended.outcome, ended.ended_at) == ("part_taken", LATER)
    assert taken.settlement and taken.settlement.total == Money(900)


@pytest.mark.parametrize(("part", "possible"), [(0, False), (-1, False), (1, True), (399, True), (400, False)])
def test_an_offered_part_is_less_than_the_claim(part: int, possible: bool):
    if possible:
        assert rules.offer(*an_objected(), Money(part), "少赔", NOON)[0].refund == Money(part)
        return
    with pytest.raises(OfferImpossible) as refused:
        rules.offer(*an_objected(), Money(part), "少赔", NOON)
    assert refused.value.facts == {"claim_minor": 400}


def test_a_declined_part_lapses_and_gives_nobody_more_time():
    order, objection = an_offered()
    declined, told = rules.decline(order, objection, LATER)
    assert (declined.state, declined.reason_code, declined.refund) == (ANSWERED, "part_declined", Money(0))
    assert (declined.deadline, told.declined_at, told.ended_at) == (order.deadline, LATER, None)
    assert declined.revision == order.revision + 1
    assert rules.decline(declined, told, LATER) == (declined, told)
    with pytest.raises(NothingOffered) as refused:
        rules.take(declined, told, LATER)
    assert refused.value.facts == {"reason_code": "part_declined"}
    assert declined.deadline
    over = order_rules.pass_deadline(declined, frozenset(), declined.deadline)
    assert (over.state, over.refund, over.reason_code) == (SETTLING, Money(0), "objection_not_pursued")


def test_nothing_is_taken_or_declined_of_a_rejection():
    rejected = rules.reject(*an_objected(), "数据无误", LATER)
    assert (rejected[0].state, rejected[0].reason_code, rejected[0].refund) == (
        ANSWERED, "objection_rejected", Money(0),
    )  # fmt: skip
    for act in (rules.take, rules.decline):
        with pytest.raises(NothingOffered):
            act(*rejected, LATER)


@pytest.mark.parametrize("made", [an_objected, an_offered, lambda: rules.reject(*an_objected(), "无误", NOON)])
def test_a_withdrawn_objection_accepts_the_whole_order(made: Callable[[], tuple[Order, Objection]]):
    order, objection = rules.withdraw(*made(), LATER)
    assert (order.state, order.refund, order.reason_code) == (SETTLING, Money(0), "objection_withdrawn")
    assert objection.outcome == "objection_withdrawn"


@pytest.mark.parametrize("made, claim, state, back, reason", [
    (an_objected,                                          400,   SETTLING, 400,   "provider_silent"),
    (lambda: an_objected(1_000),                           1_000, REFUNDED, 1_000, "provider_silent"),
    (an_offered,                                           400,   SETTLING, 100,   "part_taken_by_deadline"),
    (lambda: rules.reject(*an_objected(), "无误", NOON),   400,   SETTLING, 0,     "objection_not_pursued"),
], ids=["silent provider", "silent provider of it all", "silent buyer with an offer", "silent buyer"])  # fmt: skip
def test_whoever_is_silent_agrees_to_what_the_other_said_last(
    made: Callable[[], tuple[Order, Objection]], claim: int, state: State, back: int, reason: str
):
    order, objection = made()
    deadline = order.deadline
    assert deadline and deadline == NOON + ANSWERING and objection.said.claim == Money(claim)
    with pytest.raises(NotDue):
        order_rules.pass_deadline(order, frozenset(), deadline - MICROSECOND)
    over = order_rules.pass_deadline(order, frozenset(), deadline)
    assert (over.state, over.refund, over.reason_code) == (state, Money(back), reason)


ANSWERS: dict[str, Callable[[Order, Objection, datetime], tuple[Order, Objection]]] = {
    "cure": lambda order, objection, now: rules.cure(order, objection, "答", now),
    "concede": lambda order, objection, now: rules.concede(order, objection, "答", now),
    "offer": lambda order, objection, now: rules.offer(order, objection, Money(100), "答", now),
    "reject": lambda order, objection, now: rules.reject(order, objection, "答", now),
}
REPLIES = {"take": rules.take, "decline": rules.decline, "withdraw": rules.withdraw}


@pytest.mark.parametrize("name", [*ANSWERS, *REPLIES])
def test_an_answer_counts_until_its_deadline_and_twice_is_once(name: str):
    act = (ANSWERS | REPLIES)[name]
    order, objection = an_objected() if name in ANSWERS else an_offered()
    assert order.deadline
    once = act(order, objection, order.deadline - MICROSECOND)
    assert act(*once, LATER) == once
    for late in (order.deadline, order.deadline + MICROSECOND):
        with pytest.raises(DeadlinePassed) as refused:
            act(order, objection, late)
        assert refused.value.facts == {"deadline": order.deadline}


@pytest.mark.parametrize("second", ANSWERS)
@pytest.mark.parametrize("first", ANSWERS)
def test_the_provider_answers_once(first: str, second: str):
    answered = ANSWERS[first](*an_objected(), NOON)
    if first == second:
        assert ANSWERS[second](*answered, LATER) == answered
        return
    with pytest.raises((ObjectionOver, NotDue)) as refused:
        ANSWERS[second](*answered, LATER)
    assert refused.type is (NotDue if first in {"offer", "reject"} else ObjectionOver)


def test_another_reason_or_amount_is_another_answer():
    for again in (
        lambda: rules.offer(*an_offered(), Money(101), "少赔", LATER),
        lambda: rules.offer(*an_offered(), Money(100), "别的", LATER),
        lambda: rules.reject(*rules.reject(*an_objected(), "无误", NOON), "别的", LATER),
    ):
        with pytest.raises(NotDue):
            again()


def test_what_is_over_takes_no_answer_and_says_how_it_ended():
    for act in (*ANSWERS.values(), *REPLIES.values()):
        order, objection = rules.cure(*an_objected(), "重传", NOON)
        with pytest.raises(ObjectionOver) as refused:
            act(order, objection, LATER)
        assert refused.value.facts == {"reason_code": "delivered_anew"}


@pytest.mark.parametrize("name", REPLIES)
def test_a_buyer_answers_an_offer_and_not_its_own_objection(name: str):
    order, objection = an_objected()
    if name == "withdraw":
        assert rules.withdraw(order, objection, LATER)[0].state is SETTLING
        return
    with pytest.raises(NotDue) as refused:
        REPLIES[name](order, objection, LATER)
    assert refused.value.facts == {"state": OBJECTED, "next_actor": "provider"}


def test_what_was_free_is_settled_however_its_objection_ends():
    for order, _ in (
        rules.concede(*an_objected(0, price=0), "是", NOON),
        rules.withdraw(*an_objected(0, price=0), NOON),
    ):
        assert (order.state, order.refund) == (SETTLED, Money(0))


def test_accepting_twice_is_accepting_once_and_an_objection_is_not_accepted():
    accepted = order_rules.accept(a_delivered(), NOON)
    assert order_rules.accept(accepted, LATER) is accepted
    settled = order_rules.confirm_settlement(accepted, LATER)
    assert order_rules.accept(settled, LATER) is settled
    for order, _ in (an_objected(), an_offered()):
        with pytest.raises(NotDue) as refused:
            order_rules.accept(order, NOON)
        assert refused.value.facts == {"state": order.state, "next_actor": order.next_actor}


@pytest.mark.parametrize("accepting, uses, accepted", [
    (None, 99, False), (2, 1, False), (2, 2, True), (3, 2, False), (3, 3, True), (3, 4, True),
])  # fmt: skip
def test_use_accepts_where_the_contract_says_so_and_never_elsewhere(accepting: int | None, uses: int, accepted: bool):
    order = a_delivered(terms=replace(TERMS, accepting_use=accepting))
    after = acceptance.accept_by_use(order, uses, NOON)
    assert (after is order) != accepted
    if accepted:
        assert (after.state, after.reason_code, after.refund) == (SETTLING, "accepted_by_use", Money(0))


def test_use_accepts_within_the_inspection_alone():
    terms = AcceptanceTerms(accepting_use=2)
    order = a_delivered(terms=terms)
    assert order.deadline
    assert acceptance.accept_by_use(order, 2, order.deadline - MICROSECOND).state is SETTLING
    assert acceptance.accept_by_use(order, 2, order.deadline) is order
    objected, _ = an_objected(terms=terms)
    assert acceptance.accept_by_use(objected, 2, NOON) is objected


@pytest.mark.parametrize("state", State)
def test_what_is_paid_and_not_concluded_may_be_disputed_until_its_deadline(state: State):
    order = an_order(state=state, deadline=LATER)
    disputable = state in {AWAITING_DELIVERY, AWAITING_ACCEPTANCE, OBJECTED, ANSWERED}
    assert disputed.may_be_disputed(order, LATER - MICROSECOND) == disputable
    assert not disputed.may_be_disputed(order, LATER)
