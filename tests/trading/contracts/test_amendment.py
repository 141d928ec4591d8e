"""What of a contract can be changed, by how much, and what the change brings about: the rules."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trading.rules import amendment as rules
from services.trading.rules import contract as contract_rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import order as order_rules
from services.trading.rules.amendment import Change, DeliveredAlready, NothingChanges, PeriodPassed, UsesMade
from services.trading.rules.contract import (
    ACTIVE,
    DRAFTED,
    LAPSED,
    SUPERSEDED,
    Contract,
    ContractNotActive,
    ContractNotOpen,
    NotAnAmendment,
    Refusal,
    draft,
)
from services.trading.rules.entitlement import Entitlement, EntitlementEnded
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from services.trading.rules.scope import BeyondListing, Scope
from shared import canonical
from shared.ids import ContractId, EntitlementId
from tests.trading.contracts.generated import contract_of, deals, known_deal
from tests.trading.made import MICROSECOND, NOON

DAY = timedelta(days=1)
NEW_ID = ContractId("contract_" + "8" * 32)
OrderState = order_rules.State


def deal(**changes: Any) -> tuple[Contract, Listing, Order, Entitlement]:
    """In force, of 180 days from the second of January on, with 12 uses of which 5 are spent."""
    order, listing, grounds = known_deal()
    contract = replace(draft(order, listing, grounds), state=ACTIVE, deadline=None)
    order = replace(order, state=OrderState.AWAITING_DELIVERY)
    right = entitlement_rules.grant(EntitlementId.new(), order, listing, NOON)
    return contract, listing, order, replace(right, uses_spent=5, **changes)


def propose(change: Change, now: datetime = NOON, **others: Any) -> Contract:
    contract, listing, order, right = deal()
    parts: dict[str, Any] = {"before": contract, "listing": listing, "order": order, "right": right}
    return rules.propose(NEW_ID, side="buyer", change=change, grounds=known_deal()[2], now=now, **(parts | others))


def told(contract: Contract) -> Any:
    return canonical.decode(contract.terms)


def test_an_amendment_says_what_it_changes_and_what_it_supersedes_and_leaves_all_else():
    before = deal()[0]
    amendment = propose(Change(("research",), 9, 90, 10), NOON + DAY)
    old, new = told(before), told(amendment)
    assert {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} == {
        "contract_id", "purposes", "quota_uses", "right", "windows", "supersedes", "amended_at", "odrl", "text",
    }  # fmt: skip
    assert (new["purposes"], new["quota_uses"], new["right"]["period_days"]) == (["research"], 9, 90)
    assert new["windows"] == old["windows"] | {"acceptance_seconds": 864_000}
    assert new["supersedes"] == {"contract_id": before.id, "terms_hash": before.terms_hash}
    assert (amendment.state, amendment.supersedes, amendment.proposed_by) == (DRAFTED, before.id, "buyer")
    assert amendment.deadline == NOON + 6 * DAY, "five days to sign, as the contract says"
    assert (amendment.order_id, amendment.drafted_at) == (before.order_id, NOON + DAY)


@pytest.mark.parametrize("change", [
    Change(), Change(quota_uses=12), Change(period_days=180), Change(acceptance_days=7),
    Change(("research", "route_planning"), 12, 180, 7),
])  # fmt: skip
def test_what_changes_nothing_is_no_amendment(change: Change):
    with pytest.raises(NothingChanges):
        propose(change)


@pytest.mark.parametrize("change, term", [
    (Change(("risk_control",)),  "purposes"),
    (Change(quota_uses=13),      "quota_uses"),
    (Change(period_days=181),    "period_days"),
])  # fmt: skip
def test_nothing_goes_beyond_the_listing(change: Change, term: str):
    with pytest.raises(BeyondListing) as beyond:
        propose(change)
    assert beyond.value.facts["term"] == term


def test_a_deal_that_had_more_uses_than_one_listing_may_keep_them():
    _, listing, order, _ = deal()
    units = replace(listing, quota_uses=4)
    assert told(propose(Change(("research",)), listing=units))["quota_uses"] == 12
    with pytest.raises(BeyondListing):
        propose(Change(quota_uses=13), listing=units, order=order)


def test_at_least_the_uses_that_were_made_stay_granted():
    assert told(propose(Change(quota_uses=5)))["quota_uses"] == 5
    with pytest.raises(UsesMade) as made:
        propose(Change(quota_uses=4))
    assert made.value.facts == {"uses_spent": 5}


def test_a_right_is_not_shortened_into_the_past():
    begins = NOON + DAY
    assert told(propose(Change(period_days=10), begins + 10 * DAY - MICROSECOND))["right"]["period_days"] == 10
    with pytest.raises(PeriodPassed) as passed:
        propose(Change(period_days=10), begins + 10 * DAY)
    assert passed.value.facts == {"deadline": begins + 10 * DAY}


@pytest.mark.parametrize("state", [state for state in contract_rules.State if state is not ACTIVE])
def test_only_a_contract_in_force_is_amended_or_superseded_or_renewed(state: contract_rules.State):
    before = replace(deal()[0], state=state, superseded_by=NEW_ID)
    for act in (
        lambda: propose(Change(quota_uses=9), before=before),
        lambda: contract_rules.supersede(before, propose(Change(quota_uses=9))),
    ):
        with pytest.raises(ContractNotActive) as refused:
            act()
        assert refused.value.facts == {"state": state, "reason_code": None, "superseded_by": NEW_ID}
    if state is contract_rules.FULFILLED:
        contract_rules.require_renewable(before)
    else:
        with pytest.raises(ContractNotActive):
            contract_rules.require_renewable(before)


@pytest.mark.parametrize("state, may", [
    (OrderState.AWAITING_PAYMENT, True), (OrderState.AWAITING_DELIVERY, True), (OrderState.AWAITING_ACCEPTANCE, False),
    (OrderState.SETTLING, False), (OrderState.SETTLED, False),
])  # fmt: skip
def test_the_time_to_inspect_changes_until_the_first_delivery_and_all_else_after_it_too(state: OrderState, may: bool):
    order = replace(deal()[2], state=state)
    assert told(propose(Change(quota_uses=9), order=order))["quota_uses"] == 9
    if may:
        assert told(propose(Change(acceptance_days=8), order=order))["windows"]["acceptance_seconds"] == 8 * 86_400
        return
    with pytest.raises(DeliveredAlready) as refused:
        propose(Change(acceptance_days=8), order=order)
    assert refused.value.facts == {"state": state}
    with pytest.raises(DeliveredAlready):
        rules.amend_order(order, propose(Change(acceptance_days=8)))


def test_a_right_that_is_over_is_not_amended():
    right = entitlement_rules.end(deal()[3], "period_over")
    with pytest.raises(EntitlementEnded):
        propose(Change(quota_uses=9), right=right)


def test_before_anything_is_granted_the_order_alone_follows():
    order = replace(deal()[2], state=OrderState.AWAITING_PAYMENT)
    amendment = propose(Change(("research",), 2, 30, 3), order=order, right=None)
    amended = rules.amend_order(order, amendment)
    assert amended.scope == rules.scope_of(told(amendment))
    assert (amended.contract_id, amended.revision) == (NEW_ID, order.revision + 1)
    assert amended.windows == replace(order.windows, acceptance_seconds=3 * 86_400)
    assert replace(amended, contract_id=order.contract_id, scope=None, windows=order.windows, revision=1) == order


@settings(deadline=None, max_examples=40)
@given(
    purposes=st.sampled_from([None, ("research",), ("route_planning",)]), quota=st.none() | st.integers(5, 12),
    days=st.none() | st.integers(1, 180),
)  # fmt: skip
def test_the_right_goes_on_as_a_fresh_grant_of_the_new_terms_would(
    purposes: tuple[str, ...] | None, quota: int | None, days: int | None
):
    _, listing, order, right = deal()
    try:
        amendment = propose(Change(purposes, quota, days))
    except NothingChanges:
        return
    scope = rules.scope_of(told(amendment))
    amended = rules.amend_entitlement(right, NEW_ID, scope, NOON)
    as_listed = replace(listing, right=scope.right, purposes=scope.purposes, quota_uses=scope.quota_uses)
    fresh = entitlement_rules.grant(right.id, replace(order, contract_id=NEW_ID), as_listed, NOON)
    assert amended == replace(fresh, uses_spent=5, revision=right.revision + 1)


@settings(deadline=None)
@given(deal=deals())
def test_what_terms_grant_is_read_back_out_of_them(deal: tuple[Order, Listing]):
    order, listing = deal
    granted = Scope(listing.right, listing.purposes, listing.quota_uses)
    assert rules.scope_of(told(contract_of(order, listing))) == granted


def test_the_superseded_contract_says_what_took_its_place_and_keeps_its_terms():
    before, amendment = deal()[0], propose(Change(quota_uses=9))
    after = contract_rules.supersede(before, amendment)
    assert (after.state, after.reason_code, after.superseded_by) == (SUPERSEDED, "amended", NEW_ID)
    assert (after.terms, after.terms_hash, after.signatures) == (before.terms, before.terms_hash, before.signatures)
    assert contract_rules.end(after, "why") is after


def test_a_side_refuses_an_amendment_until_its_deadline_and_says_why():
    amendment = propose(Change(quota_uses=9))
    deadline = NOON + 5 * DAY
    refused = contract_rules.refuse(
        amendment, "provider", Refusal.TERMS_NOT_AGREED, "太多", deadline - MICROSECOND
    )  # fmt: skip
    assert (refused.state, refused.reason_code, refused.reason) == (LAPSED, "terms_not_agreed_by_provider", "太多")
    assert (refused.deadline, refused.next_actor) == (None, None)
    for late in (lambda: contract_rules.refuse(amendment, "buyer", Refusal.NO_LONGER_WANTED, "算了", deadline),
                 lambda: contract_rules.refuse(refused, "buyer", Refusal.NO_LONGER_WANTED, "算了", NOON)):  # fmt: skip
        with pytest.raises(ContractNotOpen):
            late()
    first = replace(deal()[0], state=DRAFTED)
    with pytest.raises(NotAnAmendment):
        contract_rules.refuse(first, "buyer", Refusal.NO_LONGER_WANTED, "算了", NOON)


def test_an_amendment_that_is_not_signed_lapses():
    amendment = propose(Change(quota_uses=9))
    assert not contract_rules.deadline_has_passed(amendment, NOON + 5 * DAY - MICROSECOND)
    assert contract_rules.deadline_has_passed(amendment, NOON + 5 * DAY)
    assert not contract_rules.deadline_has_passed(deal()[0], NOON + 500 * DAY), "one in force waits for nothing"
    lapsed = contract_rules.pass_deadline(amendment)
    assert (lapsed.state, lapsed.reason_code, lapsed.deadline) == (LAPSED, "not_signed", None)


def test_a_contract_of_the_first_version_is_amended_by_one_of_the_second():
    before = deal()[0]
    old = {name: value for name, value in told(before).items() if name not in {"parties", "plan", "odrl", "text"}}
    old["terms_version"] = 1
    amendment = propose(Change(quota_uses=9), before=replace(before, terms=canonical.encode(old).decode()))
    assert told(amendment)["terms_version"] == 2
    assert amendment.text_hash == told(amendment)["text"]["text_hash"]
    assert told(amendment)["parties"]["buyer"]["name"] == "阿尔法科技有限公司"
