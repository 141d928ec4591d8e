"""What an auction promises, beside a naive reading of its rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trading.rules import auction as rules
from services.trading.rules.auction import (
    AUCTION,
    CANCELLED,
    OPEN,
    SOLD,
    UNSOLD,
    Auction,
    AuctionClosed,
    AuctionNotStarted,
    AuctionStillOpen,
    BidsWerePlaced,
    BidTooLow,
    OwnMaximumNotRaised,
    State,
)
from services.trading.rules.auction_terms import Increment, Terms
from shared.errors import Conflict
from shared.ids import ParticipantId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON, an_auction, terms

BIDDERS = {name: ParticipantId.new() for name in "ABCDE"}
NAMES = {participant_id: name for name, participant_id in BIDDERS.items()}
END = NOON + timedelta(days=2)


def bids_placed(auction: Auction, bids: Sequence[tuple[str, int]], at: datetime = NOON) -> Auction:
    for who, maximum in bids:
        auction = rules.place_bid(auction, BIDDERS[who], Money(maximum), at)
    return auction


def ids_of(names: str) -> tuple[ParticipantId, ...]:
    return tuple(BIDDERS[name] for name in names)


def told(auction: Auction) -> str:
    if auction.state is SOLD and auction.price and auction.leader_id:
        return f"sold to {NAMES[auction.leader_id]} at {auction.price.minor}"
    return f"{auction.state}: {auction.reason_code}"


@pytest.mark.parametrize("bids, reserve, outcome", [
    ([],                                             None, "unsold: no_bids"),
    ([("A", 100)],                                   None, "sold to A at 100"),
    ([("A", 200)],                                   None, "sold to A at 100"),
    ([("A", 200), ("B", 120), ("C", 300), ("A", 250)], None, "sold to C at 260"),
    ([("A", 200), ("B", 200)],                       None, "sold to A at 200"),
    ([("A", 140), ("B", 120)],                        150, "unsold: reserve_not_met"),
    ([("A", 150)],                                    150, "sold to A at 150"),
    ([("A", 140), ("B", 400)],                        150, "sold to B at 150"),
    ([("A", 140), ("A", 160)],                        150, "sold to A at 150"),
    ([("A", 200), ("A", 300), ("B", 250)],           None, "sold to A at 260"),
    ([("A", 200), ("B", 205)],                       None, "sold to B at 205"),
    ([("A", 200), ("B", 195)],                       None, "sold to A at 200"),
])  # fmt: skip
def test_worked_auctions(bids: list[tuple[str, int]], reserve: int | None, outcome: str):
    auction = bids_placed(an_auction(terms(reserve=reserve)), bids)
    assert told(rules.close(auction, END)) == outcome


def test_a_leader_who_may_not_have_it_any_more_buys_nothing():
    led, empty = bids_placed(an_auction(), [("A", 200)]), an_auction()
    assert told(rules.close(led, END, denied="clearance_too_low")) == "unsold: clearance_too_low"
    assert told(rules.close(empty, END, denied="clearance_too_low")) == "unsold: no_bids"


def test_a_price_just_under_the_floor_is_refused_and_the_floor_is_named():
    auction = bids_placed(an_auction(), [("A", 200), ("B", 120)])
    with pytest.raises(BidTooLow) as refused:
        rules.place_bid(auction, BIDDERS["C"], Money(139), NOON)
    assert refused.value.facts == {"floor_minor": 140}
    assert rules.place_bid(auction, BIDDERS["C"], Money(140), NOON).price == Money(150)


def test_steps_grow_with_the_price():
    banded = replace(terms(), increments=(Increment(0, 10), Increment(150, 50), Increment(1000, 200)))
    auction = bids_placed(an_auction(banded), [("A", 149), ("B", 1000)])
    assert (auction.price, auction.floor) == (Money(159), Money(209))
    assert bids_placed(auction, [("C", 5000)]).price == Money(1200)


def test_the_leader_may_raise_only_their_own_maximum():
    auction = bids_placed(an_auction(), [("A", 200)])
    with pytest.raises(OwnMaximumNotRaised):
        bids_placed(auction, [("A", 200)])
    raised = bids_placed(auction, [("A", 201)])
    assert (raised.price, raised.leader_maximum) == (Money(100), Money(201))


@pytest.mark.parametrize("at, refused", [
    (NOON - MICROSECOND, None),  # the clock of one process is behind: time stands still rather than runs backwards
    (END - MICROSECOND,  None),
    (END,                AuctionClosed),
    (END + MICROSECOND,  AuctionClosed),
])  # fmt: skip
def test_a_bid_counts_until_the_close_and_not_at_it(at: datetime, refused: type[Conflict] | None):
    if refused is None:
        assert rules.place_bid(an_auction(), BIDDERS["A"], Money(100), at).last_at == max(at, NOON)
    else:
        with pytest.raises(refused):
            rules.place_bid(an_auction(), BIDDERS["A"], Money(100), at)


@pytest.mark.parametrize("at, closed", [(END - MICROSECOND, False), (END, True), (END + MICROSECOND, True)])
def test_an_auction_closes_at_its_end_and_not_before(at: datetime, closed: bool):
    auction = bids_placed(an_auction(), [("A", 100)])
    if closed:
        assert rules.close(auction, at).state is SOLD
    else:
        with pytest.raises(AuctionStillOpen):
            rules.close(auction, at)


def test_nobody_bids_before_the_opening():
    later = replace(terms(), opens_at=NOON + timedelta(hours=1))
    with pytest.raises(AuctionNotStarted):
        rules.place_bid(an_auction(later), BIDDERS["A"], Money(100), NOON + timedelta(hours=1) - MICROSECOND)
    assert rules.place_bid(an_auction(later), BIDDERS["A"], Money(100), NOON + timedelta(hours=1)).bid_count == 1


def test_time_never_runs_backwards_within_an_auction():
    auction = rules.place_bid(an_auction(), BIDDERS["A"], Money(100), END - timedelta(minutes=1))
    assert rules.place_bid(auction, BIDDERS["B"], Money(110), NOON).last_at == END - timedelta(minutes=1)


@pytest.mark.parametrize("before_the_end, moved_by", [
    (timedelta(minutes=5) + MICROSECOND, timedelta(0)),
    (timedelta(minutes=5),               timedelta(0)),  # five minutes from then is the end as it is
    (timedelta(minutes=2),               timedelta(minutes=3)),
    (MICROSECOND,                        timedelta(minutes=5) - MICROSECOND),
])  # fmt: skip
def test_a_late_bid_leaves_five_minutes_to_answer(before_the_end: timedelta, moved_by: timedelta):
    auction = rules.place_bid(an_auction(), BIDDERS["A"], Money(100), END - before_the_end)
    assert auction.closes_at == END + moved_by
    assert auction.extensions == (moved_by > timedelta(0))


def test_the_end_stops_moving_at_the_hard_end_and_after_the_last_extension():
    hard = replace(terms(), hard_closes_at=END + timedelta(minutes=1))
    assert bids_placed(an_auction(hard), [("A", 100)], END - MICROSECOND).closes_at == END + timedelta(minutes=1)
    once = bids_placed(an_auction(replace(terms(), extensions_max=1)), [("A", 100)], END - MICROSECOND)
    again = bids_placed(once, [("B", 200)], once.closes_at - MICROSECOND)
    assert (once.extensions, again.extensions, again.closes_at) == (1, 1, once.closes_at)


def test_a_cap_of_nothing_leaves_the_hard_end_alone_to_stop_the_end():
    auction = an_auction(replace(terms(), extensions_max=0))
    for number in range(1, 49):
        late = auction.closes_at - MICROSECOND
        auction = rules.place_bid(auction, BIDDERS["AB"[number % 2]], Money(100 * number), late)
    hard = auction.terms.hard_closes_at
    assert (auction.extensions, auction.closes_at) == (48, hard - 48 * MICROSECOND)
    last = bids_placed(auction, [("C", 10_000)], auction.closes_at - MICROSECOND)
    assert last.closes_at == hard == END + timedelta(hours=4)
    assert bids_placed(last, [("D", 20_000)], hard - MICROSECOND).closes_at == hard


def test_a_refused_bid_moves_no_end():
    led = bids_placed(an_auction(), [("A", 200)])
    with pytest.raises(BidTooLow):
        bids_placed(led, [("B", 109)], END - MICROSECOND)
    with pytest.raises(OwnMaximumNotRaised):
        bids_placed(led, [("A", 200)], END - MICROSECOND)
    assert bids_placed(led, [("B", 110)], END - MICROSECOND).closes_at > END == led.closes_at


def test_the_provider_cancels_before_the_first_bid_and_not_after_it():
    assert rules.cancel(an_auction(), NOON).state is CANCELLED
    with pytest.raises(BidsWerePlaced):
        rules.cancel(bids_placed(an_auction(), [("A", 100)]), NOON)
    with pytest.raises(AuctionClosed):
        rules.cancel(an_auction(), END)


def test_a_refusal_says_when_and_what_instead():
    later, led = (
        an_auction(replace(terms(), opens_at=NOON + timedelta(hours=1))),
        bids_placed(an_auction(), [("A", 100)]),
    )
    cancelled = replace(led, state=CANCELLED)
    for act, facts in (
        (lambda: bids_placed(later, [("A", 100)]), {"opens_at": NOON + timedelta(hours=1)}),
        (lambda: bids_placed(led, [("A", 200)], END), {"state": OPEN, "closed_at": END}),
        (lambda: rules.close(led, NOON), {"closes_at": END}),
        (lambda: rules.close(cancelled, END), {"state": CANCELLED, "closed_at": END}),
        (lambda: rules.cancel(led, NOON), {"bids": 1}),
        (lambda: rules.cancel(an_auction(), END), {"state": OPEN, "closed_at": END}),
    ):  # fmt: skip
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.facts == facts


ACTS: dict[str, Callable[[Auction], Auction]] = {
    "place_bid": lambda auction: rules.place_bid(auction, BIDDERS["E"], Money(100_000), NOON),
    "close": lambda auction: rules.close(auction, END),
    "cancel": lambda auction: rules.cancel(auction, NOON),
    "forbid": lambda auction: rules.forbid(auction, "mode_not_allowed_for_grade", NOON),
}  # fmt: skip
TO = {
    ("place_bid", OPEN): OPEN, ("close", OPEN): UNSOLD, ("cancel", OPEN): CANCELLED, ("forbid", OPEN): CANCELLED,
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State, act: str):
    auction = replace(an_auction(), state=state)
    if to := TO.get((act, state)):
        after = ACTS[act](auction)
        assert (after.state, after.revision) == (to, auction.revision + 1)
        assert to in AUCTION.moves[state] | {state}
    else:
        with pytest.raises((AuctionClosed, IllegalMove)):
            ACTS[act](auction)


# A naive reading of the rules, written without looking at the reducer: all accepted bids are kept and asked again.
# D and E have a priority in half of the auctions.
PRIVILEGED = "DE"


def answer(of: Terms, who: str, other: str, price: int) -> int:
    """What `who` must say where `other` has said a price."""
    equals = bool(of.priority_ids) and who in PRIVILEGED and other not in PRIVILEGED
    return price if equals else of.step_above(Money(price)).minor


@dataclass(frozen=True)
class Naive:
    accepted: tuple[tuple[str, int], ...] = ()
    end: datetime = END
    extensions: int = 0
    price: int | None = None
    led_by: str | None = None

    privileged: str = ""

    def best(self) -> list[tuple[str, int]]:
        """The highest maximum of each bidder, best first; of equal ones, whoever has a priority is ahead, and of equals
        in that, the one that was reached first."""
        reached: dict[str, tuple[int, bool, int]] = {}
        for index, (who, maximum) in enumerate(self.accepted):
            if who not in reached or maximum > -reached[who][0]:
                reached[who] = (-maximum, who not in self.privileged, index)
        order = sorted(reached.items(), key=lambda item: item[1])
        return [(who, -negative) for who, (negative, _, _) in order]

    def price_after(self, of: Terms, who: str) -> int:
        """What the leader would pay, once `who` has bid: raising one's own maximum moves only the reserve."""
        (_, leading), *others = self.best()
        price = max(of.start_price.minor, self.price or 0)
        if others and not (self.led_by == who == self.best()[0][0]):
            price = max(price, min(leading, answer(of, self.best()[0][0], *others[0])))
        if of.reserve_price and leading >= of.reserve_price.minor:
            price = max(price, of.reserve_price.minor)
        return price

    def accepts(self, of: Terms, who: str, maximum: int, at: datetime) -> bool:
        if not of.opens_at <= at < self.end:
            return False
        if self.price is None:
            return maximum >= of.start_price.minor
        if self.led_by == who:
            return maximum > self.best()[0][1]
        return maximum >= answer(of, who, self.led_by or "", self.price)

    def after(self, of: Terms, who: str, maximum: int, at: datetime) -> "Naive":
        late = self.end - at <= timedelta(seconds=of.soft_close_seconds)
        end = self.end
        if late and (self.extensions < of.extensions_max or of.extensions_max == 0):
            end = max(end, min(at + timedelta(seconds=of.extension_seconds), of.hard_closes_at))
        more = replace(self, accepted=(*self.accepted, (who, maximum)))
        return Naive(
            more.accepted, end, self.extensions + (end != self.end), more.price_after(of, who), more.best()[0][0],
            self.privileged,
        )  # fmt: skip


tables_of_steps = st.lists(st.integers(1, 60), min_size=1, max_size=4).map(
    lambda steps: tuple(
        Increment(index * 150, step, index * 300 if len(steps) > 2 else 0) for index, step in enumerate(sorted(steps))
    )
)
commands = st.lists(st.tuples(st.sampled_from(sorted(BIDDERS)), st.integers(50, 900), st.integers(0, 400)), max_size=25)


def some_terms(steps: tuple[Increment, ...], reserve: int | None, extensions_max: int, privileged: bool) -> Terms:
    hard_closes_at = END + timedelta(minutes=12)
    of = replace(terms(reserve=reserve), increments=steps, hard_closes_at=hard_closes_at)
    return replace(of, extensions_max=extensions_max, priority_ids=ids_of(PRIVILEGED) if privileged else ())


all_terms = st.builds(some_terms, tables_of_steps, st.none() | st.integers(100, 700), st.integers(0, 4), st.booleans())


@settings(max_examples=300)
@given(of=all_terms, bids=commands)
def test_any_auction_goes_as_a_naive_reading_of_the_rules_says(of: Terms, bids: list[tuple[str, int, int]]):
    auction, at = an_auction(of), END - timedelta(minutes=20)
    naive = Naive(privileged=PRIVILEGED if of.priority_ids else "")
    for who, maximum, pause_seconds in bids:
        at += timedelta(seconds=pause_seconds)
        before = auction
        try:
            auction = rules.place_bid(auction, BIDDERS[who], Money(maximum), at)
        except Conflict:
            assert not naive.accepts(of, who, maximum, at)
            continue
        assert naive.accepts(of, who, maximum, at)
        naive = naive.after(of, who, maximum, at)
        assert auction.bid_count == before.bid_count + 1 == len(naive.accepted)
        assert auction.price and auction.price.minor == naive.price
        assert NAMES[auction.leader_id or ParticipantId.new()] == naive.best()[0][0]
        assert (auction.closes_at, auction.extensions) == (naive.end, naive.extensions)
        _check_promises(of, before, auction, naive)
    closed = rules.close(auction, auction.closes_at)
    assert (closed.state is SOLD) == bool(naive.accepted and of.reserve_is_met_by(Money(naive.best()[0][1])))
    noticed_late = rules.close(auction, auction.closes_at + timedelta(days=9))
    assert replace(noticed_late, last_at=closed.last_at) == closed


def _check_promises(of: Terms, before: Auction, after: Auction, naive: Naive) -> None:
    best = naive.best()
    assert after.price and after.leader_maximum
    assert before.price is None or before.price <= after.price, "the price never falls"
    assert after.price <= after.leader_maximum, "nobody pays more than they offered"
    second = of.step_above(Money(best[1][1])).minor if len(best) > 1 else 0
    asked = of.reserve_price.minor if of.reserve_price and of.reserve_is_met_by(after.leader_maximum) else 0
    assert after.price.minor <= max(second, asked, of.start_price.minor), "one step above the second is enough"
    assert before.closes_at <= after.closes_at <= max(of.hard_closes_at, of.closes_at)
    assert after.extensions <= of.extensions_max or of.extensions_max == 0


@settings(max_examples=100)
@given(of=all_terms, bids=commands)
def test_folding_the_accepted_commands_again_gives_the_same_state(of: Terms, bids: list[tuple[str, int, int]]):
    opened = auction = an_auction(of)
    accepted: list[tuple[ParticipantId, Money, datetime]] = []
    for who, maximum, before_end_seconds in bids:
        command = (BIDDERS[who], Money(maximum), END - timedelta(seconds=before_end_seconds))
        try:
            auction = rules.place_bid(auction, *command)
        except Conflict:
            continue
        accepted.append((command[0], command[1], auction.last_at))  # the fact tells the moment that was decided by
    again = opened
    for command in accepted:
        again = rules.place_bid(again, *command)
    assert again == auction
