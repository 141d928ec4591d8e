"""A credit: claimed once for a period, decided by the provider or its silence, and where it goes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.trading.rules import credit as rules
from services.trading.rules import order as order_rules
from services.trading.rules.acceptance_terms import AcceptanceTerms
from services.trading.rules.credit import (
    CONFIRMED,
    CONTESTED,
    MOOT,
    ClaimedAlready,
    Credit,
    CreditNotOpen,
    NothingMissed,
    NothingPromised,
)
from services.trading.rules.market_rules import DAY
from services.trading.rules.measured import CONTRADICTED, OPEN, SUPPORTED, Measured, Verdict
from services.trading.rules.order import (
    ANSWERED,
    AWAITING_ACCEPTANCE,
    DEFAULTED,
    LAPSED,
    OBJECTED,
    REFUNDED,
    SETTLED,
    SETTLING,
    DeadlinePassed,
    Order,
    State,
)
from services.trading.rules.service_level import Band, Figures, PeriodNotOver, ServiceLevel
from shared.ids import CreditId
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON
from tests.trading.objecting import a_delivered

LEVEL = ServiceLevel(10, 9_990, (Band(9_990, 1_000), Band(9_000, 5_000)), cap_basis_points=800)
TERMS = AcceptanceTerms(30 * DAY, 2 * DAY, service_level=LEVEL)
DAYS, BAD, WORSE = 100, Figures(144), Figures(14_400)  # the periods cost 1 000 each; BAD gives 100 back
AFTER = NOON + timedelta(days=10)
ANSWERING = timedelta(days=2)


def an_order(state: State = AWAITING_ACCEPTANCE) -> Order:
    return replace(a_delivered(10_000, TERMS), state=state)


def claimed(
    *earlier: Credit, order: Order | None = None, period: int = 1, figures: Figures = BAD, now: datetime = AFTER
) -> Credit:
    order = order or an_order()
    return rules.claim(CreditId.new(), order, NOON, DAYS, earlier, period, figures, now)


def test_a_credit_is_what_the_figures_say_and_waits_for_the_provider():
    order = an_order()
    credit = claimed(order=order)
    assert (credit.amount, credit.next_actor, credit.deadline) == (Money(100), "provider", AFTER + ANSWERING)
    assert (credit.order_id, credit.buyer_id, credit.provider_id) == (order.id, order.buyer_id, order.provider_id)
    assert claimed(figures=WORSE).amount == Money(500)


@pytest.mark.parametrize("state", State)
def test_a_credit_is_claimed_for_what_was_delivered(state: State):
    if state in {AWAITING_ACCEPTANCE, OBJECTED, ANSWERED, SETTLING, SETTLED}:
        assert claimed(order=an_order(state)).amount == Money(100)
        return
    with pytest.raises(NothingPromised) as refused:
        claimed(order=an_order(state))
    assert refused.value.facts == {"state": state}


def test_without_a_promise_there_is_no_credit():
    with pytest.raises(NothingPromised):
        claimed(order=a_delivered(10_000, AcceptanceTerms()))
    with pytest.raises(NothingMissed) as refused:
        claimed(figures=Figures(14))
    assert refused.value.facts == {"availability_basis_points": 9_990, "given_minor": 0}


def test_a_period_is_claimed_once_it_is_over_for_thirty_days():
    last = AFTER + timedelta(days=30)
    assert claimed(now=last - MICROSECOND).amount == Money(100)
    with pytest.raises(DeadlinePassed) as refused:
        claimed(now=last)
    assert refused.value.facts == {"deadline": last}
    with pytest.raises(PeriodNotOver):
        claimed(now=AFTER - MICROSECOND)


def test_the_same_claim_twice_is_one_and_other_figures_are_refused():
    first = claimed()
    assert claimed(first) is first
    with pytest.raises(ClaimedAlready) as refused:
        claimed(first, figures=WORSE)
    assert refused.value.facts == {"period": 1}


def test_claims_together_stay_within_the_cap_and_what_is_contested_frees_it():
    first = claimed(figures=WORSE)
    later = AFTER + timedelta(days=10)
    second = claimed(first, period=2, figures=WORSE, now=later)
    assert (first.amount, second.amount) == (Money(500), Money(300))
    with pytest.raises(NothingMissed) as refused:
        claimed(first, second, period=3, figures=WORSE, now=later + timedelta(days=10))
    assert refused.value.facts["given_minor"] == 800
    contested = rules.contest(first, "无误", AFTER)
    assert claimed(contested, second, period=3, figures=WORSE, now=later + timedelta(days=10)).amount == Money(500)


@pytest.mark.parametrize("state", [AWAITING_ACCEPTANCE, OBJECTED, ANSWERED])
def test_what_is_confirmed_in_escrow_goes_back_when_the_order_is_concluded(state: State):
    order = an_order(state)
    credit, credited = rules.confirm(claimed(order=order), order, AFTER)
    assert (credit.state, credit.is_owed, credit.reason_code) == (CONFIRMED, False, "confirmed_by_provider")
    assert (credit.deadline, credit.decided_at, credit.next_actor, credit.revision) == (None, AFTER, None, 2)
    assert (credited.credit_minor, credited.revision) == (100, order.revision + 1)
    concluded = order_rules.conclude(credited, order_rules.Reason.ACCEPTED_BY_BUYER, AFTER, Money(1_000))
    assert (concluded.state, concluded.refund) == (SETTLING, Money(1_100))
    assert concluded.settlement and concluded.settlement.total == Money(8_900)
    assert rules.credited(credited, Money(7)).credit_minor == 107


@pytest.mark.parametrize(("back", "refund", "state"), [
    (9_899, 9_999, SETTLING), (9_900, 10_000, REFUNDED), (9_901, 10_000, REFUNDED), (10_000, 10_000, REFUNDED),
])  # fmt: skip
def test_no_more_than_the_price_goes_back_with_a_credit(back: int, refund: int, state: State):
    order = rules.credited(an_order(ANSWERED), Money(100))
    concluded = order_rules.conclude(order, order_rules.Reason.PART_TAKEN, AFTER, Money(back))
    assert (concluded.refund, concluded.state) == (Money(refund), state)


@pytest.mark.parametrize("state", [SETTLING, SETTLED])
def test_what_is_confirmed_after_the_price_was_shared_out_is_owed(state: State):
    order = an_order(state)
    credit, same = rules.confirm(claimed(order=order), order, AFTER)
    assert (credit.state, credit.is_owed) == (CONFIRMED, True) and same is order


@pytest.mark.parametrize("state", [REFUNDED, LAPSED, DEFAULTED])
def test_a_credit_of_what_went_back_whole_is_moot(state: State):
    credit, order = claimed(), an_order(state)
    for decided, same in (rules.confirm(credit, order, AFTER), rules.pass_deadline(credit, order, AFTER)):
        assert (decided.state, decided.reason_code, decided.is_owed) == (MOOT, "order_refunded", False)
        assert same is order


def test_silence_confirms_and_a_contested_credit_says_why():
    credit, order = claimed(), an_order()
    silent, credited = rules.pass_deadline(credit, order, AFTER + ANSWERING)
    assert (silent.state, silent.reason_code, credited.credit_minor) == (CONFIRMED, "confirmed_by_silence", 100)
    contested = rules.contest(credit, "日志无中断", AFTER)
    assert (contested.state, contested.reason_code, contested.reason) == (
        CONTESTED, "contested_by_provider", "日志无中断",
    )  # fmt: skip
    assert (contested.deadline, contested.decided_at) == (None, AFTER)


def test_an_answer_counts_until_its_deadline_and_twice_is_once():
    credit, order = claimed(), an_order()
    end = AFTER + ANSWERING
    confirmed, credited = rules.confirm(credit, order, end - MICROSECOND)
    assert rules.confirm(confirmed, credited, AFTER) == (confirmed, credited)
    contested = rules.contest(credit, "无误", end - MICROSECOND)
    assert rules.contest(contested, "无误", AFTER) is contested
    for late in (lambda: rules.confirm(credit, order, end), lambda: rules.contest(credit, "无误", end)):
        with pytest.raises(DeadlinePassed) as refused:
            late()
        assert refused.value.facts == {"deadline": end}
    for credit, other in (
        (confirmed, lambda: rules.contest(confirmed, "无误", AFTER)),
        (contested, lambda: rules.confirm(contested, order, AFTER)),
        (contested, lambda: rules.contest(contested, "别的", AFTER)),
    ):
        with pytest.raises(CreditNotOpen) as over:
            other()
        assert over.value.facts == {"state": credit.state, "reason_code": credit.reason_code}


def measured(verdict: Verdict) -> Measured:
    return Measured(1, 0, 0, (1, 0, 0, 0, 0, 0), 100, 0, 10, verdict)


@pytest.mark.parametrize("verdict, state, reason, credited", [
    (CONTRADICTED, CONTESTED, "measured_otherwise",   0),
    (OPEN,         CONFIRMED, "confirmed_by_silence", 100),
    (SUPPORTED,    CONFIRMED, "confirmed_by_silence", 100),
])  # fmt: skip
def test_silence_confirms_what_was_not_measured_otherwise(
    verdict: Verdict, state: rules.State, reason: str, credited: int
):
    order = an_order()
    found = measured(verdict)
    credit = rules.claim(CreditId.new(), order, NOON, DAYS, (), 1, BAD, AFTER, found)
    assert (credit.measured, credit.is_contradicted) == (found, verdict is CONTRADICTED)
    decided, after = rules.pass_deadline(credit, order, AFTER + ANSWERING)
    assert (decided.state, decided.reason_code, decided.reason, decided.deadline) == (state, reason, None, None)
    assert (after.credit_minor, decided.is_owed, decided.decided_at) == (credited, False, AFTER + ANSWERING)


@pytest.mark.parametrize("state", [REFUNDED, DEFAULTED])
def test_of_a_price_that_went_back_whole_it_does_not_matter_what_was_measured(state: State):
    credit = replace(claimed(), measured=measured(CONTRADICTED))
    decided, _ = rules.pass_deadline(credit, an_order(state), AFTER + ANSWERING)
    assert (decided.state, decided.reason_code) == (MOOT, "order_refunded")


def test_a_provider_may_confirm_what_was_measured_otherwise():
    credit = replace(claimed(), measured=measured(CONTRADICTED))
    decided, order = rules.confirm(credit, an_order(), AFTER)
    assert (decided.state, decided.reason_code, order.credit_minor) == (CONFIRMED, "confirmed_by_provider", 100)
