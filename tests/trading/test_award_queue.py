"""What follows on the close by the rules alone: buying at once, the second bidder, offering again, calling off."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.trading.rules import auction as auction_rules
from services.trading.rules import award_queue as rules
from services.trading.rules import calling_off, reoffer
from services.trading.rules.auction import (
    AUCTION,
    AWARDED,
    OPEN,
    SECOND_ASKED,
    SOLD,
    UNSOLD,
    Auction,
    AuctionClosed,
    AuctionNotStarted,
    NoBuyNow,
    NoSuchAuction,
    State,
)
from services.trading.rules.auction_terms import Terms
from services.trading.rules.award_queue import AnswerOverdue, NobodyIsAsked, NotTheSecond
from services.trading.rules.bid import Bid
from services.trading.rules.calling_off import (
    AnotherGround,
    Ground,
    NobodyHasBid,
    NothingProposed,
    NotIndependent,
    Proposal,
    ProposedAlready,
    SecondOperatorRequired,
)
from services.trading.rules.listing import Listing
from services.trading.rules.proxy import Lead
from services.trading.rules.reoffer import CutTooDeep, Defaulted, NotFailed, NotTheSameRight, ReofferTooLate
from shared.errors import Failure
from shared.ids import BidId, ParticipantId, VersionId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON, a_listing, an_auction, terms
from tests.trading.sealing import a_sealed_auction, sealed_terms

ANA, BEN, CYD = (ParticipantId.new() for _ in range(3))
END = NOON + timedelta(days=2)
DAY = timedelta(days=1)
KEEPING = replace(terms(), keeps_second=True, second_answer_seconds=3600)


def bids_of(*bids: tuple[ParticipantId, int]) -> list[Bid]:
    return [
        Bid(BidId.new(), an_auction().id, number, who, 1, Money(most), "", Money(0), True, END, NOON)
        for number, (who, most) in enumerate(bids, 1)
    ]


def bid_on(of: Terms, *bids: tuple[ParticipantId, int]) -> Auction:
    auction = an_auction(of)
    for who, most in bids:
        auction = auction_rules.place_bid(auction, who, Money(most), NOON)
    return auction


def awarded() -> Auction:
    return auction_rules.close(bid_on(KEEPING, (ANA, 200), (BEN, 150)), END, second_id=BEN)


def asked() -> Auction:
    return rules.ask_second(awarded(), Lead(BEN, Money(150), Money(100)), END + DAY)


@pytest.mark.parametrize("keeps, reserve, bids, second", [
    (True,  None, [(ANA, 200), (BEN, 150)],              (BEN, 150, 100)),
    (True,  None, [(ANA, 200), (BEN, 150), (CYD, 160)],  (CYD, 160, 160)),
    (True,  None, [(ANA, 200)],                          None),
    (False, None, [(ANA, 200), (BEN, 150)],              None),
    (True,  151,  [(ANA, 200), (BEN, 150)],              None),
    (True,  150,  [(ANA, 200), (BEN, 150)],              (BEN, 150, 150)),
])  # fmt: skip
def test_whose_deposit_is_kept_beside_the_winners_and_what_they_would_pay(
    keeps: bool, reserve: int | None, bids: Sequence[tuple[ParticipantId, int]],
    second: tuple[ParticipantId, int, int] | None,
):  # fmt: skip
    of = replace(terms(reserve=reserve), keeps_second=keeps)
    told = second and Lead(second[0], Money(second[1]), Money(second[2]))
    assert rules.second_of(of, bids_of(*bids), ANA) == told


def test_an_award_waits_for_the_payment_of_its_winner():
    waiting = awarded()
    assert (waiting.state, waiting.winner_id, waiting.second_id, waiting.next_actor) == (AWARDED, ANA, BEN, "winner")
    windows = waiting.terms.windows
    assert waiting.deadline == END + timedelta(seconds=windows.signing_seconds + windows.payment_seconds)
    paid = rules.confirm(waiting, END + DAY)
    assert (paid.state, paid.winner_id, paid.second_id, paid.deadline, paid.last_at) == (
        SOLD,
        ANA,
        None,
        None,
        END + DAY,
    )
    assert (paid.failed_at, paid.revision) == (None, waiting.revision + 1)


def test_after_the_winners_default_the_second_is_asked_the_price_without_them():
    waiting = asked()
    assert (waiting.state, waiting.winner_id, waiting.leader_id, waiting.price) == (SECOND_ASKED, None, BEN, Money(100))
    assert (waiting.leader_maximum, waiting.defaulter_ids, waiting.failed_at) == (Money(150), (ANA,), None)
    assert (waiting.next_actor, waiting.reason_code) == ("second", "winner_defaulted")
    assert (waiting.deadline, waiting.last_at) == (END + DAY + timedelta(hours=1), END + DAY)
    assert waiting.revision == awarded().revision + 1


def test_the_second_takes_it_or_leaves_it():
    taken = rules.accept(asked(), BEN, END + DAY + timedelta(minutes=59))
    assert (taken.state, taken.winner_id, taken.price, taken.reason_code) == (SOLD, BEN, Money(100), "second_accepted")
    assert (taken.second_id, taken.failed_at, taken.last_at) == (None, None, END + DAY + timedelta(minutes=59))
    left = rules.decline(asked(), BEN, END + DAY + timedelta(minutes=59))
    assert (left.state, left.winner_id, left.reason_code) == (UNSOLD, None, "second_declined")
    assert left.failed_at == left.last_at == END + DAY + timedelta(minutes=59)
    assert (left.second_id, left.defaulter_ids) == (None, (ANA,))


DEADLINE = END + DAY + timedelta(hours=1)


@pytest.mark.parametrize("answer", [rules.accept, rules.decline])
@pytest.mark.parametrize("at, in_time", [(DEADLINE - MICROSECOND, True), (DEADLINE, False), (DEADLINE + DAY, False)])
def test_an_answer_counts_until_the_deadline_and_not_at_it(
    answer: Callable[[Auction, ParticipantId, datetime], Auction], at: datetime, in_time: bool
):
    assert rules.answer_is_overdue(asked(), at) is not in_time
    if in_time:
        assert answer(asked(), BEN, at).last_at == at
    else:
        with pytest.raises(AnswerOverdue) as refused:
            answer(asked(), BEN, at)
        assert refused.value.facts == {"deadline": DEADLINE}


def test_silence_is_a_no_as_of_the_deadline_whenever_it_is_noticed():
    silent = rules.pass_deadline(asked())
    assert (silent.state, silent.reason_code, silent.failed_at) == (UNSOLD, "second_silent", DEADLINE)
    assert not rules.answer_is_overdue(silent, DEADLINE + DAY)


@pytest.mark.parametrize("answer", [rules.accept, rules.decline])
def test_nobody_answers_but_the_one_who_is_asked(answer: Callable[[Auction, ParticipantId, datetime], Auction]):
    with pytest.raises(NotTheSecond):
        answer(asked(), ANA, END + DAY)
    for auction in (awarded(), an_auction(KEEPING), rules.accept(asked(), BEN, END + DAY)):
        with pytest.raises(NobodyIsAsked) as refused:
            answer(auction, BEN, END + DAY)
        assert refused.value.facts == {"state": auction.state}


def test_an_award_that_lapses_by_no_fault_of_the_winners_ends_unsold():
    lapsed = rules.lapse(awarded(), "not_signed_by_provider", END + DAY)
    assert (lapsed.state, lapsed.reason_code, lapsed.defaulter_ids) == (UNSOLD, "not_signed_by_provider", ())
    assert (lapsed.failed_at, lapsed.second_id, lapsed.winner_id) == (END + DAY, None, None)


def test_a_default_with_nobody_left_to_ask_is_remembered():
    sold = auction_rules.close(bid_on(terms(), (ANA, 200)), END)
    failed = rules.fail(sold, END + DAY)
    assert (failed.state, failed.reason_code, failed.failed_at) == (SOLD, "winner_defaulted", END + DAY)
    assert (failed.defaulter_ids, failed.last_at, failed.revision) == ((ANA,), END + DAY, sold.revision + 1)
    both = rules.fail(rules.accept(asked(), BEN, END + DAY), END + 2 * DAY)
    assert both.defaulter_ids == (ANA, BEN)


ACTS: dict[str, Callable[[Auction], Auction]] = {
    "confirm": lambda auction: rules.confirm(auction, END),
    "ask_second": lambda auction: rules.ask_second(auction, Lead(BEN, Money(150), Money(100)), END),
    "lapse": lambda auction: rules.lapse(auction, "not_signed", END),
    "accept": lambda auction: rules.accept(auction, ANA, END),
    "decline": lambda auction: rules.decline(auction, ANA, END),
    "pass_deadline": rules.pass_deadline,
    "buy_now": lambda auction: auction_rules.buy_now(auction, ANA, NOON),
}  # fmt: skip
FOLLOWING = [act for act in ACTS if act != "buy_now"]
TO = {
    ("confirm", AWARDED): SOLD, ("ask_second", AWARDED): SECOND_ASKED, ("lapse", AWARDED): UNSOLD,
    ("accept", SECOND_ASKED): SOLD, ("decline", SECOND_ASKED): UNSOLD, ("pass_deadline", SECOND_ASKED): UNSOLD,
    ("buy_now", OPEN): SOLD,
}  # fmt: skip


KINDS: dict[str, Any] = {
    "outcry": an_auction(replace(KEEPING, buy_now_price=Money(500))),
    "sealed": a_sealed_auction(sealed_terms(keeps_second=True)),
}


@pytest.mark.parametrize("act, kind", [*((act, "outcry") for act in ACTS), *((act, "sealed") for act in FOLLOWING)])
@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State, act: str, kind: str):
    auction = replace(
        KINDS[kind], state=state, leader_id=ANA, award_deadline=END + DAY, leader_maximum=Money(200), price=Money(100),
    )  # fmt: skip
    if to := TO.get((act, state)):
        after = ACTS[act](auction)
        assert (after.state, after.revision) == (to, auction.revision + 1)
        assert to in AUCTION.moves[state]
        assert (after.deadline is None) == (after.next_actor is None) == (not AUCTION.moves[to])
    else:
        with pytest.raises((IllegalMove, NobodyIsAsked, AuctionClosed)):
            ACTS[act](auction)


# Buying at once


def buyable(**changes: object) -> Terms:
    return replace(terms(reserve=150), buy_now_price=Money(500), **changes)  # pyright: ignore[reportArgumentType]


def test_a_bidder_ends_an_auction_at_its_price_for_that():
    at = NOON + timedelta(hours=1)
    bought = auction_rules.buy_now(an_auction(buyable()), ANA, at)
    assert (bought.state, bought.winner_id, bought.price, bought.leader_maximum) == (SOLD, ANA, Money(500), Money(500))
    assert (bought.reason_code, bought.closes_at, bought.last_at, bought.bid_count) == ("bought_now", at, at, 0)
    assert (bought.deadline, bought.failed_at, bought.second_id) == (None, None, None)


def test_what_was_bid_stands_so_nobody_buys_at_once_after_the_first_bid():
    assert an_auction(buyable()).buy_now_price == Money(500)
    led = bid_on(buyable(), (ANA, 100))
    assert led.buy_now_price is None
    for auction, bids in ((led, 1), (an_auction(), 0)):
        with pytest.raises(NoBuyNow) as refused:
            auction_rules.buy_now(auction, BEN, NOON)
        assert refused.value.facts == {"bids": bids}


@pytest.mark.parametrize("at, refused", [
    (NOON + DAY - MICROSECOND, AuctionNotStarted), (NOON + DAY, None), (END - MICROSECOND, None),
    (END, AuctionClosed),
])  # fmt: skip
def test_buying_at_once_keeps_to_the_times_of_bids(at: datetime, refused: type[Failure] | None):
    auction = an_auction(buyable(opens_at=NOON + DAY))
    if refused:
        with pytest.raises(refused):
            auction_rules.buy_now(auction, ANA, at)
    else:
        assert auction_rules.buy_now(auction, ANA, at).closes_at == at


# Offering again

LISTING = a_listing()
FAILED = replace(
    auction_rules.close(an_auction(terms(start=101)), END), provider_id=LISTING.provider_id, listing_id=LISTING.id
)


def reofferable(
    start: int = 101, now: datetime = END, earlier: Auction = FAILED, of: Listing = LISTING, listing: Listing = LISTING
) -> None:
    reoffer.require_reofferable(earlier, of, listing, Money(start), now)


@pytest.mark.parametrize("before, least", [(100, 80), (101, 81), (104, 84), (105, 84), (1, 1), (4, 4), (5, 4), (0, 0)])
def test_the_cut_is_a_fifth_at_most_to_the_fen(before: int, least: int):
    assert reoffer.start_minor_min(Money(before)) == least
    assert 5 * (before - least) <= before < 5 * (before - (least - 1))


def test_a_start_price_a_fen_too_low_is_refused_with_the_least():
    reofferable(81)
    reofferable(1000)
    with pytest.raises(CutTooDeep) as refused:
        reofferable(80)
    assert refused.value.facts == {"start_minor_min": 81}


def test_thirty_days_after_it_failed_is_the_last_moment():
    reofferable(now=END + 30 * DAY)
    with pytest.raises(ReofferTooLate) as refused:
        reofferable(now=END + 30 * DAY + MICROSECOND)
    assert refused.value.facts == {"until": END + 30 * DAY}


def test_only_what_failed_is_offered_again_by_its_provider_and_as_the_same_right():
    with pytest.raises(NotFailed) as refused:
        reofferable(earlier=replace(FAILED, failed_at=None, state=SOLD))
    assert refused.value.facts == {"state": SOLD}
    with pytest.raises(NoSuchAuction):
        reofferable(earlier=replace(FAILED, provider_id=ParticipantId.new()))
    other = replace(LISTING, right=replace(LISTING.right, territory="US"))
    for listing in (other, replace(LISTING, version_id=VersionId.new())):
        with pytest.raises(NotTheSameRight) as differs:
            reofferable(listing=listing)
        assert differs.value.facts == {"version_id": LISTING.version_id}
    reofferable(listing=replace(LISTING, right=replace(LISTING.right, starts_at=END)))
    reofferable(earlier=replace(FAILED, state=SOLD))  # sold to a winner who did not pay


def test_whoever_did_not_pay_once_is_barred_from_every_later_offer_of_it():
    earlier = replace(FAILED, defaulter_ids=(ANA, BEN), barred_ids=(CYD,))
    assert set(reoffer.barred_from(earlier)) == {ANA, BEN, CYD}
    again = replace(an_auction(), barred_ids=(ANA,))
    reoffer.require_not_barred(again, BEN)
    with pytest.raises(Defaulted):
        reoffer.require_not_barred(again, ANA)


def test_an_auction_fails_at_its_end_whoever_notices_when():
    assert auction_rules.close(an_auction(), END + DAY).failed_at == END
    assert auction_rules.close(bid_on(terms(), (ANA, 100)), END).failed_at is None
    assert auction_rules.close(bid_on(terms(), (ANA, 100)), END, denied="clearance_too_low").failed_at == END


# Calling off

LED = bid_on(terms(), (ANA, 100))
FIRST = Proposal(LED.id, "user_1", Ground.COLLUSION, NOON)


def test_an_operator_proposes_once_a_day_to_call_off_what_has_bids():
    assert calling_off.propose(LED, None, "user_1", Ground.COLLUSION, NOON) == FIRST
    assert FIRST.deadline == NOON + DAY
    with pytest.raises(ProposedAlready) as refused:
        calling_off.propose(LED, FIRST, "user_2", Ground.SYSTEM_FAULT, NOON + DAY - MICROSECOND)
    assert refused.value.facts == {"deadline": NOON + DAY, "ground": Ground.COLLUSION}
    again = calling_off.propose(LED, FIRST, "user_1", Ground.SYSTEM_FAULT, NOON + DAY)
    assert (again.ground, again.proposed_at) == (Ground.SYSTEM_FAULT, NOON + DAY)


def test_before_the_first_bid_and_after_the_close_no_operator_calls_off():
    with pytest.raises(NobodyHasBid):
        calling_off.propose(an_auction(), None, "user_1", Ground.COLLUSION, NOON)
    with pytest.raises(AuctionClosed):
        calling_off.propose(LED, None, "user_1", Ground.COLLUSION, END)
    with pytest.raises(AuctionClosed):
        calling_off.require_confirmable(LED, replace(FIRST, proposed_at=END - DAY / 2), "user_2", FIRST.ground, END)


@pytest.mark.parametrize("proposal, operator, ground, at, refused, facts", [
    (FIRST, "user_2", Ground.COLLUSION,    NOON + DAY - MICROSECOND, None,                   {}),
    (FIRST, "user_2", Ground.COLLUSION,    NOON + DAY,               NothingProposed,        {}),
    (None,  "user_2", Ground.COLLUSION,    NOON,                     NothingProposed,        {}),
    (FIRST, "user_1", Ground.COLLUSION,    NOON,                     SecondOperatorRequired, {}),
    (FIRST, "user_2", Ground.SYSTEM_FAULT, NOON,                     AnotherGround,          {"ground": "collusion"}),
])  # fmt: skip
def test_two_operators_agree_on_one_ground_in_time(
    proposal: Proposal | None, operator: str, ground: Ground, at: datetime, refused: type[Failure] | None,
    facts: dict[str, object],
):  # fmt: skip
    if refused is None:
        calling_off.require_confirmable(LED, proposal, operator, ground, at)
    else:
        with pytest.raises(refused) as error:
            calling_off.require_confirmable(LED, proposal, operator, ground, at)
        assert error.value.facts == facts


def test_nobody_of_a_participant_calls_off():
    calling_off.require_independent(None)
    with pytest.raises(NotIndependent):
        calling_off.require_independent(ANA)
