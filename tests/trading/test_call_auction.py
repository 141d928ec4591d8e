"""What a call auction promises, beside every price and every way to pair that there is."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import call_auction as rules
from services.trading.rules.call_auction import Clearing, Direction, NothingOrdered, SelfTrade, UnitOrder
from shared.ids import ParticipantId

BUY, SELL = Direction
PARTIES = [ParticipantId(f"participant_{number:032x}") for number in range(12)]


def book(buys: str, sells: str) -> tuple[UnitOrder, ...]:
    """`105x5 103x4`: limits and quantities, in the order of arrival, buyers before sellers, each of another party."""
    told = [(BUY, text) for text in buys.split()] + [(SELL, text) for text in sells.split()]
    made = list[UnitOrder]()
    for sequence, (direction, text) in enumerate(told, 1):
        limit, quantity = map(int, text.split("x"))
        made.append(UnitOrder(sequence, PARTIES[sequence], direction, limit, quantity))
    return tuple(made)


def told(clearing: Clearing | None) -> str:
    return "nothing" if clearing is None else f"{clearing.volume} at {clearing.price_minor}"


def filled(clearing: Clearing | None, order: UnitOrder) -> int:
    matches = clearing.matches if clearing else ()
    return sum(match.quantity for match in matches if order in (match.buy, match.sell))


@pytest.mark.parametrize("buys, sells, reference, outcome", [
    ("105x5 103x5 103x4 100x10", "99x4 102x6 104x8", 102, "10 at 102"),
    ("",                         "99x4",             102, "nothing"),
    ("105x5",                    "",                 102, "nothing"),
    ("99x5",                     "100x5",            102, "nothing"),
    ("100x5",                    "100x5",              1, "5 at 100"),
    ("105x5",                    "99x5",             102, "5 at 102"),   # the reference itself, between the limits
    ("105x5",                    "99x5",             200, "5 at 105"),   # the nearest to it
    ("105x5",                    "99x5",               1, "5 at 99"),
    ("105x5 101x5",              "99x5",             100, "5 at 102"),   # at 101 and below, five would be left over
    ("105x5",                    "99x5 103x5",       104, "5 at 102"),   # from 103 on, five would be left over
    ("104x3 100x9",              "100x3 104x9",      102, "3 at 102"),
    ("104x3 102x2",              "100x3 102x2",      102, "5 at 102"),   # most volume before all else
    ("110x1 101x1",              "99x1 105x1",       103, "1 at 103"),
    ("104x4 100x6",              "100x6 99x4",       104, "10 at 100"),  # volume comes before the reference
])  # fmt: skip
def test_worked_books(buys: str, sells: str, reference: int, outcome: str):
    assert told(rules.clear(book(buys, sells), reference)) == outcome


def test_the_golden_book_fills_by_price_and_then_by_time():
    orders = book("105x5 103x5 103x4 100x10", "99x4 102x6 104x8")
    clearing = rules.clear(orders, 102)
    assert [filled(clearing, order) for order in orders] == [5, 5, 0, 0, 4, 6, 0]
    assert clearing
    pairs = [(match.buy.sequence, match.sell.sequence, match.quantity) for match in clearing.matches]
    assert pairs == [(1, 5, 4), (1, 6, 1), (2, 6, 5)]


def test_an_order_at_the_margin_is_filled_in_part():
    orders = book("103x4 103x4", "99x5")
    clearing = rules.clear(orders, 103)
    assert [filled(clearing, order) for order in orders] == [4, 1, 5]


@pytest.mark.parametrize("limit, quantity", [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_an_order_for_nothing_is_not_taken(limit: int, quantity: int):
    with pytest.raises(NothingOrdered):
        rules.enter((), UnitOrder(1, PARTIES[0], BUY, limit, quantity), frozenset())
    least = UnitOrder(1, PARTIES[0], BUY, 1, 1)
    assert rules.enter((), least, frozenset()) == (least,)


@pytest.mark.parametrize("direction, limit, taken", [
    (BUY,  99, True), (BUY,  100, False), (BUY,  101, False),
    (SELL, 99, True), (SELL, 100, True),  (SELL, 101, True),
])  # fmt: skip
def test_nobody_can_trade_with_themselves_nor_with_an_affiliate(direction: Direction, limit: int, taken: bool):
    own = UnitOrder(1, PARTIES[0], SELL, 100, 5)
    for participant, related in ((PARTIES[0], frozenset[ParticipantId]()), (PARTIES[1], frozenset({PARTIES[0]}))):
        order = UnitOrder(2, participant, direction, limit, 5)
        if taken:
            assert rules.enter((own,), order, related) == (own, order)
        else:
            with pytest.raises(SelfTrade) as refused:
                rules.enter((own,), order, related)
            assert refused.value.facts == {}, "an affiliate's limit is sealed too"
    stranger = UnitOrder(2, PARTIES[1], direction, limit, 5)
    assert rules.enter((own,), stranger, frozenset({PARTIES[2]})) == (own, stranger)


def test_a_seller_meets_their_own_bid_too():
    bid = UnitOrder(1, PARTIES[0], BUY, 100, 5)
    for limit in (99, 100):
        with pytest.raises(SelfTrade):
            rules.enter((bid,), UnitOrder(2, PARTIES[0], SELL, limit, 5), frozenset())
    assert len(rules.enter((bid,), UnitOrder(2, PARTIES[0], SELL, 101, 5), frozenset())) == 2


# --- beside a naive reading ---

orders = st.builds(
    UnitOrder, sequence=st.just(0), participant_id=st.sampled_from(PARTIES), direction=st.sampled_from(Direction),
    limit_minor=st.integers(1, 9), quantity=st.integers(1, 4),
)  # fmt: skip
AFFILIATES = {PARTIES[0]: frozenset({PARTIES[1]}), PARTIES[1]: frozenset({PARTIES[0]})}


@st.composite
def books(draw: st.DrawFn, most: int = 7) -> tuple[UnitOrder, ...]:
    """As they come to be: each order is entered, and those that would trade with their own are not taken."""
    taken: tuple[UnitOrder, ...] = ()
    for sequence, order in enumerate(draw(st.lists(orders, max_size=most)), 1):
        related = AFFILIATES.get(order.participant_id, frozenset())
        try:
            taken = rules.enter(taken, replace(order, sequence=sequence), related)
        except SelfTrade:
            continue
    return taken


def merit(book: tuple[UnitOrder, ...], price: int, reference: int) -> tuple[int, int, int, int]:
    demand = sum(each.quantity for each in book if each.direction is BUY and each.limit_minor >= price)
    supply = sum(each.quantity for each in book if each.direction is SELL and each.limit_minor <= price)
    return -min(demand, supply), abs(demand - supply), abs(price - reference), price


@given(books(), st.integers(0, 12))
def test_the_price_is_the_best_of_all_whole_prices(book: tuple[UnitOrder, ...], reference: int):
    best = min((merit(book, price, reference) for price in range(0, 14)), default=(0, 0, 0, 0))
    clearing = rules.clear(book, reference)
    if best[0] == 0:
        assert clearing is None
    else:
        assert clearing and (clearing.volume, clearing.price_minor) == (-best[0], best[3])


def _paired(buys: tuple[int, ...], sells: tuple[int, ...]) -> int:
    """How many single units can be paired at most at one price, by trying each price."""
    return max(
        (min(sum(b >= price for b in buys), sum(s <= price for s in sells)) for price in (*buys, *sells)), default=0
    )


@given(books())
def test_no_one_price_trades_more(book: tuple[UnitOrder, ...]):
    units = {
        side: tuple(each.limit_minor for each in book if each.direction is side for _ in range(each.quantity))
        for side in Direction
    }
    clearing = rules.clear(book, 5)
    assert (clearing.volume if clearing else 0) == _paired(units[BUY], units[SELL])


@given(books(), st.integers(0, 12))
def test_what_is_bought_is_sold_within_limits_quantities_and_rank(book: tuple[UnitOrder, ...], reference: int):
    clearing = rules.clear(book, reference)
    if clearing is None:
        return
    assert all(match.quantity > 0 for match in clearing.matches)
    for side in Direction:
        ranked = [each for each in book if each.direction is side]
        got = {each.sequence: filled(clearing, each) for each in ranked}
        assert sum(got.values()) == clearing.volume
        for each in ranked:
            assert 0 <= got[each.sequence] <= each.quantity
            willing = each.limit_minor >= clearing.price_minor
            if side is SELL:
                willing = each.limit_minor <= clearing.price_minor
            assert willing or got[each.sequence] == 0, "nobody trades beyond their limit"
        for better in ranked:
            for worse in ranked:
                ahead = (
                    better.limit_minor > worse.limit_minor if side is BUY else better.limit_minor < worse.limit_minor
                )
                ahead = ahead or (better.limit_minor == worse.limit_minor and better.sequence < worse.sequence)
                if ahead and got[worse.sequence]:
                    assert got[better.sequence] == better.quantity, "no better-ranked order waits while a worse trades"


@given(books(), st.integers(0, 12))
def test_nobody_trades_with_their_own(book: tuple[UnitOrder, ...], reference: int):
    clearing = rules.clear(book, reference)
    for match in clearing.matches if clearing else ():
        buyer, seller = match.buy.participant_id, match.sell.participant_id
        assert buyer != seller and seller not in AFFILIATES.get(buyer, frozenset())


@given(books(most=5), st.integers(0, 12), st.data())
def test_the_order_of_the_book_says_nothing_and_simultaneous_orders_change_only_ties(
    book: tuple[UnitOrder, ...], reference: int, data: st.DataObject
):
    clearing = rules.clear(book, reference)
    shuffled = data.draw(st.permutations(book))
    assert rules.clear(tuple(shuffled), reference) == clearing
    renumbered = tuple(replace(each, sequence=number) for number, each in enumerate(shuffled, 1))
    again = rules.clear(renumbered, reference)
    assert told(again) == told(clearing)
    for side in Direction:
        for limit in {each.limit_minor for each in book}:
            tied = [
                sum(filled(found, each) for each in orders if (each.direction, each.limit_minor) == (side, limit))
                for found, orders in ((clearing, book), (again, renumbered))
            ]
            assert tied[0] == tied[1], "what one limit gets is the same, whoever of it came first"


def test_every_permutation_of_the_golden_book_gives_its_price_and_volume():
    golden = book("105x5 103x5 103x4", "99x4 102x6 104x8")
    assert {told(rules.clear(tuple(each), 102)) for each in permutations(golden)} == {"10 at 102"}
