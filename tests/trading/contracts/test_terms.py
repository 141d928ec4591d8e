"""What a contract's terms hold, beside their policy and their text."""

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from services.trading.rules import contract_text
from services.trading.rules.award import FrozenFees
from services.trading.rules.contract import draft
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from shared import canonical
from tests.trading.contracts.generated import contract_of, deals, known_deal


def test_the_terms_say_who_the_parties_were_known_to_be():
    told = json.loads(draft(*known_deal()).terms)
    assert told["parties"] == {
        "buyer": {
            "participant_id": "participant_" + "a" * 32, "name": "阿尔法科技有限公司", "uscc": "91310000MA1K00001A",
            "roles": ["buyer"], "clearance": "C3",
        },
        "provider": {"participant_id": "participant_" + "b" * 32, "roles": []},
    }  # fmt: skip


def test_the_terms_say_by_which_plan_quote_fees_grade_and_policy_the_sale_was_made():
    told = json.loads(draft(*known_deal()).terms)
    assert told["terms_version"] == 2
    assert told["plan"] == {"plan_id": "plan_" + "6" * 32, "quote_id": "quote_" + "5" * 32, "quote_version": 2}
    assert told["fees"] == {"id": "fees-2026", "provider_fee_basis_points": 250, "tax_basis_points": 600}
    assert (told["grading"]["grade"], told["grading"]["buyer_clearance"]) == ("G2", "C3")
    assert told["grading"]["decision"]["policy_version"] == "2026-11"
    assert told["columns_digest"] == canonical.digest(["代码", "名称"])


def test_the_terms_of_a_known_deal_are_what_they_were():
    """What was signed is verified by its hash: a change of the terms is another version of them."""
    assert draft(*known_deal()).terms_hash[:16] == "c1a1a1f1e3d2cd8f"


def test_a_deal_without_a_quote_names_no_plan():
    order, listing, grounds = known_deal()
    told = json.loads(draft(replace(order, quote_id=None), listing, grounds).terms)
    assert "plan" not in told


@settings(deadline=None, max_examples=60)
@given(deal=deals())
def test_the_terms_pin_the_text_that_they_have(deal: tuple[Order, Listing]):
    told = json.loads(contract_of(*deal).terms)
    clauses = contract_text.text_of(told)
    assert clauses is not None
    assert told["text"] == {
        "text_version": 1, "structure": "provision", "text_hash": contract_text.hash_of(clauses),
    }  # fmt: skip
    assert canonical.encode(told).decode() == contract_of(*deal).terms


def test_whatever_changes_in_a_deal_changes_its_hash():
    order, listing, grounds = known_deal()
    fees = FrozenFees("fees-2027", 250, 600)
    others = [
        draft(order, listing, grounds),
        draft(order, listing, replace(grounds, quote_version=3)),
        draft(order, listing, replace(grounds, buyer=replace(grounds.buyer, name="贝塔科技有限公司"))),
        draft(order, listing, replace(grounds, provider=replace(grounds.provider, clearance=grounds.clearance))),
        draft(replace(order, fees=fees), listing, grounds),
        draft(replace(order, placed_at=order.placed_at + timedelta(microseconds=1)), listing, grounds),
        draft(order, replace(listing, grade_revision=2), grounds),
    ]
    assert len({contract.terms_hash for contract in others}) == len(others)
