"""A late claim by the rules alone: of what, until when, and what an outcome is worth after the price was shared out."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.trading.rules import dispute as dispute_rules
from services.trading.rules import disputed
from services.trading.rules import late_claim as rules
from services.trading.rules.arbiter_draw import commitment
from services.trading.rules.credit_record import loser_of
from services.trading.rules.demand import Category, Demand, NotTheClaim, Remedy
from services.trading.rules.dispute import Dispute, Opening
from services.trading.rules.dispute_outcome import Basis, Outcome
from services.trading.rules.order import (
    AWAITING_ACCEPTANCE,
    REFUNDED,
    SETTLED,
    SETTLING,
    DeadlinePassed,
    NotDue,
    Order,
    State,
    conclude,
    confirm_settlement,
)
from services.trading.rules.order import Reason as OrderReason
from shared.ids import DisputeId, FactId
from shared.money import Money
from tests.trading.dispute.cases import RULES, SEED, a_vote, by, in_state, late, ruled
from tests.trading.made import MICROSECOND, NOON, an_order

PRICE, WINDOW = 10_000, timedelta(days=30)
YEAR = NOON + timedelta(days=365)
END = (Remedy.END_RIGHT,)


def settled(price: int = PRICE, **changes: Any) -> Order:
    return an_order(price=price, from_auction=False, state=SETTLED, deadline=None, settled_at=NOON, **changes)


def opened(order: Order, minor: int, remedies: tuple[Remedy, ...] = END, by_provider: bool = False) -> Dispute:
    demand = Demand(Category.RIGHTS_DEFECT, Money(minor), remedies)
    opening = Opening(DisputeId.new(), FactId.new(), demand, commitment(SEED), "aa" * 32, by(3))
    claimant = order.provider_id if by_provider else order.buyer_id
    return dispute_rules.open_dispute(order, claimant, opening, RULES, NOON)


def an_outcome(claimant: int, remedies: tuple[Remedy, ...] = ()) -> Outcome:
    return Outcome(Basis.RULING, Money(claimant), Money(PRICE - claimant), None, remedies)


@pytest.mark.parametrize("category, right_ends_at, until", [
    (Category.NOT_DELIVERED,     YEAR, NOON + WINDOW),
    (Category.NOT_AS_DESCRIBED,  YEAR, NOON + WINDOW),
    (Category.QUALITY_BELOW_SLA, YEAR, YEAR + WINDOW),
    (Category.RIGHTS_DEFECT,     YEAR, YEAR + WINDOW),
    (Category.OVER_USE,          YEAR, YEAR + WINDOW),
    (Category.LEAK,              YEAR, YEAR + WINDOW),
    (Category.LEAK,              NOON - WINDOW, NOON + WINDOW),
    (Category.LEAK,              None, NOON + WINDOW),
])  # fmt: skip
def test_what_shows_at_once_is_claimed_soon_and_what_shows_in_use_as_long_as_that_lasts(
    category: Category, right_ends_at: datetime | None, until: datetime
):
    order = settled()
    assert rules.claimable_until(order, category, right_ends_at) == until
    rules.require_in_time(order, category, right_ends_at, until - MICROSECOND)
    with pytest.raises(DeadlinePassed) as refused:
        rules.require_in_time(order, category, right_ends_at, until)
    assert refused.value.facts == {"deadline": until}


@pytest.mark.parametrize("state", [state for state in State if state is not SETTLED])
def test_only_what_is_settled_is_claimed_late(state: State):
    order = replace(settled(), state=state)
    with pytest.raises(NotDue) as refused:
        rules.claimable_until(order, Category.LEAK, YEAR)
    assert refused.value.facts == {"state": state, "next_actor": order.next_actor}
    with pytest.raises(NotDue):
        rules.claimable_until(replace(settled(), settled_at=None), Category.LEAK, YEAR)


def test_a_settlement_is_dated_whichever_way_it_comes():
    order = an_order(price=PRICE, state=SETTLING, deadline=YEAR)
    assert confirm_settlement(order, NOON).settled_at == NOON and order.settled_at is None
    free = an_order(price=0, state=AWAITING_ACCEPTANCE, deadline=YEAR)
    assert conclude(free, OrderReason.ACCEPTED_BY_BUYER, NOON).settled_at == NOON
    assert conclude(replace(order, state=AWAITING_ACCEPTANCE), OrderReason.ACCEPTED_BY_BUYER, NOON).settled_at is None


def test_a_buyer_claims_what_has_not_gone_back_and_a_provider_remedies_alone():
    order = settled(refund_minor=1_000, returned_minor=2_500)
    dispute = opened(order, 6_500)
    assert (dispute.is_late, dispute.came_from, dispute.window_seconds) == (True, SETTLED, 0)
    assert (dispute.price, dispute.undisputed) == (Money(PRICE), Money(0))
    assert opened(order, 0).demand.remedies == END and opened(order, 0, by_provider=True).is_late
    for minor, by_provider, most in ((6_501, False, 6_500), (1, True, 0), (-1, False, 6_500)):
        with pytest.raises(NotTheClaim) as refused:
            opened(order, minor, by_provider=by_provider)
        assert refused.value.facts == {"minor_min": 0, "minor_max": most}
    with pytest.raises(NotTheClaim) as refused:
        opened(order, 0, remedies=())
    assert refused.value.facts == {"detail": "a claim to no money asks for a remedy"}
    assert opened(order, 1, remedies=()).demand.amount == Money(1)


def test_what_is_in_escrow_is_claimed_for_money_and_what_is_free_for_a_remedy():
    held = an_order(price=PRICE, state=AWAITING_ACCEPTANCE, deadline=YEAR)
    for minor in (0, PRICE + 1):
        with pytest.raises(NotTheClaim) as refused:
            opened(held, minor)
        assert refused.value.facts == {"minor_min": 1, "minor_max": PRICE}
    assert not opened(held, PRICE, by_provider=True).is_late
    free = an_order(price=0, state=AWAITING_ACCEPTANCE, deadline=YEAR)
    assert disputed.may_be_disputed(free, NOON) and opened(free, 0).undisputed == Money(0)
    with pytest.raises(NotTheClaim) as refused:
        opened(free, 1)
    assert refused.value.facts == {"minor_min": 0, "minor_max": 0}


def test_a_free_order_is_settled_by_the_end_of_its_dispute():
    free = an_order(price=0, state=AWAITING_ACCEPTANCE, deadline=YEAR)
    ended = conclude(disputed.dispute(free, NOON), OrderReason.DISPUTE_ENDED, NOON)
    assert (ended.state, ended.settled_at, ended.deadline) == (SETTLED, NOON, None)


@pytest.mark.parametrize("returned, buyers, back, ends", [
    (0,      PRICE,     PRICE, True),
    (0,      PRICE - 1, PRICE - 1, False),
    (4_000,  PRICE,     6_000, True),   # some went back meanwhile: together it is all
    (4_000,  6_000,     6_000, True),
    (4_000,  5_999,     5_999, False),
    (PRICE,  PRICE,     0, True),       # the provider gave all of it back, and is ruled against all the same
    (PRICE,  0,         0, False),
    (0,      0,         0, False),
])  # fmt: skip
def test_what_goes_back_is_what_is_left_and_with_all_of_it_the_right_ends(
    returned: int, buyers: int, back: int, ends: bool
):
    order = settled(returned_minor=returned)
    assert rules.goes_back(order, Money(buyers)) == Money(back)
    assert rules.remedies_of(order, an_outcome(buyers), Money(buyers)) == (END if ends else ())
    ruled_so = an_outcome(buyers, (Remedy.END_RIGHT, Remedy.REDELIVER))
    assert rules.remedies_of(order, ruled_so, Money(buyers)) == ruled_so.remedies
    enlarged = an_outcome(buyers, (Remedy.REDELIVER,))
    assert rules.remedies_of(order, enlarged, Money(buyers)) == (
        (Remedy.REDELIVER, *END) if ends else (Remedy.REDELIVER,)
    )


@pytest.mark.parametrize("claimant, loser", [(6_000, "respondent_id"), (4_000, "claimant_id"), (5_000, None)])
def test_where_no_money_is_at_stake_the_ruling_says_who_lost(claimant: int, loser: str | None):
    dispute = in_state(dispute_rules.REVIEW, order=settled(price=0), disputed=0)
    ended = late(ruled(dispute, a_vote(dispute.panels[0].seated[0], claimant)))
    assert ended.outcome is not None and ended.outcome.claimant == Money(0)
    assert loser_of(ended) == (None if loser is None else getattr(ended, loser))


def test_a_refunded_order_has_nothing_left_to_claim():
    with pytest.raises(NotDue):
        rules.require_in_time(replace(settled(), state=REFUNDED), Category.LEAK, None, NOON)
