"""What a negotiation promises of its offers and of the yes: each refusal, each boundary."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256

import pytest

from services.trading.rules import negotiation as rules
from services.trading.rules.negotiation import (
    ACCEPTED,
    AGREED,
    FINALIZED,
    OFFERED,
    REQUESTED,
    TERMINATED,
    VERIFIED,
    ConcessionReversed,
    Ender,
    Ending,
    NegotiationOver,
    NotYourTurn,
    OfferExpired,
    OfferSuperseded,
    RoundsSpent,
)
from services.trading.rules.negotiation_terms import (
    BadExpiry,
    RoundsOutOfRange,
    Side,
)
from shared.ids import ContractId, OfferId, OrderId
from shared.money import Money
from tests.trading.made import FEES, MICROSECOND, NOON
from tests.trading.negotiation.made import (
    BUYER,
    DAY,
    HOUR,
    LISTING,
    PROVIDER,
    RULES,
    accepted,
    agreed,
    answered,
    at_price,
    ended,
    first,
    opened,
)

# --- offers ---


def test_a_buyer_opens_with_a_request_and_a_provider_with_an_offer():
    asked, offered = opened(BUYER), opened(PROVIDER)
    assert (asked.state, asked.next_actor, asked.deadline) == (REQUESTED, "provider", NOON + DAY)
    assert (offered.state, offered.next_actor, offered.deadline) == (OFFERED, "buyer", NOON + DAY)
    assert (asked.manner.directed, offered.manner.directed) == (False, True)
    assert (asked.offer.number, asked.revision, asked.listing_id, asked.last_at) == (1, 1, LISTING.id, NOON)


def test_each_answer_replaces_the_open_offer_and_passes_the_turn():
    countered = answered(opened(), PROVIDER, 120, NOON + HOUR)
    assert (countered.state, countered.next_actor, countered.deadline) == (OFFERED, "buyer", NOON + HOUR + DAY)
    again = answered(countered, BUYER, 110, NOON + 2 * HOUR)
    assert (again.state, again.next_actor, again.revision) == (REQUESTED, "provider", 3)
    assert [(each.number, each.side, each.terms.price.minor) for each in again.offers] == [
        (1, BUYER, 100), (2, PROVIDER, 120), (3, BUYER, 110),
    ]  # fmt: skip
    assert (again.offer.made_at, again.last_at) == (NOON + 2 * HOUR, NOON + 2 * HOUR)


def test_only_the_other_side_answers_or_takes_an_offer():
    for side in Side:
        negotiation = opened(side)
        for act in (partial(answered, negotiation, side, 110), partial(accepted, negotiation, side)):
            with pytest.raises(NotYourTurn) as refused:
                act()
            assert refused.value.facts == {"next_actor": negotiation.next_actor}


def test_terms_are_hashed_as_canonical_json():
    terms = at_price(12_345)
    text = json.dumps({
        "listing_id": terms.listing_id, "mode": "raw", "price": {"currency": "CNY", "minor": 12_345},
        "purposes": ["route_planning"], "quota_uses": 3,
        "right": {"field": "air_travel", "kind": "unlimited", "period_days": 365, "territory": "CN"},
        "version_id": terms.version_id,
    }, sort_keys=True, separators=(",", ":"))  # fmt: skip
    assert first(price=12_345).terms_hash == terms.hash == sha256(text.encode()).hexdigest()
    others = (
        at_price(12_346), replace(terms, quota_uses=2), replace(terms, purposes=()),
        replace(terms, right=replace(terms.right, territory="CN-31")),
    )  # fmt: skip
    assert len({terms.hash, *(other.hash for other in others)}) == 5


@pytest.mark.parametrize("held, taken", [
    (HOUR - MICROSECOND, False), (HOUR, True), (30 * DAY, True), (30 * DAY + MICROSECOND, False), (-HOUR, False),
], ids=str)  # fmt: skip
def test_an_offer_is_held_neither_too_short_nor_too_long(held: timedelta, taken: bool):
    if taken:
        assert first(expires_at=NOON + held).expires_at == NOON + held
        return
    for make in (
        lambda: first(expires_at=NOON + held),
        lambda: rules.answer(opened(), PROVIDER, OfferId.new(), at_price(1), NOON + held, RULES, NOON),
    ):
        with pytest.raises(BadExpiry) as refused:
            make()
        assert refused.value.facts == {"seconds_min": 3_600, "seconds_max": 30 * 86_400}


@pytest.mark.parametrize("late", [-MICROSECOND, timedelta(0), MICROSECOND], ids=str)
def test_the_moment_decides_whether_an_offer_still_stands(late: timedelta):
    negotiation = opened()
    now = NOON + DAY + late
    assert rules.deadline_has_passed(negotiation, now) is (late >= timedelta(0))
    acts = (
        lambda: answered(negotiation, PROVIDER, 110, now), lambda: accepted(negotiation, PROVIDER, now),
        lambda: ended(negotiation, now=now),
    )  # fmt: skip
    for act in acts:
        if late < timedelta(0):
            assert act().last_at == now
        else:
            with pytest.raises(OfferExpired) as refused:
                act()
            assert refused.value.facts == {"expired_at": NOON + DAY}


def test_time_never_runs_backwards_within_a_negotiation():
    later = answered(opened(), PROVIDER, 120, NOON + HOUR)
    taken = accepted(later, BUYER, NOON)
    assert taken.yes and (taken.yes.said_at, taken.last_at) == (NOON + HOUR, NOON + HOUR)
    assert taken.deadline == NOON + HOUR + timedelta(seconds=RULES.approval_seconds)
    assert ended(later, now=NOON).last_at == answered(later, BUYER, 1, NOON).offer.made_at == NOON + HOUR


@pytest.mark.parametrize("asked, rounds", [(None, 20), (2, 2), (20, 20), (1, None), (21, None), (0, None)])
def test_rounds_are_as_many_as_asked_within_the_markets(asked: int | None, rounds: int | None):
    if rounds is not None:
        assert opened(rounds_max=asked).manner.rounds_max == rounds
        return
    with pytest.raises(RoundsOutOfRange) as refused:
        opened(rounds_max=asked)
    assert refused.value.facts == {"rounds_min": 2, "rounds_max": 20}


def test_the_last_round_is_taken_or_left():
    last = answered(answered(opened(rounds_max=3), PROVIDER, 120), BUYER, 110)
    with pytest.raises(RoundsSpent) as refused:
        answered(last, PROVIDER, 115)
    assert refused.value.facts == {"rounds_max": 3}
    assert accepted(last, PROVIDER).state is ACCEPTED


@pytest.mark.parametrize("prices, fails_at", [
    ((100, 120, 100, 120, 101, 119), None),     # standing still is no step back
    ((100, 120, 99), 99), ((100, 120, 110, 121), 121), ((100, 120, 130, 110), None), ((100, 50, 100, 51), 51),
], ids=str)  # fmt: skip
def test_in_a_negotiation_of_concessions_nobody_goes_back_behind_their_own_price(
    prices: tuple[int, ...], fails_at: int | None
):
    for concession in (True, False):
        negotiation, side = opened(price=prices[0], concession=concession), BUYER
        for price in prices[1:]:
            side = side.other
            if concession and price == fails_at:
                with pytest.raises(ConcessionReversed) as refused:
                    answered(negotiation, side, price)
                assert refused.value.facts == {"last_minor": negotiation.offers[-2].terms.price.minor}
            else:
                negotiation = answered(negotiation, side, price)


# --- the yes ---


def test_a_yes_names_the_offer_and_its_terms():
    superseded, negotiation = opened(), answered(opened(), PROVIDER, 120)
    offer = negotiation.offer
    named = [(superseded.offer.id, superseded.offer.terms_hash), (offer.id, superseded.offer.terms_hash),
             (superseded.offer.id, offer.terms_hash)]  # fmt: skip
    for offer_id, terms_hash in named:
        with pytest.raises(OfferSuperseded) as refused:
            rules.accept(negotiation, BUYER, offer_id, terms_hash, FEES, NOON)
        assert refused.value.facts == {
            "offer_id": offer.id, "terms_hash": offer.terms_hash, "number": 2, "price": Money(120),
        }  # fmt: skip
    taken = accepted(negotiation, BUYER, NOON + HOUR)
    assert (taken.state, taken.next_actor, taken.deadline) == (ACCEPTED, "operator_business", NOON + HOUR + 5 * DAY)
    assert taken.yes == rules.Yes(BUYER, offer.id, offer.terms_hash, NOON + HOUR, FEES)


def test_the_same_yes_again_is_the_same_result_and_anything_else_is_told_the_end():
    taken = accepted(opened(), PROVIDER)
    drafted = agreed(taken)
    signed = rules.verify(drafted, NOON)
    for done in (taken, drafted, signed, rules.finalize(signed, NOON)):
        assert accepted(done, PROVIDER, NOON + 90 * DAY) is done
        others = (
            partial(accepted, done, BUYER), partial(answered, done, BUYER, 1), partial(ended, done),
            partial(rules.accept, done, PROVIDER, OfferId.new(), done.offer.terms_hash, FEES, NOON),
            partial(rules.accept, done, PROVIDER, done.offer.id, "0" * 64, FEES, NOON),
        )  # fmt: skip
        for other in others:
            with pytest.raises(NegotiationOver) as refused:
                other()
            assert refused.value.facts == {"state": done.state, "reason_code": None}
    fallen = rules.fail(drafted, "not_signed", NOON)
    with pytest.raises(NegotiationOver) as refused:
        accepted(fallen, PROVIDER)
    assert refused.value.facts == {"state": TERMINATED, "reason_code": "not_signed"}


def test_after_the_yes_the_states_follow_the_contract():
    order_id, contract_id = OrderId.new(), ContractId.new()
    drafted = rules.agree(accepted(opened(), PROVIDER, NOON + HOUR), order_id, contract_id, NOON + 5 * DAY)
    assert (drafted.state, drafted.order_id, drafted.contract_id) == (AGREED, order_id, contract_id)
    assert (drafted.next_actor, drafted.deadline, drafted.last_at) == (
        "buyer_and_provider", NOON + 5 * DAY, NOON + HOUR,
    )  # fmt: skip
    signed = rules.verify(drafted, NOON + DAY)
    assert (signed.state, signed.next_actor, signed.deadline) == (VERIFIED, "provider", NOON + 5 * DAY)
    final = rules.finalize(signed, NOON + DAY)
    assert (final.state, final.next_actor, final.deadline, final.last_at) == (FINALIZED, None, None, NOON + DAY)
    assert [each.revision for each in (drafted, signed, final)] == [3, 4, 5]


def test_a_deal_whose_order_came_to_nothing_is_terminated_once():
    drafted = agreed(accepted(opened(), PROVIDER))
    fallen = rules.fail(drafted, "not_signed_by_buyer", NOON + 5 * DAY)
    assert fallen.ending == Ending(Ender.ORDER, "not_signed_by_buyer")
    assert (fallen.state, fallen.deadline, fallen.next_actor) == (TERMINATED, None, None)
    final = rules.finalize(rules.verify(drafted, NOON), NOON)
    for over in (fallen, final):
        assert rules.fail(over, "not_delivered", NOON) is over
        assert not rules.deadline_has_passed(over, NOON + 99 * DAY)
    assert not rules.deadline_has_passed(drafted, NOON + 99 * DAY), "it ends with its order"
