"""Bids that are sealed first and opened afterwards: windows, hashes, and outcomes that anyone can recompute."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import auction as auction_rules
from services.trading.rules import rsop
from services.trading.rules import sealed as rules
from services.trading.rules.auction import (
    CANCELLED,
    OPEN,
    SOLD,
    UNSOLD,
    AuctionClosed,
    AuctionNotStarted,
    AuctionStillOpen,
    BidsWerePlaced,
    State,
)
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import BIDDING, CLOSED, REVEALING, UPCOMING, Step
from services.trading.rules.sealed import (
    RevealDiffers,
    RevealedAlready,
    RevealNotStarted,
    SealedAuction,
    SealedBid,
    commitment_of,
)
from shared.errors import Conflict
from shared.ids import AuctionId, BidId, ParticipantId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON
from tests.trading.sealing import (
    BIDDERS,
    DAY,
    DECIDED,
    END,
    HOUR,
    NONCE,
    SECOND,
    SEED,
    WAYS,
    a_sealed_auction,
    closed,
    opened,
    paid,
    sealed,
    sealed_terms,
)

# --- the commitment


def test_a_commitment_is_the_hash_of_canonical_json_that_anyone_can_write_by_hand():
    auction_id = AuctionId("auction_" + "0" * 32)
    bidder_id = ParticipantId("participant_" + "1" * 32)
    by_hand = (
        '{"amount":{"currency":"CNY","minor":8000},"auction":"auction_00000000000000000000000000000000",'
        '"bidder":"participant_11111111111111111111111111111111","nonce":"' + NONCE + '"}'
    )
    assert commitment_of(auction_id, bidder_id, Money(8000), NONCE) == hashlib.sha256(by_hand.encode()).hexdigest()


def test_every_part_of_a_revelation_is_committed_to():
    auction, other = a_sealed_auction(), AuctionId.new()
    told = (auction.id, BIDDERS[0], Money(80), NONCE)
    changed = [(other, *told[1:]), (told[0], BIDDERS[1], *told[2:]), (*told[:2], Money(81), NONCE),
               (*told[:2], Money(80, "USD"), NONCE), (*told[:3], "ac" * 32)]  # fmt: skip
    assert len({commitment_of(*each) for each in [told, *changed]}) == 6


def test_another_bidders_commitment_can_be_copied_but_not_opened():
    auction, hers = sealed(a_sealed_auction(), 0, 80)
    auction, copy = rules.commit(auction, BidId.new(), BIDDERS[1], 2, hers.commitment, NOON)
    with pytest.raises(RevealDiffers):
        opened(auction, copy, 80)


def test_until_it_is_opened_a_bid_says_nothing():
    _, bid = sealed(a_sealed_auction(), 0, 80, NOON + HOUR)
    assert (bid.amount, bid.nonce, bid.revealed_at, bid.price, bid.reason_code) == (None,) * 5
    assert (bid.sequence, bid.bidder_number, bid.committed_at, bid.won) == (1, 1, NOON + HOUR, False)


# --- the windows


def test_a_commitment_moves_nothing_but_the_count():
    before = a_sealed_auction()
    after, bid = sealed(before, 0, 80, NOON + HOUR)
    assert after == replace(before, bid_count=1, last_at=NOON + HOUR, revision=2)
    assert sealed(after, 1, 80)[1].sequence == 2
    assert (bid.auction_id, bid.participant_id) == (before.id, BIDDERS[0])


@pytest.mark.parametrize("at, refused", [
    (NOON - MICROSECOND,    AuctionNotStarted), (NOON,    None),
    (END - MICROSECOND,     None),              (END,     AuctionClosed), (END + MICROSECOND, AuctionClosed),
])  # fmt: skip
def test_bids_are_sealed_from_the_opening_until_the_end_and_not_at_it(at: datetime, refused: type[Conflict] | None):
    auction = replace(a_sealed_auction(), last_at=NOON - DAY)
    if refused is None:
        assert sealed(auction, 0, 80, at)[0].bid_count == 1
    else:
        with pytest.raises(refused) as error:
            sealed(auction, 0, 80, at)
        opens = {"opens_at": NOON} if refused is AuctionNotStarted else {"state": OPEN, "closed_at": END}
        assert error.value.facts == opens


@pytest.mark.parametrize("at, refused, facts", [
    (NOON,                  RevealNotStarted, {"opens_at": END}),
    (END - MICROSECOND,     RevealNotStarted, {"opens_at": END}),
    (END,                   None,             {}),
    (END + MICROSECOND,     None,             {}),
    (DECIDED - MICROSECOND, None,             {}),
    (DECIDED,               AuctionClosed,    {"state": OPEN, "closed_at": DECIDED}),
    (DECIDED + MICROSECOND, AuctionClosed,    {"state": OPEN, "closed_at": DECIDED}),
])  # fmt: skip
def test_bids_are_opened_from_the_end_of_bidding_until_the_decision_and_not_at_it(
    at: datetime, refused: type[Conflict] | None, facts: dict[str, object]
):
    auction, bid = sealed(a_sealed_auction(), 0, 80)
    if refused is None:
        after, revealed = opened(auction, bid, 80, at)
        assert after == replace(auction, reveal_count=1, last_at=at, revision=auction.revision + 1)
        assert revealed == replace(bid, amount=Money(80), nonce=NONCE, revealed_at=at)
    else:
        with pytest.raises(refused) as error:
            opened(auction, bid, 80, at)
        assert error.value.facts == facts


def test_what_differs_from_the_commitment_is_refused_and_the_bidder_may_try_again():
    auction, bid = sealed(a_sealed_auction(), 0, 80)
    with pytest.raises(RevealDiffers) as refused:
        opened(auction, bid, 79)
    wrong = commitment_of(auction.id, BIDDERS[0], Money(79), NONCE)
    assert refused.value.facts == {"commitment": bid.commitment, "revealed": wrong}
    with pytest.raises(RevealDiffers):
        rules.reveal(auction, bid, Money(80), "ac" * 32, END)
    auction, bid = opened(auction, bid, 80)
    with pytest.raises(RevealedAlready) as again:
        opened(auction, bid, 80, END + HOUR)
    assert again.value.facts == {"revealed_at": END}


def test_time_never_runs_backwards():
    late = replace(a_sealed_auction(), last_at=END + HOUR)
    auction, bid = sealed(a_sealed_auction(), 0, 80)
    with pytest.raises(AuctionClosed):
        sealed(late, 0, 80)
    assert opened(replace(auction, last_at=END + HOUR), bid, 80, NOON)[1].revealed_at == END + HOUR
    assert rules.close(replace(auction, last_at=DECIDED), [bid], {}, NOON)[0].last_at == DECIDED
    assert late.step(NOON) == Step(REVEALING, DECIDED)


@pytest.mark.parametrize("at, step", [
    (NOON,                  Step(UPCOMING, NOON + HOUR)), (NOON + HOUR, Step(BIDDING, END)),
    (END - MICROSECOND,     Step(BIDDING, END)),          (END, Step(REVEALING, DECIDED)),
    (DECIDED - MICROSECOND, Step(REVEALING, DECIDED)),    (DECIDED, Step(CLOSED, None)),
])  # fmt: skip
def test_the_phase_is_told_by_the_clock(at: datetime, step: Step):
    auction = a_sealed_auction(sealed_terms(opens_at=NOON + HOUR))
    assert auction.step(at) == step
    assert replace(auction, state=CANCELLED).step(at) == Step(CLOSED, None)
    assert auction_rules.is_over(auction, at) == (step.phase is CLOSED)


def test_an_open_auction_waits_for_its_bidders_until_the_decision():
    assert (a_sealed_auction().next_actor, a_sealed_auction().deadline) == ("bidder", DECIDED)
    assert replace(a_sealed_auction(), state=SOLD).deadline is None
    assert replace(a_sealed_auction(), state=SOLD).next_actor is None


# --- the outcomes


@pytest.mark.parametrize("mechanism, copies, offers, reserve, outcome", [
    (SECOND,                  1,    [50, 80, 80, 70],     None, {1: 80}),
    (SECOND,                  1,    [50, 80],             60,   {1: 60}),
    (SECOND,                  1,    [50],                 None, {0: 10}),
    (Mechanism.UNIFORM,       2,    [50, 80, 75, 70],     60,   {1: 70, 2: 70}),
    (Mechanism.UNIFORM,       4,    [50, 80, 75, 70],     50,   {0: 50, 1: 50, 2: 50, 3: 50}),
    (Mechanism.UNIFORM,       4,    [50, 80, 75, 70],     None, {0: 10, 1: 10, 2: 10, 3: 10}),
    (Mechanism.SEALED_FIRST,  1,    [50, 80, 80, 70],     None, {1: 80}),
    (Mechanism.SEALED_FIRST,  1,    [9, None, 10],        None, {2: 10}),
    (SECOND,                  1,    [50, None, 80, None], None, {2: 50}),
])  # fmt: skip
def test_worked_outcomes(
    mechanism: Mechanism, copies: int, offers: list[int | None], reserve: int | None, outcome: dict[int, int]
):
    of = sealed_terms(mechanism=mechanism, copies=copies, reserve_price=None if reserve is None else Money(reserve))
    auction, bids = closed(of, offers)
    assert paid(bids) == outcome
    assert (auction.state, auction.award_count, auction.last_at) == (SOLD, len(outcome), DECIDED)
    assert auction.price == Money(next(iter(outcome.values())))
    assert auction.winner_id == (BIDDERS[next(iter(outcome))] if copies == 1 else None)


@pytest.mark.parametrize("offers, reserve, denied, reason, each", [
    ([],           None, [],     "no_bids",          []),
    ([None, None], None, [],     "nothing_revealed", ["not_revealed"] * 2),
    ([9, None],    None, [],     "reserve_not_met",  ["reserve_not_met", "not_revealed"]),
    ([59, 40],     60,   [],     "reserve_not_met",  ["reserve_not_met"] * 2),
    ([80, None],   None, [0],    "nobody_permitted", ["clearance_too_low", "not_revealed"]),
    ([80, 9],      None, [0],    "reserve_not_met",  ["clearance_too_low", "reserve_not_met"]),
])  # fmt: skip
def test_what_is_not_sold_says_why(
    offers: list[int | None], reserve: int | None, denied: list[int], reason: str, each: list[str]
):
    of = sealed_terms(reserve_price=None if reserve is None else Money(reserve))
    auction, bids = closed(of, offers, dict.fromkeys((BIDDERS[who] for who in denied), "clearance_too_low"))
    assert (auction.state, auction.reason_code, auction.award_count) == (UNSOLD, reason, 0)
    assert (auction.price, auction.winner_id, [bid.reason_code for bid in bids]) == (None, None, each)


@pytest.mark.parametrize("mechanism, copies, won, lost", [
    (Mechanism.SEALED_FIRST, 1, "highest_bid",    "outbid"),
    (SECOND,                 1, "highest_bid",    "outbid"),
    (Mechanism.UNIFORM,      2, "clearing_price", "outbid"),
])  # fmt: skip
def test_everyone_is_told_why(mechanism: Mechanism, copies: int, won: str, lost: str):
    auction, bids = closed(sealed_terms(mechanism=mechanism, copies=copies), [80, 5, None, 70, 60])
    reasons = [won, "reserve_not_met", "not_revealed", won if copies == 2 else lost, lost]
    assert [bid.reason_code for bid in bids] == reasons
    assert auction.reason_code == won
    assert [bid.forfeits_deposit for bid in bids] == [False, False, True, False, False]


def test_a_bid_that_reaches_the_reserve_and_loses_is_outbid():
    _, bids = closed(sealed_terms(reserve_price=Money(60)), [59, 60, 80])
    assert [bid.reason_code for bid in bids] == ["reserve_not_met", "outbid", "highest_bid"]


def test_whoever_is_denied_counts_for_nobodys_price_and_forfeits_nothing():
    denied = {BIDDERS[1]: "clearance_too_low", BIDDERS[2]: "not_admitted"}
    _, bids = closed(sealed_terms(), [50, 80, None, 70], denied)
    assert paid(bids) == {3: 50}
    assert [bid.reason_code for bid in bids] == ["outbid", "clearance_too_low", "not_admitted", "highest_bid"]
    assert not any(bid.forfeits_deposit for bid in bids)


def test_two_of_a_kind_are_one_price_and_no_single_winner():
    auction, _ = closed(sealed_terms(mechanism=Mechanism.UNIFORM, copies=2), [80])
    assert (auction.price, auction.winner_id, auction.award_count) == (Money(10), None, 1)


def test_random_sampling_sells_by_the_seed():
    offers = [90, 80, 70, 60, 50, 40, 30, 20]
    auction, bids = closed(sealed_terms(mechanism=Mechanism.RSOP, copies=None), offers)
    coins = [rsop.coin(SEED, bidder_id) for bidder_id in BIDDERS]
    expected = rsop.prices([Money(each) for each in offers], coins, Money(10), None)
    assert {place: bid.price for place, bid in enumerate(bids) if bid.won} == expected
    assert (auction.state, auction.reason_code, auction.winner_id) == (SOLD, "sampled_price", None)
    lost = {bid.reason_code for bid in bids if not bid.won}
    assert lost <= {"price_not_reached"}
    assert auction.price == (None if len(set(expected.values())) > 1 else next(iter(expected.values())))


def test_a_sample_with_one_side_alone_finds_no_price_unless_there_is_a_reserve():
    of = sealed_terms(mechanism=Mechanism.RSOP, copies=None)
    auction, bids = closed(of, [80])
    assert (auction.state, auction.reason_code, bids[0].reason_code) == (UNSOLD, "no_price_found", "price_not_reached")
    assert closed(of, [10])[0].reason_code == "no_price_found"
    assert closed(of, [9])[0].reason_code == "reserve_not_met"
    auction, bids = closed(replace(of, reserve_price=Money(30)), [80])
    assert (auction.state, paid(bids), auction.price) == (SOLD, {0: 30}, Money(30))


@pytest.mark.parametrize("mechanism, copies", WAYS)
def test_only_the_order_of_commitments_breaks_ties_whatever_the_order_of_opening(
    mechanism: Mechanism, copies: int | None
):
    of, offers = sealed_terms(mechanism=mechanism, copies=copies), [40, 80, 80, 40]
    auction, bids = a_sealed_auction(of), list[SealedBid]()
    for who, offer in enumerate(offers):
        auction, bid = sealed(auction, who, offer)
        bids.append(bid)
    outcomes = set[str]()
    for order in permutations(range(4)):
        again, now_open = auction, list(bids)
        for step, place in enumerate(order):
            again, now_open[place] = opened(again, now_open[place], offers[place], END + step * HOUR)
        after, judged = rules.close(again, now_open, {}, DECIDED)
        outcomes.add(json.dumps([after.state, after.reason_code, paid(judged)]))
    assert len(outcomes) == 1


commands = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from([7, 10, 20, 30, 80]), st.booleans()), max_size=8,
    unique_by=lambda command: command[0],
)  # fmt: skip


@pytest.mark.parametrize("mechanism, copies", WAYS)
@given(said=commands)
def test_folding_the_accepted_commands_again_gives_the_same_outcome(
    mechanism: Mechanism, copies: int | None, said: list[tuple[int, int, bool]]
):
    start = a_sealed_auction(sealed_terms(mechanism=mechanism, copies=copies))
    outcomes = list[tuple[SealedAuction, list[SealedBid]]]()
    ids = [BidId.new() for _ in said]
    for noticed_at in (DECIDED, DECIDED + 9 * DAY):
        auction, bids = start, list[SealedBid]()
        for bid_id, (who, minor, _) in zip(ids, said, strict=True):
            commitment = commitment_of(start.id, BIDDERS[who], Money(minor), NONCE)
            auction, bid = rules.commit(auction, bid_id, BIDDERS[who], who + 1, commitment, NOON)
            bids.append(bid)
        for place, (_, minor, opens) in enumerate(said):
            if opens:
                auction, bids[place] = opened(auction, bids[place], minor)
        auction, bids = rules.close(auction, bids, {}, noticed_at)
        outcomes.append((replace(auction, last_at=DECIDED), bids))
    assert outcomes[0] == outcomes[1]
    _, judged = outcomes[0]
    for bid in judged:
        assert bid.reason_code is not None
        assert bid.price is None or (bid.amount is not None and start.terms.floor <= bid.price <= bid.amount)


# --- every act in every state

ACTS: dict[str, Callable[[SealedAuction], SealedAuction]] = {
    "commit": lambda auction: sealed(auction, 0, 80)[0],
    "reveal": lambda auction: opened(auction, sealed(replace(auction, state=OPEN), 0, 80)[1], 80)[0],
    "close": lambda auction: rules.close(auction, [], {}, DECIDED)[0],
    "cancel": lambda auction: auction_rules.cancel(auction, NOON),
    "forbid": lambda auction: auction_rules.forbid(auction, "mode_not_allowed_for_grade", NOON),
}
TO = {"commit": OPEN, "reveal": OPEN, "close": UNSOLD, "cancel": CANCELLED, "forbid": CANCELLED}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State, act: str):
    auction = replace(a_sealed_auction(), state=state)
    if state is OPEN:
        after = ACTS[act](auction)
        assert (after.state, after.revision) == (TO[act], auction.revision + 1)
    else:
        with pytest.raises((AuctionClosed, IllegalMove)):
            ACTS[act](auction)


def test_the_close_waits_for_the_end_of_the_opening():
    with pytest.raises(AuctionStillOpen) as early:
        rules.close(a_sealed_auction(), [], {}, DECIDED - MICROSECOND)
    assert early.value.facts == {"closes_at": DECIDED}
    with pytest.raises(AuctionClosed) as again:
        rules.close(replace(a_sealed_auction(), state=SOLD), [], {}, DECIDED)
    assert again.value.facts == {"state": SOLD, "closed_at": DECIDED}


def test_a_sealed_bid_binds_the_provider_too():
    auction, _ = sealed(a_sealed_auction(), 0, 80)
    with pytest.raises(BidsWerePlaced):
        auction_rules.cancel(auction, NOON)
    with pytest.raises(AuctionClosed):
        auction_rules.cancel(a_sealed_auction(), END)
