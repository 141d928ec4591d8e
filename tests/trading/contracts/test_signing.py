"""A contract's terms, their hash, and two signatures over it."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.trading.rules import contract as rules
from services.trading.rules.contract import (
    ACTIVE,
    CONTRACT,
    DRAFTED,
    FULFILLED,
    LAPSED,
    TERMINATED,
    AlreadySigned,
    Contract,
    ContractNotOpen,
    NoSuchContract,
    Side,
    Signature,
    State,
)
from shared import canonical
from shared.grades import C4
from shared.ids import KeyId, ParticipantId
from tests.trading.made import MICROSECOND, NOON, a_contract, a_listing, an_order


def signed_by(contract: Contract, side: Side, at: datetime = NOON) -> Contract:
    party = contract.buyer_id if side == "buyer" else contract.provider_id
    return rules.sign(contract, Signature(side, party, KeyId.new(), "key", "signature", at), at)


def test_the_terms_are_canonical_and_hashed_as_they_stand():
    contract = a_contract()
    assert canonical.encode(json.loads(contract.terms)).decode() == contract.terms
    assert hashlib.sha256(contract.terms.encode()).hexdigest() == contract.terms_hash
    assert rules.message(contract) == b"yaosu contract v1\n" + contract.terms_hash.encode()


def test_the_terms_say_all_that_decided_the_sale():
    listing = a_listing()
    order = an_order(listing)
    told = json.loads(a_contract(listing, order).terms)
    assert told["subject"]["content_hash"] == listing.content_hash
    assert told["grading"]["decision"] == {"allowed": True, "policy_version": "2026-12", "rules": [
        "matrix.G2.raw", "overlay.personal_raw", "overlay.pipl_23", "overlay.pipl_29_55", "overlay.pipl_31",
    ]}  # fmt: skip
    assert (told["price"], told["fees"]["provider_fee_basis_points"]) == ({"minor": 12_345, "currency": "CNY"}, 250)
    assert told["windows"]["acceptance_seconds"] == 7 * 86_400
    assert told["origin"] == {"auction_id": order.auction_id}


def test_other_terms_have_another_hash():
    listing = a_listing()
    order = an_order(listing)
    hashes = {
        a_contract(listing, order).terms_hash,
        a_contract(listing, order, clearance=C4).terms_hash,
        a_contract(replace(listing, quota_uses=4), order).terms_hash,
        a_contract(listing, replace(order, price=order.price * 2)).terms_hash,
    }
    assert len(hashes) == 4


@pytest.mark.parametrize("first, second", [("buyer", "provider"), ("provider", "buyer")])
def test_a_contract_is_active_once_both_have_signed_in_either_order(first: Side, second: Side):
    half = signed_by(a_contract(), first)
    assert (half.state, half.next_actor) == (DRAFTED, second)
    whole = signed_by(half, second)
    assert (whole.state, whole.next_actor, whole.deadline) == (ACTIVE, None, None)


def test_nobody_signs_twice():
    with pytest.raises(AlreadySigned):
        signed_by(signed_by(a_contract(), "buyer"), "buyer")


def test_a_signature_counts_until_the_deadline_and_not_at_it():
    contract, deadline = a_contract(), NOON + timedelta(days=5)
    assert contract.deadline == deadline
    signed_by(contract, "buyer", deadline - MICROSECOND)
    with pytest.raises(ContractNotOpen):
        signed_by(contract, "buyer", deadline)


def test_a_stranger_has_no_such_contract():
    with pytest.raises(NoSuchContract):
        a_contract().side_of(ParticipantId.new())


@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State):
    contract = replace(a_contract(), state=state)
    if state is DRAFTED:
        assert signed_by(contract, "buyer").state is DRAFTED
    else:
        with pytest.raises(ContractNotOpen):
            signed_by(contract, "buyer")
    ended = {DRAFTED: (LAPSED, LAPSED), ACTIVE: (TERMINATED, FULFILLED)}.get(state, (state, state))
    assert tuple(rules.end(contract, "why", fulfilled=fulfilled).state for fulfilled in (False, True)) == ended
    assert set(ended) - {state} <= CONTRACT.moves[state]
