"""What a session of a call auction promises, before and after the book is cleared."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import call_session as rules
from services.trading.rules.call_auction import Direction, NothingOrdered, SelfTrade, UnitOrder
from services.trading.rules.call_session import (
    CANCELLED,
    CLEARED,
    OPEN,
    ORDERS_MAX,
    UNCROSSED,
    CallAuction,
    CallFull,
    CallOver,
    CallStillOpen,
    CallTimes,
    Deal,
    NotInThisCall,
    OrderTooLarge,
    Placed,
    UnitsDiffer,
)
from services.trading.rules.listing import Listing
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import Pricing
from services.trading.rules.right import RightKind
from services.trading.rules.scope import scope_of, units_of
from shared.ids import CallAuctionId, ListingId, ParticipantId, UnitOrderId
from shared.money import MINOR_MAX, Money
from tests.trading.made import FEES, MICROSECOND, NOON, a_listing

BUY, SELL = Direction
END = NOON + timedelta(hours=2)
NOBODY = frozenset[ParticipantId]()
ANA, BEN, TOM, UMA = (ParticipantId.new() for _ in range(4))
HERE, THERE = (a_listing(RightKind.UNLIMITED, Pricing.NEGOTIATION) for _ in range(2))


def a_call(*listings: Listing, closes_at: datetime = END, reference: int = 102) -> CallAuction:
    return rules.open_call(
        CallAuctionId.new(), listings or (HERE, THERE), Money(reference), closes_at, FEES, STANDARD, NOON
    )  # fmt: skip


def placed(
    sequence: int, who: ParticipantId, direction: Direction, limit: int, quantity: int, of: Listing | None = None
) -> Placed:
    order = UnitOrder(sequence, who, direction, limit, quantity)
    return Placed(UnitOrderId.new(), CallAuctionId.new(), order, of and of.id, "00" * 32, NOON)


def entered(call: CallAuction, book: list[Placed], new: Placed, now: datetime = NOON, **known: Any) -> CallAuction:
    return rules.place(call, book, new.order, new.listing_id, known.get("related", NOBODY), now)


BOOK = [
    placed(1, ANA, BUY, 105, 5), placed(2, BEN, BUY, 103, 5), placed(3, TOM, SELL, 99, 4, HERE),
    placed(4, UMA, SELL, 102, 6, THERE),
]  # fmt: skip


def test_a_call_is_opened_on_the_one_unit_of_its_listings():
    call = a_call()
    assert (call.unit.quota_uses, call.unit.right, call.unit.mode) == (3, HERE.right, HERE.mode)
    assert (call.listing_ids, call.state, call.deadline) == (tuple(sorted((HERE.id, THERE.id))), OPEN, END)
    assert (call.next_actor, call.opened_at, call.last_at, call.volume) == ("buyer_and_provider", NOON, NOON, 0)
    assert a_call(HERE).listing_ids == (HERE.id,)


@pytest.mark.parametrize("changes", [
    {"quota_uses": 4}, {"mode": "api"}, {"purposes": ("research",)}, {"pricing": Pricing.FIXED},
    {"right": replace(HERE.right, period_days=364)}, {"right": replace(HERE.right, kind=RightKind.EXCLUSIVE)},
], ids=str)  # fmt: skip
def test_listings_that_grant_something_else_are_no_unit_of_it(changes: dict[str, Any]):
    other = replace(THERE, **changes)
    with pytest.raises(UnitsDiffer) as refused:
        a_call(HERE, other)
    assert refused.value.facts == {"listing_id": other.id}


def test_what_is_limited_or_posted_is_no_unit_even_alone():
    for changes in ({"pricing": Pricing.FIXED}, {"right": replace(HERE.right, kind=RightKind.LIMITED)}):
        with pytest.raises(UnitsDiffer):
            a_call(replace(HERE, **changes))


@pytest.mark.parametrize("lasts, taken", [
    (timedelta(hours=1) - MICROSECOND, False), (timedelta(hours=1), True), (timedelta(days=30), True),
    (timedelta(days=30) + MICROSECOND, False),
], ids=str)  # fmt: skip
def test_a_call_lasts_neither_too_short_nor_too_long(lasts: timedelta, taken: bool):
    if taken:
        assert a_call(closes_at=NOON + lasts).closes_at == NOON + lasts
        return
    with pytest.raises(CallTimes) as refused:
        a_call(closes_at=NOON + lasts)
    assert refused.value.facts == {"seconds_min": 3_600, "seconds_max": 30 * 86_400}


def test_who_sells_names_a_listing_of_the_call_and_who_buys_names_none():
    call = a_call()
    for new in (placed(1, ANA, SELL, 100, 1), placed(1, ANA, BUY, 100, 1, HERE),
                placed(1, ANA, SELL, 100, 1, a_listing())):  # fmt: skip
        with pytest.raises(NotInThisCall) as refused:
            entered(call, [], new)
        assert refused.value.facts == {"listings": list(call.listing_ids)}
    after = entered(call, [], placed(1, ANA, SELL, 100, 1, HERE), NOON + timedelta(hours=1))
    assert (after.order_count, after.revision, after.last_at) == (1, 2, NOON + timedelta(hours=1))
    with pytest.raises(NothingOrdered):
        entered(call, [], placed(1, ANA, BUY, 0, 1))


@pytest.mark.parametrize("late", [-MICROSECOND, timedelta(0), MICROSECOND], ids=str)
def test_the_moment_decides_what_is_still_taken(late: timedelta):
    call, now = a_call(), END + late
    acts = (lambda: entered(call, [], placed(1, ANA, BUY, 1, 1), now), lambda: rules.cancel(call, "停", now))
    for act in acts:
        if late < timedelta(0):
            assert act().last_at == now
        else:
            with pytest.raises(CallOver) as refused:
                act()
            assert refused.value.facts == {"state": OPEN, "closed_at": END}
    if late < timedelta(0):
        with pytest.raises(CallStillOpen) as early:
            rules.close(call, [], now)
        assert early.value.facts == {"closes_at": END}
    else:
        assert rules.close(call, [], now)[0].state is UNCROSSED


def test_time_never_runs_backwards_within_a_call():
    call = entered(a_call(), [], placed(1, ANA, BUY, 1, 1), END - MICROSECOND)
    assert entered(call, [], placed(2, BEN, BUY, 1, 1), NOON).last_at == END - MICROSECOND
    assert rules.cancel(call, "停", NOON).last_at == END - MICROSECOND
    seen_late = replace(call, last_at=END)
    assert rules.close(seen_late, [], NOON)[0].last_at == END
    with pytest.raises(CallOver):
        rules.cancel(seen_late, "停", NOON)
    with pytest.raises(CallOver):
        entered(seen_late, [], placed(2, BEN, BUY, 1, 1), NOON)


def test_a_call_holds_so_many_orders():
    full = [placed(number, ANA, BUY, 1, 1) for number in range(1, ORDERS_MAX + 1)]
    entered(a_call(), full[1:], placed(ORDERS_MAX, BEN, BUY, 1, 1))
    with pytest.raises(CallFull) as refused:
        entered(a_call(), full, placed(ORDERS_MAX + 1, BEN, BUY, 1, 1))
    assert refused.value.facts == {"orders_max": ORDERS_MAX}


def test_what_one_buyer_may_owe_can_be_kept():
    book = [placed(1, ANA, BUY, MINOR_MAX // 2, 1), placed(2, BEN, BUY, MINOR_MAX, 1)]
    entered(a_call(), book, placed(3, ANA, BUY, MINOR_MAX // 2, 1))
    with pytest.raises(OrderTooLarge) as refused:
        entered(a_call(), book, placed(3, ANA, BUY, MINOR_MAX // 2 + 1, 1))
    assert refused.value.facts == {"minor_max": MINOR_MAX}
    with pytest.raises(OrderTooLarge):
        entered(a_call(), book, placed(3, ANA, BUY, MINOR_MAX // 20, 11))
    entered(a_call(), [placed(1, TOM, BUY, 1, 1)], placed(2, TOM, SELL, MINOR_MAX, 9, HERE))


def test_nobody_orders_against_their_own():
    book = [placed(1, ANA, BUY, 100, 1)]
    for who, related in ((ANA, NOBODY), (BEN, frozenset({ANA}))):
        with pytest.raises(SelfTrade):
            entered(a_call(), book, placed(2, who, SELL, 100, 1, HERE), related=related)


def test_a_cleared_call_has_its_price_and_a_deal_for_each_pair():
    call, clearing = rules.close(a_call(), BOOK, END)
    assert (call.state, call.price, call.volume, call.reason_code) == (CLEARED, Money(102), 10, "one_price")
    assert (call.deadline, call.next_actor, call.last_at) == (None, None, END)
    assert clearing
    assert rules.deals_of(clearing, BOOK) == [
        Deal(ANA, HERE.id, 4), Deal(ANA, THERE.id, 1), Deal(BEN, THERE.id, 5),
    ]  # fmt: skip
    assert [rules.filled(clearing, each.order) for each in BOOK] == [5, 5, 4, 6]
    assert units_of(HERE, 4) == replace(scope_of(HERE), quota_uses=12)
    for act in (lambda: rules.close(call, BOOK, END), lambda: rules.cancel(call, "停", NOON),
                lambda: entered(call, BOOK, placed(5, ANA, BUY, 1, 1))):  # fmt: skip
        with pytest.raises(CallOver) as refused:
            act()
        assert refused.value.facts["state"] == CLEARED


def test_several_matches_of_a_pair_are_one_deal():
    book = [
        placed(1, ANA, BUY, 105, 2), placed(2, ANA, BUY, 104, 2), placed(3, TOM, SELL, 99, 1, HERE),
        placed(4, TOM, SELL, 100, 3, HERE),
    ]  # fmt: skip
    _, clearing = rules.close(a_call(), book, END)
    assert clearing and rules.deals_of(clearing, book) == [Deal(ANA, HERE.id, 4)]


def test_where_no_limits_meet_nobody_trades():
    call, clearing = rules.close(a_call(), [BOOK[0]], END)
    assert (call.state, call.price, call.volume, call.reason_code) == (UNCROSSED, None, 0, "no_limits_meet")
    assert clearing is None and rules.filled(None, BOOK[0].order) == 0


def test_an_operator_calls_it_off_for_a_reason():
    call = rules.cancel(a_call(), "标的有误", NOON)
    assert (call.state, call.reason_code, call.reason) == (CANCELLED, "by_operator", "标的有误")


def test_who_may_not_trade_by_now_is_left_out_and_of_affiliates_the_earlier_stays():
    denied = {BOOK[0].id: "clearance_too_low"}
    related = {BEN: frozenset({TOM}), TOM: frozenset({BEN})}
    stays, left_out = rules.standing(reversed(BOOK), denied, related)
    assert stays == [BOOK[1], BOOK[3]]
    assert left_out == {BOOK[0].id: "clearance_too_low", BOOK[2].id: "self_trade"}
    openings = [rules.opening_of(each, left_out) for each in BOOK]
    assert [each.left_out for each in openings] == ["clearance_too_low", None, "self_trade", None]
    assert [(each.sequence, each.limit_minor, each.salt) for each in openings][:2] == [
        (1, 105, "00" * 32), (2, 103, "00" * 32),
    ]  # fmt: skip
    assert rules.standing(BOOK, {}, {}) == (BOOK, {})


@given(st.lists(st.tuples(st.sampled_from([ANA, BEN, TOM]), st.sampled_from(Direction), st.integers(1, 6),
                          st.integers(1, 4), st.sampled_from([HERE, THERE])), max_size=8))  # fmt: skip
def test_deals_are_what_was_filled(told: list[tuple[ParticipantId, Direction, int, int, Listing]]):
    everyone = [
        placed(number, who, side, limit, quantity, of if side is SELL else None)
        for number, (who, side, limit, quantity, of) in enumerate(told, 1)
    ]
    book, _ = rules.standing(everyone, {}, {})
    call, clearing = rules.close(a_call(reference=3), book, END)
    deals = rules.deals_of(clearing, book) if clearing else []
    assert sum(deal.units for deal in deals) == call.volume
    pairs = [(deal.buyer_id, deal.listing_id) for deal in deals]
    assert len(pairs) == len(set(pairs))
    for who in (ANA, BEN, TOM):
        bought = sum(rules.filled(clearing, each.order) for each in book
                     if each.order.participant_id == who and each.order.direction is BUY)  # fmt: skip
        assert bought == sum(deal.units for deal in deals if deal.buyer_id == who)
    for listing in (HERE, THERE):
        sold = sum(rules.filled(clearing, each.order) for each in book if each.listing_id == listing.id)
        assert sold == sum(deal.units for deal in deals if deal.listing_id == ListingId(listing.id))
