"""Freeze orders by the rules alone: two persons, a basis, an end; and what they do to an order's clock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import freeze as rules
from services.trading.rules import listing as listing_rules
from services.trading.rules import order as order_rules
from services.trading.rules.entitlement import EntitlementSuspended
from services.trading.rules.freeze import (
    EXPIRED,
    IN_FORCE,
    LAPSED,
    LIFTED,
    PROPOSED,
    ConfirmationTooLate,
    Freeze,
    FreezeTooLong,
    Held,
    LiftGround,
    LiftingProposed,
    NoLiftingProposed,
    NotIndependent,
    NotInForce,
    Official,
    RegulatorsOrder,
    Scope,
    SecondPersonRequired,
)
from services.trading.rules.listing import LISTED, SUSPENDED, Reason
from services.trading.rules.order import AWAITING_ACCEPTANCE, AWAITING_SIGNATURES, DeadlinePassed, NotDue, OrderFrozen
from services.trading.rules.supervision import SUPERVISION
from shared.grades import C1, C3, G2, G3, Mode, decide
from shared.ids import EntitlementId, FreezeId, ListingId, ParticipantId
from shared.lifecycle import IllegalMove
from tests.trading.freezing import BASIS, CHEN, DAY, LI, WANG, a_freeze, a_proposal
from tests.trading.made import MICROSECOND, NOON, a_listing, an_order

HOUR = timedelta(hours=1)
ALLOWED, DENIED = decide(G2, Mode.RAW, C3, frozenset()), decide(G3, Mode.RAW, C1, frozenset())


def held(scope: Scope) -> Held:
    return Held(scope, ListingId.new(), ParticipantId.new())


@pytest.mark.parametrize("scope", Scope)
def test_an_operator_proposes_to_freeze_a_listing_and_nothing_else(scope: Scope):
    asked = (FreezeId.new(), held(scope), BASIS)
    rest = (NOON + DAY, SUPERVISION, NOON)
    assert rules.propose(*asked, LI, *rest).state is PROPOSED
    if scope is Scope.LISTING:
        assert rules.propose(*asked, CHEN, *rest).proposed_by == CHEN.subject
        return
    with pytest.raises(RegulatorsOrder) as refused:
        rules.propose(*asked, CHEN, *rest)
    assert refused.value.facts == {"scope": scope}


@pytest.mark.parametrize("ends, fits", [
    (NOON, False), (NOON + MICROSECOND, True), (NOON + 30 * DAY, True), (NOON + 30 * DAY + MICROSECOND, False),
])  # fmt: skip
def test_a_freeze_ends_within_thirty_days_of_its_proposal(ends: datetime, fits: bool):
    asked = (FreezeId.new(), held(Scope.ORDER), BASIS, LI, ends, SUPERVISION, NOON)
    if fits:
        made = rules.propose(*asked)
        assert (made.expires_at, made.deadline) == (ends, min(ends, NOON + DAY)) and made.next_actor == "regulator"
        return
    with pytest.raises(FreezeTooLong) as refused:
        rules.propose(*asked)
    assert refused.value.facts == {"expires_at_max": NOON + 30 * DAY}


@pytest.mark.parametrize("official, at, refusal", [
    (WANG, NOON + DAY - MICROSECOND, None),
    (WANG, NOON + DAY,               ConfirmationTooLate),
    (LI,   NOON,                     SecondPersonRequired),
    (CHEN, NOON,                     RegulatorsOrder),
    (Official(LI.subject, False), NOON, RegulatorsOrder),
], ids=["in time", "late", "the same person", "an operator", "the same as an operator"])  # fmt: skip
def test_a_second_person_of_the_regulator_confirms_within_a_day(
    official: Official, at: datetime, refusal: type[Exception] | None
):
    proposal = a_proposal()
    if refusal:
        with pytest.raises(refusal):
            rules.confirm(proposal, official, at)
        return
    confirmed = rules.confirm(proposal, official, at)
    assert (confirmed.state, confirmed.confirmed_by, confirmed.in_force_at) == (IN_FORCE, official.subject, at)
    assert (confirmed.deadline, confirmed.revision) == (proposal.expires_at, proposal.revision + 1)
    with pytest.raises(IllegalMove):
        rules.confirm(confirmed, Official("user_zhao", True), at)


def test_what_an_operator_proposed_one_person_of_the_regulator_confirms():
    assert rules.confirm(a_proposal(proposed_by=CHEN.subject), LI, NOON).state is IN_FORCE


def test_two_persons_lift_it_and_until_the_second_it_holds():
    freeze = a_freeze()
    with pytest.raises(NoLiftingProposed):
        rules.lift(freeze, LI, SUPERVISION, NOON)
    asked = rules.propose_lifting(freeze, LI, LiftGround.DECIDED, SUPERVISION, NOON)
    assert asked.holds_at(NOON) and asked.revision == freeze.revision + 1
    with pytest.raises(LiftingProposed) as refused:
        rules.propose_lifting(asked, WANG, LiftGround.DECIDED, SUPERVISION, NOON + DAY - MICROSECOND)
    assert refused.value.facts == {"deadline": NOON + DAY}
    with pytest.raises(SecondPersonRequired):
        rules.lift(asked, LI, SUPERVISION, NOON)
    with pytest.raises(NoLiftingProposed):
        rules.lift(asked, WANG, SUPERVISION, NOON + DAY)
    assert rules.propose_lifting(asked, WANG, LiftGround.GROUND_GONE, SUPERVISION, NOON + DAY).lifting
    lifted = rules.lift(asked, WANG, SUPERVISION, NOON + HOUR)
    assert (lifted.state, lifted.ended_at, lifted.reason_code) == (LIFTED, NOON + HOUR, LiftGround.DECIDED)
    assert (lifted.deadline, lifted.next_actor) == (None, None) and not lifted.holds_at(NOON + HOUR)


@pytest.mark.parametrize("freeze, at", [
    (a_proposal(), NOON), (a_freeze(), NOON + 10 * DAY), (rules.pass_deadline(a_freeze()), NOON),
], ids=["proposed", "at its end", "over"])  # fmt: skip
def test_only_what_holds_now_is_lifted(freeze: Freeze, at: datetime):
    for act in (
        lambda: rules.propose_lifting(freeze, LI, LiftGround.DECIDED, SUPERVISION, at),
        lambda: rules.lift(freeze, LI, SUPERVISION, at),
    ):
        with pytest.raises(NotInForce) as refused:
            act()
        assert refused.value.facts == {"state": freeze.state, "expires_at": freeze.expires_at}


def test_no_operator_lifts_anything():
    freeze = a_freeze()
    with pytest.raises(RegulatorsOrder):
        rules.propose_lifting(freeze, CHEN, LiftGround.DECIDED, SUPERVISION, NOON)
    asked = rules.propose_lifting(freeze, LI, LiftGround.DECIDED, SUPERVISION, NOON)
    with pytest.raises(RegulatorsOrder):
        rules.lift(asked, CHEN, SUPERVISION, NOON)


def test_time_alone_ends_every_freeze():
    for freeze, state, reason in ((a_proposal(), LAPSED, "not_confirmed"), (a_freeze(), EXPIRED, "time_is_up")):
        assert freeze.deadline and not rules.is_due(freeze, freeze.deadline - MICROSECOND)
        assert rules.is_due(freeze, freeze.deadline)
        over = rules.pass_deadline(freeze)
        assert (over.state, over.reason_code, over.ended_at) == (state, reason, freeze.deadline)
        assert over.deadline is None and not rules.is_due(over, NOON + 1000 * DAY)


def test_whoever_belongs_to_a_participant_freezes_nothing():
    rules.require_independent(None)
    with pytest.raises(NotIndependent):
        rules.require_independent(ParticipantId.new())


def test_it_holds_until_the_last_that_holds_now():
    first, second = a_freeze(), a_freeze(expires_at=NOON + 12 * DAY)
    assert rules.holding_until([first, second], NOON) == NOON + 12 * DAY
    assert rules.holding_until([first], NOON + 10 * DAY - MICROSECOND) == NOON + 10 * DAY
    assert rules.holding_until([first, a_proposal()], NOON + 10 * DAY) is None


# --- the clock of an order


def test_an_order_keeps_just_the_time_that_it_had_left():
    order = an_order()
    assert order.deadline
    frozen = rules.with_clock(order, NOON + 10 * DAY, NOON)
    assert (frozen.frozen_until, frozen.deadline) == (NOON + 10 * DAY, order.deadline + 10 * DAY)
    assert frozen.revision == order.revision + 1
    lifted = rules.with_clock(frozen, None, NOON + 3 * DAY)
    assert (lifted.frozen_until, lifted.deadline) == (NOON + 3 * DAY, order.deadline + 3 * DAY)
    assert rules.with_clock(frozen, None, NOON + 10 * DAY) is frozen, "what ends by itself needs nobody"
    assert rules.with_clock(order, None, NOON) is order


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30), st.integers(0, 30)), max_size=6))
def test_whatever_freezes_overlap_and_are_lifted_a_deadline_moves_by_the_days_that_were_frozen(
    drawn: list[tuple[int, int, int]],
):
    """Day by day, without any of the rules: a day is frozen if a freeze holds in it."""
    freezes = [(begin, begin + days, begin + min(days, until)) for begin, days, until in drawn]
    order = an_order()
    assert order.deadline
    for day in range(80):
        now = NOON + day * DAY
        for begin, expiry, end in freezes:
            if day == begin or (day == end and end < expiry):
                holding = [NOON + e * DAY for b, e, stop in freezes if b <= day < stop]
                order = rules.with_clock(order, max(holding, default=None), now)
        assert order_rules.is_frozen(order, now) == any(begin <= day < end for begin, _, end in freezes)
    frozen_days = sum(any(begin <= day < end for begin, _, end in freezes) for day in range(80))
    original = an_order().deadline
    assert original and order.deadline == original + frozen_days * DAY


def test_nothing_of_a_frozen_order_moves_until_the_moment_that_its_freeze_ends():
    order = rules.with_clock(an_order(state=AWAITING_ACCEPTANCE, deadline=NOON + HOUR), NOON + DAY, NOON)
    acts: list[Callable[[datetime], object]] = [
        lambda now: order_rules.accept(order, now),
        lambda now: order_rules.conclude(order, order_rules.Reason.ACCEPTED_BY_DEADLINE, now),
        lambda now: order_rules.require_not_frozen(order, now),
    ]
    for act in acts:
        with pytest.raises(OrderFrozen) as refused:
            act(NOON + DAY - MICROSECOND)
        assert refused.value.facts == {"frozen_until": NOON + DAY}
        act(NOON + DAY)
    signing = rules.with_clock(an_order(state=AWAITING_SIGNATURES), NOON + DAY, NOON)
    with pytest.raises(OrderFrozen):
        order_rules.both_signed(signing, NOON)
    with pytest.raises(NotDue):
        order_rules.pay(order, NOON)


def test_what_was_due_before_a_freeze_is_due_when_it_ends_and_not_before():
    order = rules.with_clock(an_order(state=AWAITING_ACCEPTANCE, deadline=NOON - DAY), NOON + DAY, NOON)
    assert order.deadline == NOON
    with pytest.raises(NotDue):
        order_rules.pass_deadline(order, frozenset(), NOON + DAY - MICROSECOND)
    with pytest.raises(DeadlinePassed):
        order_rules.accept(order, NOON + DAY)
    assert order_rules.pass_deadline(order, frozenset(), NOON + DAY).state is order_rules.SETTLING


# --- offers and rights


def test_a_frozen_offer_is_off_the_market_until_nothing_holds_it():
    frozen = listing_rules.freeze(a_listing())
    assert (frozen.state, frozen.reason_code) == (SUSPENDED, Reason.FROZEN)
    thawed = listing_rules.thaw(frozen)
    assert (thawed.state, thawed.reason_code, thawed.revision) == (LISTED, None, frozen.revision + 1)
    assert listing_rules.resume(frozen).state is LISTED, "asked for between the end and its notice"


def test_what_its_provider_or_a_grade_suspended_a_freeze_neither_takes_over_nor_frees():
    own = listing_rules.suspend(a_listing())
    assert listing_rules.freeze(own) is own and listing_rules.thaw(own) is own
    regraded = listing_rules.regrade(listing_rules.freeze(a_listing()), G3, frozenset(), 2)
    assert listing_rules.is_frozen(regraded)


def a_right(**changes: Any) -> entitlement_rules.Entitlement:
    order = an_order(price=100)
    made = entitlement_rules.grant(EntitlementId.new(), order, a_listing(), NOON)
    return replace(made, **changes)


def test_a_frozen_right_gives_nothing_whatever_the_grade_says():
    right = a_right()
    frozen = entitlement_rules.freeze(right)
    assert frozen.is_frozen and frozen.next_actor == "regulator" and frozen.deadline == right.deadline
    with pytest.raises(EntitlementSuspended) as refused:
        entitlement_rules.require_in_force(frozen, ALLOWED, 1, NOON)
    assert refused.value.facts == {"reason_code": "frozen"}
    lower = entitlement_rules.regrade(frozen, ALLOWED, 2)
    assert lower.is_frozen and lower.grade_revision == 2
    assert entitlement_rules.regrade(frozen, DENIED, 2).is_frozen
    thawed = entitlement_rules.thaw(lower)
    assert (thawed.state, thawed.reason_code) == (entitlement_rules.ACTIVE, None)
    entitlement_rules.require_in_force(thawed, ALLOWED, 2, NOON)


def test_a_freeze_takes_over_a_right_that_its_grade_suspended_and_none_that_has_ended():
    suspended = entitlement_rules.regrade(a_right(), DENIED, 2)
    assert not suspended.is_frozen and suspended.next_actor == "operator"
    frozen = entitlement_rules.freeze(suspended)
    assert frozen.is_frozen and frozen.revision == suspended.revision + 1
    assert entitlement_rules.freeze(frozen) is frozen and entitlement_rules.thaw(suspended) is suspended
    ended = entitlement_rules.end(frozen, "period_over")
    assert entitlement_rules.freeze(ended) is ended and entitlement_rules.thaw(ended) is ended
    assert not ended.is_frozen
