"""What an inquiry promises: what is sealed is final, what is opened is what was sealed, and it ends by itself."""

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import permutations

import pytest

from services.trading.rules import inquiry as rules
from services.trading.rules.inquiry import (
    AWARDED,
    CANCELLED,
    FAILED,
    INQUIRY,
    OPEN,
    OPENING,
    Inquiry,
    NoSuchInquiry,
    OfferIsFinal,
    OfferNotSealed,
    OffersClosed,
    OffersStillTaken,
    OffersWereMade,
    OpeningNotOver,
    OpeningOver,
    SealBroken,
)
from services.trading.rules.scoring import Answer, FewOffers
from shared.errors import Conflict
from shared.ids import ListingId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.inquiries import (
    OFFERS_UNTIL,
    OPENED_UNTIL,
    PROVIDERS,
    SALT,
    a_proposal,
    an_inquiry,
    few,
    inquiry_terms,
    open_offer,
    opened,
    seal,
    sealed,
)
from tests.trading.made import MICROSECOND, NOON

OFFERS = {"A": a_proposal(100, 40), "B": a_proposal(80, 30), "C": a_proposal(60, 45)}
HALF_DAY = timedelta(hours=12)


def reasons(inquiry: Inquiry) -> list[str]:
    assert inquiry.judgement
    return [str(each.reason_code) for each in inquiry.judgement.judged]


def test_the_best_score_is_awarded_at_the_end_of_the_opening():
    closed = rules.close(opened(OFFERS), OPENED_UNTIL, {})
    assert (closed.state, closed.reason_code, closed.deadline, closed.next_actor) == (AWARDED, "best_score", None, None)
    assert closed.won and (closed.won.provider_id, closed.won.price) == (PROVIDERS["A"], Money(50))
    assert reasons(closed) == ["won", "outscored", "outscored"]


def test_the_order_of_opening_changes_nothing_of_the_award():
    closed = {rules.close(opened(OFFERS, order=order), OPENED_UNTIL, {}).judgement for order in permutations(OFFERS)}
    assert len(closed) == 1


def test_what_is_kept_of_a_sealed_offer_is_the_commitment_that_anyone_can_recompute():
    inquiry = seal(an_inquiry(), "A", OFFERS["A"])
    told = {
        "answers": [{"attribute": "quality", "value": 100}], "inquiry_id": inquiry.id,
        "listing_id": OFFERS["A"].listing_id, "price": {"currency": "CNY", "minor": 40}, "provider_id": PROVIDERS["A"],
    }  # fmt: skip
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    again = hmac.new(bytes.fromhex(SALT), b"\x11offer\x00" + text.encode(), sha256).hexdigest()
    assert inquiry.sealed[0].commitment == again
    assert (inquiry.sealed[0].sequence, inquiry.sealed[0].sealed_at) == (1, NOON)


@pytest.mark.parametrize("at, taken", [
    (NOON - MICROSECOND,         True),  # the clock of one process is behind
    (OFFERS_UNTIL - MICROSECOND, True),
    (OFFERS_UNTIL,               False),
    (OFFERS_UNTIL + MICROSECOND, False),
])  # fmt: skip
def test_an_offer_is_taken_until_the_deadline_and_not_at_it(at: datetime, taken: bool):
    if taken:
        assert seal(an_inquiry(), "A", OFFERS["A"], at).last_at == max(at, NOON)
    else:
        with pytest.raises(OffersClosed) as refused:
            seal(an_inquiry(), "A", OFFERS["A"], at)
        assert refused.value.facts == {"state": OPEN, "closed_at": OFFERS_UNTIL}


def test_an_offer_cannot_be_changed():
    inquiry = sealed(OFFERS)
    with pytest.raises(OfferIsFinal) as refused:
        seal(inquiry, "A", a_proposal(100, 39))
    assert refused.value.facts == {"sealed_at": NOON}
    with pytest.raises(OfferIsFinal):
        open_offer(opened(OFFERS), "A", OFFERS["A"])


def test_only_who_was_invited_offers_and_opens():
    with pytest.raises(NoSuchInquiry):
        seal(an_inquiry(), "D", OFFERS["A"])
    with pytest.raises(NoSuchInquiry):
        open_offer(rules.end_offers(sealed(OFFERS), OFFERS_UNTIL), "D", OFFERS["A"])


def test_a_copied_commitment_opens_to_nothing():
    inquiry = sealed({"A": OFFERS["A"], "B": OFFERS["B"]}, few(FewOffers.PROCEEDS))
    copied = rules.seal(inquiry, PROVIDERS["C"], inquiry.sealed[0].commitment, NOON)
    over = rules.end_offers(copied, OFFERS_UNTIL)
    with pytest.raises(SealBroken) as refused:
        open_offer(over, "C", OFFERS["A"])
    assert refused.value.facts == {"commitment": inquiry.sealed[0].commitment}
    elsewhere = replace(over, id=an_inquiry().id)
    with pytest.raises(SealBroken):
        open_offer(elsewhere, "A", OFFERS["A"])


@pytest.mark.parametrize("changed", [
    replace(OFFERS["A"], price=Money(41)),
    replace(OFFERS["A"], listing_id=ListingId.new()),
    replace(OFFERS["A"], answers=(Answer("quality", 101),)),
    replace(OFFERS["A"], answers=(Answer("amount", 100),)),
], ids=["price", "listing", "value", "attribute"])  # fmt: skip
def test_what_is_opened_is_exactly_what_was_sealed(changed: object):
    inquiry = rules.end_offers(sealed(OFFERS), OFFERS_UNTIL)
    with pytest.raises(SealBroken):
        open_offer(inquiry, "A", changed)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SealBroken):
        rules.open_offer(inquiry, PROVIDERS["A"], OFFERS["A"], "00" * 32, OFFERS_UNTIL)
    assert open_offer(inquiry, "A", OFFERS["A"]).opened_by(PROVIDERS["A"])


@pytest.mark.parametrize("at, refused", [
    (OFFERS_UNTIL,               None),
    (OPENED_UNTIL - MICROSECOND, None),
    (OPENED_UNTIL,               OpeningOver),
    (OPENED_UNTIL + MICROSECOND, OpeningOver),
])  # fmt: skip
def test_an_offer_is_opened_within_the_window_that_follows(at: datetime, refused: type[Conflict] | None):
    inquiry = rules.end_offers(sealed(OFFERS), OFFERS_UNTIL)
    if refused is None:
        assert open_offer(inquiry, "A", OFFERS["A"], at).opened[0].opened_at == at
    else:
        with pytest.raises(refused) as caught:
            open_offer(inquiry, "A", OFFERS["A"], at)
        assert caught.value.facts == {"state": OPENING, "closed_at": OPENED_UNTIL}


def test_nothing_is_opened_while_offers_are_taken_nor_without_having_been_sealed():
    with pytest.raises(OffersStillTaken) as early:
        open_offer(sealed(OFFERS), "A", OFFERS["A"], NOON)
    assert early.value.facts == {"offers_until": OFFERS_UNTIL}
    two = rules.end_offers(sealed({"A": OFFERS["A"]}, few(FewOffers.PROCEEDS)), OFFERS_UNTIL)
    with pytest.raises(OfferNotSealed):
        open_offer(two, "B", OFFERS["B"])
    with pytest.raises(OpeningOver):
        open_offer(rules.close(opened(OFFERS), OPENED_UNTIL, {}), "A", OFFERS["A"], OPENED_UNTIL)


@pytest.mark.parametrize("outcome, offers, state, reason", [
    (FewOffers.FAILS,    "",    FAILED,  "no_offers"),
    (FewOffers.FAILS,    "A",   FAILED,  "too_few_offers"),
    (FewOffers.FAILS,    "AB",  FAILED,  "too_few_offers"),
    (FewOffers.FAILS,    "ABC", OPENING, None),
    (FewOffers.PROCEEDS, "",    FAILED,  "no_offers"),
    (FewOffers.PROCEEDS, "A",   OPENING, None),
])  # fmt: skip
def test_too_few_offers_fail_at_the_deadline_and_stay_sealed(
    outcome: FewOffers, offers: str, state: rules.State, reason: str | None
):  # fmt: skip
    inquiry = sealed({name: OFFERS[name] for name in offers}, few(outcome))
    ended = rules.end_offers(inquiry, OFFERS_UNTIL)
    assert (ended.state, ended.reason_code, ended.opened) == (state, reason, ())
    assert ended.deadline == (OPENED_UNTIL if state is OPENING else None)
    assert ended.next_actor == ("provider" if state is OPENING else None)


def test_what_is_not_opened_counts_for_nothing():
    two = rules.end_offers(sealed(OFFERS), OFFERS_UNTIL)
    for name in "AB":
        two = open_offer(two, name, OFFERS[name])
    failed = rules.close(two, OPENED_UNTIL, {})
    assert (failed.state, failed.reason_code, failed.won) == (FAILED, "too_few_valid_offers", None)
    none = rules.close(rules.end_offers(sealed(OFFERS), OFFERS_UNTIL), OPENED_UNTIL, {})
    assert (none.state, none.reason_code) == (FAILED, "no_valid_offers")
    alone = rules.end_offers(sealed(OFFERS, few(FewOffers.PROCEEDS)), OFFERS_UNTIL)
    awarded = rules.close(open_offer(alone, "C", OFFERS["C"]), OPENED_UNTIL, {})
    assert awarded.won and (awarded.won.provider_id, awarded.won.price) == (PROVIDERS["C"], Money(60))


def test_what_the_buyer_may_not_have_is_told_and_the_next_best_wins():
    inquiry = opened(OFFERS, few(FewOffers.PROCEEDS))
    closed = rules.close(inquiry, OPENED_UNTIL, {PROVIDERS["A"]: "clearance_too_low"})
    assert reasons(closed) == ["clearance_too_low", "won", "outscored"]
    assert closed.won and closed.won.price == Money(80 - 15)
    nobody = rules.close(inquiry, OPENED_UNTIL, {}, buyer_is_admitted=False)
    assert (nobody.state, nobody.reason_code, nobody.judgement) == (FAILED, "buyer_not_admitted", None)


def test_a_budget_caps_what_is_paid():
    closed = rules.close(opened(OFFERS, inquiry_terms(budget=45)), OPENED_UNTIL, {})
    assert closed.won and closed.won.price == Money(45)
    failed = rules.close(opened(OFFERS, inquiry_terms(budget=44)), OPENED_UNTIL, {})
    assert reasons(failed) == ["too_few_valid_offers", "too_few_valid_offers", "above_budget"]


def close(inquiry: Inquiry, now: datetime) -> Inquiry:
    return rules.close(inquiry, now, {})


@pytest.mark.parametrize("inquiry, step, early", [
    (sealed(OFFERS), rules.end_offers, OffersStillTaken),
    (opened(OFFERS), close,            OpeningNotOver),
], ids=["offers", "opening"])  # fmt: skip
def test_each_step_is_due_at_its_deadline_and_not_before(
    inquiry: Inquiry, step: Callable[[Inquiry, datetime], Inquiry], early: type[Conflict]
):  # fmt: skip
    assert inquiry.deadline
    for now in (inquiry.deadline, inquiry.deadline + MICROSECOND):
        assert rules.is_due(inquiry, now)
        assert step(inquiry, now).revision == inquiry.revision + 1
    assert not rules.is_due(inquiry, inquiry.deadline - MICROSECOND)
    with pytest.raises(early) as refused:
        step(inquiry, inquiry.deadline - MICROSECOND)
    assert list(refused.value.facts.values()) == [inquiry.deadline]


def test_what_has_ended_is_never_due():
    assert not rules.is_due(rules.cancel(an_inquiry(), NOON), OPENED_UNTIL)


def test_time_never_runs_backwards_within_an_inquiry():
    late = seal(an_inquiry(), "A", OFFERS["A"], OFFERS_UNTIL - HALF_DAY)
    assert seal(late, "B", OFFERS["B"], NOON).sealed[1].sealed_at == OFFERS_UNTIL - HALF_DAY
    over = rules.end_offers(replace(sealed(OFFERS), last_at=OFFERS_UNTIL), NOON)
    assert (over.state, over.last_at) == (OPENING, OFFERS_UNTIL)
    assert rules.is_due(replace(sealed(OFFERS), last_at=OFFERS_UNTIL), NOON)
    ended = rules.close(replace(opened(OFFERS), last_at=OPENED_UNTIL), NOON, {})
    assert ended.last_at == OPENED_UNTIL


def test_the_buyer_calls_off_only_what_nobody_has_offered_to():
    assert (rules.cancel(an_inquiry(), NOON).state, rules.cancel(an_inquiry(), NOON).reason_code) == (
        CANCELLED, "by_buyer",
    )  # fmt: skip
    with pytest.raises(OffersWereMade) as refused:
        rules.cancel(seal(an_inquiry(), "A", OFFERS["A"]), NOON)
    assert refused.value.facts == {"offers": 1}
    with pytest.raises(OffersClosed) as late:
        rules.cancel(an_inquiry(), OFFERS_UNTIL)
    assert late.value.facts == {"state": OPEN, "closed_at": OFFERS_UNTIL}
    assert rules.cancel(an_inquiry(), OFFERS_UNTIL - MICROSECOND).last_at == OFFERS_UNTIL - MICROSECOND
    with pytest.raises(IllegalMove):
        rules.cancel(rules.cancel(an_inquiry(), NOON), NOON)


def test_nothing_follows_from_the_end():
    ended = [state for state in rules.State if not INQUIRY.moves[state]]
    assert ended == [AWARDED, FAILED, CANCELLED] == ["awarded", "failed", "cancelled"]
    assert INQUIRY.open_states() == (OPEN, OPENING) == ("open", "opening")
    closed = rules.close(opened(OFFERS), OPENED_UNTIL, {})
    with pytest.raises(OpeningOver) as twice:
        rules.close(closed, OPENED_UNTIL, {})
    assert twice.value.facts == {"state": AWARDED, "closed_at": OPENED_UNTIL}
    with pytest.raises(OffersClosed) as again:
        rules.end_offers(closed, OPENED_UNTIL)
    assert again.value.facts == {"state": AWARDED, "closed_at": OFFERS_UNTIL}
    with pytest.raises(OffersClosed):
        seal(rules.cancel(an_inquiry(), NOON), "A", OFFERS["A"])
