"""Who is second by sealed bids, by the rules alone: what they are asked, and that nobody else can be."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.trading.rules import award_queue
from services.trading.rules.auction import AWARDED, SECOND_ASKED, SOLD, UNSOLD
from services.trading.rules.fitting_terms import NoSecondToKeep, require_fitting_terms
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.proxy import Lead
from services.trading.rules.sealed import SealedAuction, second_of
from services.trading.rules.sealed_terms import SealedTerms
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import MICROSECOND
from tests.trading.sealing import BIDDERS, DAY, DECIDED, SECOND, a_sealed_auction, closed, paid, sealed_terms

FIRST = Mechanism.SEALED_FIRST
FOR_ONE = (FIRST, SECOND)
ANSWER = timedelta(seconds=STANDARD.second_answer_seconds)


def keeping(mechanism: Mechanism = SECOND, reserve: int | None = None) -> SealedTerms:
    reserve_price = None if reserve is None else Money(reserve)
    return sealed_terms(mechanism=mechanism, reserve_price=reserve_price, keeps_second=True)


def asked(mechanism: Mechanism = SECOND) -> SealedAuction:
    auction, bids = closed(keeping(mechanism), [60, 80, 70])
    second = second_of(auction.terms, bids)
    assert second
    return award_queue.ask_second(auction, second, DECIDED + DAY)


@pytest.mark.parametrize("mechanism, offers, reserve, denied, second", [
    (FIRST,  [60, 80, 70],         None, [],     (2, 70, 70)),
    (SECOND, [60, 80, 70],         None, [],     (2, 70, 60)),
    (FIRST,  [80, 80, 80],         None, [],     (1, 80, 80)),   # of equal bids, the earlier
    (SECOND, [80, 80, 80],         None, [],     (1, 80, 80)),
    (SECOND, [80, 70],             None, [],     (1, 70, 10)),   # nobody else: the start price
    (SECOND, [80, 70],             60,   [],     (1, 70, 60)),   # or the reserve
    (SECOND, [80, 70, 59],         60,   [],     (1, 70, 60)),
    (SECOND, [80, 70, 60],         60,   [],     (1, 70, 60)),
    (FIRST,  [80, 60],             60,   [],     (1, 60, 60)),   # exactly the reserve
    (FIRST,  [80, 59],             60,   [],     None),          # below it nobody is second
    (SECOND, [80, 9],              None, [],     None),
    (SECOND, [80],                 None, [],     None),
    (SECOND, [80, None],           None, [],     None),          # nor whose bid stayed closed
    (SECOND, [80, None, 50, None], None, [],     (2, 50, 10)),
    (SECOND, [80, 70, 60],         None, [1],    (2, 60, 10)),   # nor who may no longer have it
    (SECOND, [80, 70, 60],         None, [0],    (2, 60, 10)),
    (SECOND, [80, 70, 60],         None, [2],    (1, 70, 10)),   # who sets nobody's price either
    (FIRST,  [80, 70],             None, [0, 1], None),
])  # fmt: skip
def test_who_is_second_and_what_they_would_pay_without_the_winner(
    mechanism: Mechanism, offers: list[int | None], reserve: int | None, denied: list[int],
    second: tuple[int, int, int] | None,
):  # fmt: skip
    of = keeping(mechanism, reserve)
    auction, bids = closed(of, offers, dict.fromkeys((BIDDERS[who] for who in denied), "clearance_too_low"))
    told = second and Lead(BIDDERS[second[0]], Money(second[1]), Money(second[2]))
    assert second_of(of, bids) == told
    assert auction.second_id == (told and told.bidder_id)
    state = AWARDED if second else UNSOLD if not paid(bids) else SOLD
    assert (auction.state, auction.winner_id) == (state, next((bid.participant_id for bid in bids if bid.won), None))
    unkept, same = closed(replace(of, keeps_second=False), offers)
    assert (second_of(unkept.terms, same), unkept.second_id, unkept.award_deadline) == (None, None, None)


@pytest.mark.parametrize("mechanism", FOR_ONE)
@given(offers=st.lists(st.none() | st.sampled_from([9, 10, 20, 30, 30, 40]), max_size=7))
def test_the_second_is_who_wins_the_same_bids_without_the_winner_at_the_price_of_then(
    mechanism: Mechanism, offers: list[int | None]
):
    auction, bids = closed(keeping(mechanism), offers)
    second = second_of(auction.terms, bids)
    without: list[int | None] = [
        9 if bid.won else offer for bid, offer in zip(bids, offers, strict=True)  # as good as no bid at all
    ]  # fmt: skip
    again = paid(closed(keeping(mechanism), without)[1])
    if second is None:
        assert not again or not any(bid.won for bid in bids)
    else:
        ((place, minor),) = again.items()
        assert second == Lead(bids[place].participant_id, Money(offers[place] or 0), Money(minor))
        assert second.price <= second.maximum


@pytest.mark.parametrize("mechanism", FOR_ONE)
def test_an_award_by_sealed_bids_waits_for_the_payment_of_its_winner(mechanism: Mechanism):
    waiting, _ = closed(keeping(mechanism), [60, 80, 70])
    windows = waiting.terms.windows
    assert (waiting.state, waiting.winner_id, waiting.second_id) == (AWARDED, BIDDERS[1], BIDDERS[2])
    assert waiting.deadline == DECIDED + timedelta(seconds=windows.signing_seconds + windows.payment_seconds)
    assert (waiting.next_actor, waiting.awards, waiting.leader_maximum) == ("winner", 1, Money(80))
    sold = award_queue.confirm(waiting, DECIDED + DAY)
    assert (sold.state, sold.winner_id, sold.price, sold.second_id) == (SOLD, BIDDERS[1], waiting.price, None)
    assert (sold.deadline, sold.next_actor, sold.awards, sold.failed_at) == (None, None, 1, None)


@pytest.mark.parametrize("mechanism, minor", [(FIRST, 70), (SECOND, 60)])
def test_after_a_default_the_second_is_asked_for_a_time_and_there_is_no_award(mechanism: Mechanism, minor: int):
    waiting = asked(mechanism)
    assert (waiting.state, waiting.leader_id, waiting.price) == (SECOND_ASKED, BIDDERS[2], Money(minor))
    assert (waiting.winner_id, waiting.awards, waiting.defaulter_ids) == (None, 0, (BIDDERS[1],))
    assert (waiting.deadline, waiting.next_actor) == (DECIDED + DAY + ANSWER, "second")
    taken = award_queue.accept(waiting, BIDDERS[2], DECIDED + DAY + ANSWER - MICROSECOND)
    assert (taken.state, taken.winner_id, taken.price, taken.awards) == (SOLD, BIDDERS[2], Money(minor), 1)
    silent = award_queue.pass_deadline(waiting)
    assert (silent.state, silent.winner_id, silent.awards) == (UNSOLD, None, 0)
    assert (silent.failed_at, silent.reason_code) == (DECIDED + DAY + ANSWER, "second_silent")


def test_a_default_with_no_second_is_remembered_and_several_winners_have_none():
    sold, _ = closed(sealed_terms(), [60, 80])
    failed = award_queue.fail(sold, DECIDED + DAY)
    assert (failed.state, failed.defaulter_ids, failed.failed_at) == (SOLD, (BIDDERS[1],), DECIDED + DAY)
    many, _ = closed(sealed_terms(mechanism=Mechanism.UNIFORM, copies=2), [60, 80, 70])
    assert (many.state, many.leader_id, many.leader_maximum, many.awards) == (SOLD, None, None, 2)
    with pytest.raises(IllegalMove):
        award_queue.confirm(sold, DECIDED)


@pytest.mark.parametrize("mechanism", Mechanism)
def test_a_second_is_kept_only_where_one_of_several_bids_wins(mechanism: Mechanism):
    needed = {"english": "increments", "dutch": "schedule"}.get(mechanism, "reveal_closes_at")
    if mechanism in {Mechanism.ENGLISH, *FOR_ONE}:
        require_fitting_terms(mechanism, {needed, "keeps_second"})
    else:
        with pytest.raises(NoSecondToKeep) as refused:
            require_fitting_terms(mechanism, {needed, "keeps_second"})
        assert refused.value.facts == {"mechanism": mechanism}


def test_terms_and_auctions_that_were_kept_before_there_were_seconds_are_read_as_they_were():
    of, reader = sealed_terms(), TypeAdapter(SealedTerms)
    kept = reader.dump_python(of, mode="json")
    del kept["keeps_second"], kept["second_answer_seconds"]
    assert reader.validate_python(kept) == replace(of, second_answer_seconds=0)
    assert of.second_answer_seconds == 2 * 86_400
    before = a_sealed_auction()
    assert (before.second_id, before.award_deadline, before.defaulter_ids, before.failed_at) == (None, None, (), None)
