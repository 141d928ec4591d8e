"""What goes back of each share, who pays it, and who owes: the rules alone."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import returning as rules
from services.trading.rules.co_owner import CoOwner, Ownership
from services.trading.rules.instruction import EXCHANGE_FEE, EXCHANGE_RESERVE, EXCHANGE_TAX
from services.trading.rules.order import SETTLED, SETTLING, Order, State
from services.trading.rules.returning import (
    BadReturn,
    Debt,
    NotSettled,
    Payment,
    Receivable,
    ReturnTooHigh,
    Share,
)
from shared.ids import OrderId, ParticipantId, ReceivableId
from shared.money import Money
from tests.trading.made import NOON, an_order

A, B, BUYER = (ParticipantId(f"participant_{number:032x}") for number in range(1, 4))


def settled(price: int, *, refund: int = 0, returned: int = 0, **changes: Any) -> Order:
    return an_order(price=price, state=SETTLED, refund_minor=refund, returned_minor=returned, **changes)


def minor(due: tuple[Share, ...]) -> dict[str, int]:
    return {share.bearer: share.amount.minor for share in due}


def test_half_of_a_price_takes_half_of_fee_and_tax_with_it():
    order, due = rules.give_back(settled(1_120_000), Money(560_000))
    assert minor(due) == {EXCHANGE_TAX: 840, EXCHANGE_FEE: 14_000, order.provider_id: 545_160}
    assert (order.returned_minor, order.revision) == (560_000, 2)


def test_all_of_a_price_takes_fee_and_tax_back_to_the_last_fen():
    order = settled(12_345)
    assert order.settlement
    _, due = rules.give_back(order, Money(12_345))
    assert minor(due) == {
        EXCHANGE_TAX: order.settlement.tax.minor, EXCHANGE_FEE: order.settlement.fee.minor,
        order.provider_id: order.settlement.provider.minor,
    }  # fmt: skip


def test_co_owners_give_back_in_proportion_to_what_they_got():
    ownership = Ownership((CoOwner(A, 7_500), CoOwner(B, 2_500)))
    order = settled(100_000, ownership=ownership, provider_id=A)
    assert [amount.minor for _, amount in order.earned] == [73_013, 24_337]  # a tie: the odd fen to the earlier
    _, due = rules.give_back(order, Money(10_000))
    assert minor(due) == {EXCHANGE_TAX: 15, EXCHANGE_FEE: 250, A: 7_301, B: 2_434}


def test_of_a_partly_refunded_order_only_the_rest_can_come_back():
    order = settled(1_000, refund=400, returned=500)
    with pytest.raises(ReturnTooHigh) as refusal:
        rules.give_back(order, Money(101))
    assert refusal.value.facts == {"left_minor": 100}
    assert rules.give_back(order, Money(100))[0].returned_minor == 600


@pytest.mark.parametrize("state", [state for state in State if state is not SETTLED])
def test_what_was_not_shared_out_does_not_come_back(state: State):
    with pytest.raises(NotSettled) as refusal:
        rules.give_back(replace(settled(1_000), state=state), Money(1))
    assert refusal.value.facts == {"state": state}
    assert SETTLING in State


@pytest.mark.parametrize("amount", [Money(0), Money(-1), Money(1, "USD")], ids=["nothing", "below", "dollars"])
def test_a_return_is_of_something_and_in_the_currency_of_the_price(amount: Money):
    with pytest.raises(BadReturn) as refusal:
        rules.give_back(settled(1_000), amount)
    assert refusal.value.facts == {"currency": "CNY"}


SHARES = st.lists(st.integers(0, 10**6), min_size=1, max_size=6).filter(any)


@given(SHARES, st.data())
def test_whatever_goes_back_in_whatever_steps_no_share_falls_or_exceeds_itself(shares: list[int], data: st.DataObject):
    """Against exact fractions, written anew: each share is within a unit for each split before it."""
    whole, told = sum(shares), [Money(share) for share in shares]
    steps = sorted(data.draw(st.lists(st.integers(0, whole), max_size=8)))
    before = [0] * len(shares)
    for returned in [*steps, whole]:
        gone = [amount.minor for amount in rules.gone_back(told, Money(returned))]
        assert sum(gone) == returned
        for earlier, now, share in zip(before, gone, shares, strict=True):
            assert earlier <= now <= share
            assert abs(now - Fraction(share * returned, whole)) <= Fraction(len(shares), 2)
        before = gone
    assert before == shares


def test_fen_by_fen_every_step_is_one_fen_from_one_share():
    """The case where one split among all by largest remainder would take a fen back from somebody."""
    shares = [Money(share) for share in (6, 6, 2)]
    for returned in range(14):
        earlier, later = (rules.gone_back(shares, Money(each)) for each in (returned, returned + 1))
        assert sorted(b.minor - a.minor for a, b in zip(earlier, later, strict=True)) == [0, 0, 1]


def test_the_naive_split_would_have_taken_a_fen_back():
    assert [share.minor for share in Money(10).split([6, 6, 2])] == [4, 4, 2]
    assert [share.minor for share in Money(11).split([6, 6, 2])] == [5, 5, 1]


# --- who pays, who owes


DUE = (Share(EXCHANGE_FEE, Money(10)), Share(A, Money(100)), Share(B, Money(50)))


@pytest.mark.parametrize("available, reserve, payments, debts", [
    ({A: 100, B: 50}, 0,   [(A, A, 100), (B, B, 50)],                                  []),
    ({A: 99, B: 50},  0,   [(A, A, 99), (B, B, 50)],                                   [(A, BUYER, 1)]),
    ({A: 99, B: 50},  1,   [(A, A, 99), (A, EXCHANGE_RESERVE, 1), (B, B, 50)],         [(A, EXCHANGE_RESERVE, 1)]),
    ({A: 0, B: 0},    120, [(A, EXCHANGE_RESERVE, 100), (B, EXCHANGE_RESERVE, 20)],
     [(A, EXCHANGE_RESERVE, 100), (B, BUYER, 30), (B, EXCHANGE_RESERVE, 20)]),
    ({A: 0, B: 0},    0,   [],  [(A, BUYER, 100), (B, BUYER, 50)]),
])  # fmt: skip
def test_the_reserve_pays_for_who_cannot_and_what_is_still_missing_is_owed(
    available: dict[str, int], reserve: int, payments: list[Any], debts: list[Any]
):
    paid, owed = rules.covered(DUE, available, reserve, BUYER)
    own = Payment(EXCHANGE_FEE, EXCHANGE_FEE, Money(10))
    assert paid == (own, *(Payment(bearer, payer, Money(minor)) for bearer, payer, minor in payments))
    assert owed == tuple(Debt(debtor, creditor, Money(minor)) for debtor, creditor, minor in debts)


def receivable(debtor: ParticipantId, amount: int, collected: int = 0) -> Receivable:
    return Receivable(
        ReceivableId.new(), debtor, BUYER, OrderId.new(), 1, Money(amount), Money(collected), NOON
    )  # fmt: skip


def test_what_comes_in_meets_the_oldest_debt_first_and_nobody_elses():
    debts = [receivable(A, 30), receivable(B, 5), receivable(A, 40, 10), receivable(A, 1)]
    found = rules.collected(debts, {A: Money(50), B: Money(100)})
    assert [(after.id, after.collected.minor, taken.minor) for after, taken in found] == [
        (debts[0].id, 30, 30), (debts[1].id, 5, 5), (debts[2].id, 30, 20),
    ]  # fmt: skip
    assert rules.collected(debts[:1], {A: Money(0)}) == ()
    assert (debts[2].open, found[2][0].open) == (Money(30), Money(10))


def test_one_fen_can_go_back_and_a_second_return_takes_up_where_the_first_ended():
    first, due = rules.give_back(settled(1_120_000), Money(1))
    assert sum(minor(due).values()) == 1
    once, _ = rules.give_back(first, Money(559_999))
    _, rest = rules.give_back(once, Money(560_000))
    assert minor(rest) == {EXCHANGE_TAX: 840, EXCHANGE_FEE: 14_000, once.provider_id: 545_160}
