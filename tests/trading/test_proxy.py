"""Priority buyers and steps in an auction by proxy, beside open outcry by agents that is acted out fen by fen."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trading.rules import auction as rules
from services.trading.rules import proxy
from services.trading.rules.auction import BidTooLow, OwnMaximumNotRaised
from services.trading.rules.auction_terms import BadPriority, Increment, Terms
from services.trading.rules.proxy import Lead
from shared.errors import Conflict
from shared.ids import AuctionId, ListingId, ParticipantId
from shared.money import Money
from tests.trading.made import NOON, an_auction, terms

BIDDERS = {name: ParticipantId.new() for name in "ABCPQ"}  # P and Q have a priority
NAMES = {participant_id: name for name, participant_id in BIDDERS.items()}
PRIORITY = (BIDDERS["P"], BIDDERS["Q"])


def of(*, reserve: int | None = None, steps: tuple[Increment, ...] = (Increment(0, 10),)) -> Terms:
    return replace(terms(reserve=reserve), increments=steps, priority_ids=PRIORITY)


def after(these: Terms, bids: Sequence[tuple[str, int]]) -> Lead | None:
    auction = an_auction(these)
    for who, maximum in bids:
        auction = rules.place_bid(auction, BIDDERS[who], Money(maximum), NOON)
    return auction.lead


@pytest.mark.parametrize("bids, leader, price", [
    ([("P", 200)],                                  "P", 100),
    ([("A", 200), ("P", 200)],                      "P", 200),  # equals the top, and leads at that price
    ([("P", 200), ("A", 200)],                      "P", 200),  # a later equal bid without a priority does not lead
    ([("A", 200), ("B", 120), ("P", 130)],          "A", 140),
    ([("A", 200), ("P", 100)],                      "A", 110),  # the present price itself, without a step
    ([("A", 105), ("P", 100), ("P", 105)],          "P", 105),
    ([("P", 200), ("A", 150)],                      "P", 150),  # whoever has a priority answers by the same price
    ([("P", 200), ("A", 150), ("B", 160)],          "P", 160),
    ([("A", 200), ("P", 300)],                      "P", 200),
    ([("P", 200), ("A", 205)],                      "A", 205),
    ([("P", 200), ("A", 300)],                      "A", 210),
    ([("P", 200), ("Q", 200)],                      "P", 200),  # of two priority buyers the earlier leads
    ([("Q", 200), ("P", 200)],                      "Q", 200),
    ([("P", 200), ("Q", 150)],                      "P", 160),
    ([("P", 200), ("Q", 300)],                      "Q", 210),
    ([("A", 200), ("B", 200)],                      "A", 200),
])  # fmt: skip
def test_worked_auctions_with_priority_buyers(bids: list[tuple[str, int]], leader: str, price: int):
    lead = after(of(), bids)
    assert lead and (NAMES[lead.bidder_id], lead.price) == (leader, Money(price))


@pytest.mark.parametrize("bids, late, floor", [
    ([],                        ("P", 99),  100),
    ([("A", 200)],              ("P", 99),  100),
    ([("P", 200)],              ("Q", 109), 110),
    ([("P", 200)],              ("A", 109), 110),
    ([("A", 200), ("P", 100)],  ("P", 109), 110),
    ([("A", 200), ("P", 100)],  ("B", 119), 120),
])  # fmt: skip
def test_what_is_just_too_little_is_refused_with_the_least_that_is_taken(
    bids: list[tuple[str, int]], late: tuple[str, int], floor: int
):
    with pytest.raises(BidTooLow) as refused:
        after(of(), [*bids, late])
    assert refused.value.facts == {"floor_minor": floor}
    assert after(of(), [*bids, (late[0], floor)]) is not None


def test_a_leader_with_a_priority_raises_a_maximum_of_their_own_too():
    with pytest.raises(OwnMaximumNotRaised) as refused:
        after(of(), [("P", 200), ("P", 200)])
    assert refused.value.facts == {"maximum_minor": 200}
    assert after(of(), [("P", 200), ("P", 201)]) == Lead(BIDDERS["P"], Money(201), Money(100))


def test_the_reserve_is_asked_of_a_priority_buyer_too():
    assert after(of(reserve=150), [("A", 140), ("P", 150)]) == Lead(BIDDERS["P"], Money(150), Money(150))
    assert after(of(reserve=150), [("A", 140), ("P", 140)]) == Lead(BIDDERS["P"], Money(140), Money(140))


def test_a_provider_has_no_priority_with_themselves():
    provider_id = ParticipantId.new()
    with pytest.raises(BadPriority) as refused:
        rules.open_auction(
            AuctionId.new(), ListingId.new(), provider_id, replace(terms(), priority_ids=(provider_id,)), NOON
        )
    assert refused.value.facts == {"participant_id": provider_id}


@pytest.mark.parametrize("price, step", [(1, 1), (20, 1), (21, 2), (100, 5), (101, 6), (10_000, 500), (10_001, 501)])
def test_a_step_in_percent_is_rounded_up_to_the_fen_and_is_at_least_one(price: int, step: int):
    percent = of(steps=(Increment(0, 1, 500),))
    assert percent.step_above(Money(price)) == Money(price + step)


def test_a_step_in_percent_is_what_a_bid_just_under_it_is_refused_by():
    percent = of(steps=(Increment(0, 1, 333),))
    with pytest.raises(BidTooLow) as refused:
        after(percent, [("A", 500), ("B", 103)])
    assert refused.value.facts == {"floor_minor": 104}  # 100 + ⌈3.33⌉
    lead = after(percent, [("A", 500), ("B", 104)])
    assert lead and lead.price == Money(108)


@given(
    bands=st.lists(st.tuples(st.integers(1, 500), st.integers(0, 10_000)), min_size=1, max_size=5),
    prices=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
)
def test_steps_of_every_kind_are_positive_and_never_shrink(bands: list[tuple[int, int]], prices: tuple[int, int]):
    steps, shares = sorted(step for step, _ in bands), sorted(share for _, share in bands)
    table = tuple(Increment(index * 1000, *band) for index, band in enumerate(zip(steps, shares, strict=True)))
    low, high = (of(steps=table).step_above(Money(price)).minor - price for price in sorted(prices))
    assert 0 < low <= high


# Open outcry, acted out: each agent has a purse and cries fen by fen. Written without looking at the rule.


def outcry(these: Terms, purses: dict[str, int], arrival: list[str], price: int) -> tuple[str, int]:
    """Who holds the word at which price, once all have cried. `arrival` has who brought their purse first, first."""

    def answers(who: str, other: str, cried: int, said: int) -> bool:
        equals = who in "PQ" and other not in "PQ"
        return said >= cried if equals else said >= these.step_above(Money(cried)).minor

    def silences(who: str, other: str) -> bool:
        """Whether nothing that the other can say from their purse takes the word from this one's whole purse."""
        if purses[who] != purses[other]:
            return purses[who] > purses[other]
        if (who in "PQ") != (other in "PQ"):
            return who in "PQ"
        return arrival.index(who) < arrival.index(other)

    others = {who: [other for other in purses if other != who] for who in purses}
    holder = next(who for who in purses if all(silences(who, other) for other in others[who]))
    rival = next(
        (who for who in others[holder] if all(silences(who, other) for other in others[who] if other != holder)), None
    )
    said = max(price, these.start_price.minor)
    while rival and not (said == purses[holder] or answers(holder, rival, purses[rival], said)):
        said += 1
    while these.reserve_price and purses[holder] >= these.reserve_price.minor and said < these.reserve_price.minor:
        said += 1
    return holder, said


bids_of_agents = st.lists(st.tuples(st.sampled_from("ABCPQ"), st.integers(90, 260)), min_size=1, max_size=12)
tables = st.sampled_from([
    (Increment(0, 10),), (Increment(0, 1),), (Increment(0, 5), Increment(150, 20)), (Increment(0, 1, 700),),
    (Increment(0, 3, 100), Increment(180, 3, 900)),
])  # fmt: skip


@settings(max_examples=400)
@given(steps=tables, reserve=st.none() | st.integers(100, 240), bids=bids_of_agents)
def test_any_auction_goes_as_open_outcry_by_agents(
    steps: tuple[Increment, ...], reserve: int | None, bids: list[tuple[str, int]]
):
    these = of(reserve=reserve, steps=steps)
    auction, purses, arrival = an_auction(these), dict[str, int](), list[str]()
    for who, maximum in bids:
        before = auction
        try:
            auction = rules.place_bid(auction, BIDDERS[who], Money(maximum), NOON)
        except Conflict:
            continue
        led = before.leader_id
        purses[who] = maximum
        arrival = [*(each for each in arrival if each != who), who] if led != BIDDERS[who] else arrival
        assert auction.price and auction.leader_id
        if led == BIDDERS[who]:  # raising one's own purse is not crying
            met = reserve is not None and maximum >= reserve
            assert auction.leader_id == led
            assert before.price and auction.price.minor == max(before.price.minor, reserve or 0 if met else 0)
        else:
            price = before.price.minor if before.price else 0
            assert (NAMES[auction.leader_id], auction.price.minor) == outcry(these, purses, arrival, price)


@settings(max_examples=300)
@given(steps=tables, reserve=st.none() | st.integers(100, 240), bids=bids_of_agents)
def test_without_a_bidder_it_goes_as_if_they_had_never_bid(
    steps: tuple[Increment, ...], reserve: int | None, bids: list[tuple[str, int]]
):
    these = of(reserve=reserve, steps=steps)
    auction, accepted = an_auction(these), list[tuple[ParticipantId, Money]]()
    for who, maximum in bids:
        try:
            auction = rules.place_bid(auction, BIDDERS[who], Money(maximum), NOON)
        except Conflict:
            continue
        accepted.append((BIDDERS[who], Money(maximum)))
    if auction.lead is None:
        return
    assert proxy.lead_of(these, accepted, without=ParticipantId.new()) == auction.lead, "a stranger changes nothing"
    second = proxy.lead_of(these, accepted, without=auction.lead.bidder_id)
    others = [maximum for bidder_id, maximum in accepted if bidder_id != auction.lead.bidder_id]
    assert (second is None) == (not others)
    if second:
        assert second.maximum == max(others)
        assert these.start_price <= second.price <= min(second.maximum, auction.lead.price)


@pytest.mark.parametrize("bids, without, lead", [
    ([("A", 200)],                                        "A", None),
    ([("A", 200), ("B", 150)],                            "A", ("B", 150, 100)),
    ([("A", 200), ("B", 120), ("C", 300), ("A", 250)],    "C", ("A", 250, 130)),
    ([("A", 200), ("B", 120), ("C", 300), ("A", 250)],    "A", ("C", 300, 130)),
    ([("A", 105), ("Q", 100), ("P", 105)],                "A", ("P", 105, 105)),
])  # fmt: skip
def test_the_lead_without_a_defaulter(bids: list[tuple[str, int]], without: str, lead: tuple[str, int, int] | None):
    told = proxy.lead_of(of(), [(BIDDERS[who], Money(most)) for who, most in bids], without=BIDDERS[without])
    assert told == (lead and Lead(BIDDERS[lead[0]], Money(lead[1]), Money(lead[2])))
