"""What may be listed, beside what, and what a raised grade does to it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from services.trading.rules import listing as rules
from services.trading.rules.claim import Claim, claim_of
from services.trading.rules.listing import (
    DELISTED,
    LISTED,
    SOLD,
    SUSPENDED,
    AssetNotRegistered,
    BeginsTooEarlyOrLate,
    BelowQuality,
    CopiesMissing,
    Licence,
    Listing,
    ListingNotOpen,
    MechanismMissing,
    NoCopyLeft,
    NotYourVersion,
    OutsideLicence,
    PlanMissing,
    PricingDoesNotFit,
    PublicDataUncapped,
    Reason,
    RightsOverlap,
    State,
    SuspendedByGrade,
)
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import FITTING, Mechanism, Pricing
from services.trading.rules.price_cap import ARTICLE
from services.trading.rules.right import RightKind
from shared.grades import G1, G2, G3, G4, G6, Flag, Grade, Mode, NotPermitted, possible
from shared.ids import ListingId, ParticipantId, PlanId
from shared.lifecycle import IllegalMove
from tests.trading.made import MICROSECOND, NOON, a_listing, a_version, an_offer

EXCLUSIVE, LIMITED, UNLIMITED = RightKind


def listed(beside: tuple[Claim, ...] = (), kind: RightKind = EXCLUSIVE, **changes: Any) -> Listing:
    version = a_version(**changes)
    pricing = Pricing.AUCTION if kind is EXCLUSIVE else Pricing.FIXED
    offer = an_offer(version, kind, pricing)
    return rules.open_listing(ListingId.new(), offer, version, version.provider_id, beside, STANDARD, NOON)


@pytest.mark.parametrize("grade, mode", list(product(Grade, Mode)))
def test_what_nobody_could_have_is_not_listed(grade: Grade, mode: Mode):
    version = a_version(grade=grade)
    offer = replace(an_offer(version), mode=mode)
    act = (ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)
    if possible(grade, mode).allowed:
        assert rules.open_listing(*act).mode is mode
    else:
        with pytest.raises(NotPermitted) as refused:
            rules.open_listing(*act)
        core = grade is G6
        assert refused.value.told_code == ("core_data_not_tradable" if core else "mode_not_allowed_for_grade")


def test_persons_are_not_listed_raw():
    with pytest.raises(NotPermitted) as refused:
        listed(grade=G3, flags=frozenset({Flag.PERSONAL}))
    assert refused.value.told_code == "personal_information_not_raw"


@pytest.mark.parametrize("missing", [{"registered": False}, {"grade": None}, {"content_hash": None}])
def test_only_registered_graded_content_is_listed(missing: dict[str, Any]):
    with pytest.raises(AssetNotRegistered):
        listed(**missing)


ANYTHING = Licence(None, None, None, None)


@pytest.mark.parametrize("licence", [
    ANYTHING,
    replace(ANYTHING, purposes=frozenset({"route_planning", "credit"})),
    replace(ANYTHING, fields=frozenset({"air_travel"}), territories=frozenset({"CN"}), period_days_max=365),
])  # fmt: skip
def test_what_keeps_within_the_licence_terms_is_listed(licence: Licence):
    assert listed(licence=licence).state is LISTED


@pytest.mark.parametrize("licence, term, allowed", [
    (replace(ANYTHING, purposes=frozenset({"credit"})), "purposes", ["credit"]),
    (replace(ANYTHING, fields=frozenset({"health"})), "fields", ["health"]),
    (replace(ANYTHING, territories=frozenset({"CN-11", "HK"})), "territories", ["CN-11", "HK"]),
    (replace(ANYTHING, period_days_max=364), "period_days_max", [364]),
])  # fmt: skip
def test_no_more_is_listed_than_the_licence_terms_let(licence: Licence, term: str, allowed: list[object]):
    with pytest.raises(OutsideLicence) as refused:
        listed(licence=licence)
    assert refused.value.facts == {"term": term, "allowed": allowed}


def test_what_a_quality_gate_holds_back_is_not_listed():
    with pytest.raises(BelowQuality) as refused:
        listed(quality_gates=("required_fields_empty",))
    assert refused.value.facts == {"gates": ["required_fields_empty"]}


def test_a_region_is_within_its_country():
    version = a_version(licence=replace(ANYTHING, territories=frozenset({"CN"})))
    offer = an_offer(version)
    offer = replace(offer, right=replace(offer.right, territory="CN-31"))
    assert rules.open_listing(ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON).state is LISTED


def test_only_the_provider_lists_a_version():
    version = a_version()
    with pytest.raises(NotYourVersion):
        rules.open_listing(ListingId.new(), an_offer(version), version, ParticipantId.new(), (), STANDARD, NOON)


@pytest.mark.parametrize("kind", RightKind)
@pytest.mark.parametrize("mechanism", Mechanism)
def test_a_mechanism_is_taken_where_it_fits_the_right_and_refused_with_those_that_do(
    kind: RightKind, mechanism: Mechanism
):
    fitting = {
        EXCLUSIVE: ["english", "dutch", "sealed_first", "sealed_second"], LIMITED: ["uniform"], UNLIMITED: ["rsop"],
    }[kind]  # fmt: skip
    version = a_version()
    offer = replace(an_offer(version, kind, Pricing.AUCTION), mechanism=mechanism)
    act = (ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)
    if mechanism in fitting:
        assert rules.open_listing(*act).mechanism is mechanism
    else:
        with pytest.raises(PricingDoesNotFit) as refused:
            rules.open_listing(*act)
        assert refused.value.facts == {"right": kind, "mechanism": mechanism, "fitting": fitting}


@pytest.mark.parametrize("kind", RightKind)
@pytest.mark.parametrize("pricing", [Pricing.FIXED, Pricing.INQUIRY, Pricing.NEGOTIATION])
def test_every_other_pricing_fits_every_right_and_names_no_mechanism(kind: RightKind, pricing: Pricing):
    version = a_version()
    offer = an_offer(version, kind, pricing)
    act = (version, version.provider_id, (), STANDARD, NOON)
    assert rules.open_listing(ListingId.new(), offer, *act).state is LISTED
    with pytest.raises(MechanismMissing):
        rules.open_listing(ListingId.new(), replace(offer, mechanism=Mechanism.ENGLISH), *act)


def test_an_auction_names_its_mechanism():
    version = a_version()
    offer = replace(an_offer(version, EXCLUSIVE, Pricing.AUCTION), mechanism=None)
    with pytest.raises(MechanismMissing):
        rules.open_listing(ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)


@pytest.mark.parametrize("kind, copies, fits", [
    (LIMITED,   3,    True),
    (LIMITED,   None, False),
    (EXCLUSIVE, 3,    False),
    (UNLIMITED, 3,    False),
])  # fmt: skip
def test_only_a_limited_right_counts_its_copies(kind: RightKind, copies: int | None, fits: bool):
    version = a_version()
    offer = an_offer(version, kind, Pricing.FIXED)
    offer = replace(offer, right=replace(offer.right, copies=copies))
    act = (ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)
    if fits:
        assert rules.open_listing(*act).right.copies == copies
    else:
        with pytest.raises(CopiesMissing):
            rules.open_listing(*act)


@pytest.mark.parametrize("pricing, names_plan", [
    (Pricing.FIXED, False), (Pricing.AUCTION, True), (Pricing.INQUIRY, True), (Pricing.NEGOTIATION, True),
])  # fmt: skip
def test_a_fixed_price_names_its_plan_and_any_other_names_none(pricing: Pricing, names_plan: bool):
    version = a_version()
    offer = replace(an_offer(version, EXCLUSIVE, pricing), plan_id=PlanId.new() if names_plan else None)
    with pytest.raises(PlanMissing):
        rules.open_listing(ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)


@pytest.mark.parametrize("kind, beside, fits", [
    (EXCLUSIVE, (),                    True),
    (EXCLUSIVE, (UNLIMITED,),          False),
    (EXCLUSIVE, (EXCLUSIVE,),          False),
    (UNLIMITED, (UNLIMITED, LIMITED),  True),
    (LIMITED,   (UNLIMITED,),          True),
    (UNLIMITED, (EXCLUSIVE,),          False),
])  # fmt: skip
def test_an_exclusive_right_stands_alone(kind: RightKind, beside: tuple[RightKind, ...], fits: bool):
    version = a_version()
    taken = tuple(
        claim_of(ListingId.new(), version.asset_id, an_offer(version, other, Pricing.FIXED).right, NOON)
        for other in beside
    )
    if fits:
        assert listed(taken, kind, asset_id=version.asset_id).right.kind is kind
    else:
        with pytest.raises(RightsOverlap) as refused:
            listed(taken, kind, asset_id=version.asset_id)
        assert refused.value.facts == {"listings": [claim.listing_id for claim in taken]}


@pytest.mark.parametrize("kind", RightKind)
@pytest.mark.parametrize("pricing", Pricing)
@pytest.mark.parametrize("mechanism", Mechanism)
def test_public_data_are_listed_only_where_a_price_cap_is_kept(kind: RightKind, pricing: Pricing, mechanism: Mechanism):
    version = a_version(flags=frozenset({Flag.PUBLIC_DATA}))
    offer = an_offer(version, kind, pricing)
    if pricing is Pricing.AUCTION:
        if mechanism not in FITTING[kind]:
            return
        offer = replace(offer, mechanism=mechanism)
    act = (ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)
    if pricing is Pricing.FIXED or offer.mechanism in (Mechanism.ENGLISH, Mechanism.DUTCH):
        assert rules.open_listing(*act).state is LISTED
    else:
        with pytest.raises(PublicDataUncapped) as refused:
            rules.open_listing(*act)
        assert refused.value.facts == {"article": ARTICLE, "fitting": ["fixed", "english", "dutch"]}


@pytest.mark.parametrize("starts_in, fits", [
    (timedelta(0),                                     True),
    (timedelta(seconds=STANDARD.listing_seconds),      True),
    (-MICROSECOND,                                     False),
    (timedelta(seconds=STANDARD.listing_seconds) + MICROSECOND, False),
])  # fmt: skip
def test_a_right_begins_while_it_can_be_sold(starts_in: timedelta, fits: bool):
    version = a_version()
    offer = an_offer(version)
    offer = replace(offer, right=replace(offer.right, starts_at=NOON + starts_in))
    act = (ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)
    if fits:
        assert rules.open_listing(*act).right.starts_at == NOON + starts_in
    else:
        with pytest.raises(BeginsTooEarlyOrLate):
            rules.open_listing(*act)


ACTS: dict[str, Callable[[Listing], Listing]] = {
    "suspend": rules.suspend, "resume": rules.resume, "delist": rules.delist, "sell": rules.sell,
    "pass_deadline": rules.pass_deadline,
}  # fmt: skip
TO = {
    ("suspend",       LISTED):    SUSPENDED,
    ("resume",        SUSPENDED): LISTED,
    ("delist",        LISTED):    DELISTED,
    ("delist",        SUSPENDED): DELISTED,
    ("sell",          LISTED):    SOLD,
    ("pass_deadline", LISTED):    DELISTED,
    ("pass_deadline", SUSPENDED): DELISTED,
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State, act: str):
    reason = "by_provider" if state is SUSPENDED else None
    listing = replace(a_listing(), state=state, reason_code=reason)
    if to := TO.get((act, state)):
        after = ACTS[act](listing)
        assert (after.state, after.revision) == (to, listing.revision + 1)
        assert (after.next_actor is None) == (to in {SOLD, DELISTED})
    else:
        with pytest.raises(IllegalMove):
            ACTS[act](listing)


def test_a_right_that_is_not_exclusive_is_sold_again_and_again():
    listing = a_listing(UNLIMITED, Pricing.FIXED)
    assert rules.sell(listing) is listing


@pytest.mark.parametrize("taken, left, sold", [(0, 3, False), (1, 2, False), (2, 1, True)])
def test_a_limited_right_is_sold_out_with_its_last_copy(taken: int, left: int, sold: bool):
    listing = a_listing(LIMITED, Pricing.FIXED)
    assert rules.copies_left(listing, taken) == left
    after = rules.sell(listing, taken)
    assert (after is listing) == (not sold)
    if sold:
        assert (after.state, after.reason_code, after.deadline) == (SOLD, "all_copies_sold", None)


def test_no_copy_is_sold_twice():
    listing = a_listing(LIMITED, Pricing.FIXED)
    assert rules.copies_left(listing, 3) == rules.copies_left(listing, 4) == 0
    with pytest.raises(NoCopyLeft) as refused:
        rules.sell(listing, 3)
    assert refused.value.facts == {"copies": 3}


def test_a_right_without_limit_has_no_last_copy_and_an_exclusive_one_has_one():
    assert rules.copies_left(a_listing(UNLIMITED, Pricing.FIXED), 9) is None
    assert rules.copies_left(a_listing(), 0) == 1
    assert rules.sell(a_listing()).reason_code == "sold_exclusively"


def test_the_last_copy_of_what_was_withdrawn_meanwhile_stays_off():
    off = rules.delist(a_listing(LIMITED, Pricing.FIXED), Reason.ASSET_WITHDRAWN)
    assert rules.sell(off, 2) is off


def test_what_was_withdrawn_after_the_first_bid_is_sold_all_the_same_and_stays_off():
    off = rules.delist(a_listing(), Reason.ASSET_WITHDRAWN)
    assert rules.sell(off) is off


def test_what_its_winner_did_not_pay_for_is_sold_to_the_second_and_stays_sold():
    sold = rules.sell(a_listing())
    assert rules.sell(sold) is sold


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.ASSET_WITHDRAWN}))
def test_what_was_taken_off_for_another_reason_is_not_sold(reason: Reason):
    with pytest.raises(IllegalMove):
        rules.sell(rules.delist(a_listing(), reason))


def test_a_listing_takes_orders_until_it_expires_and_not_then():
    listing, end = a_listing(), NOON + timedelta(days=365)
    assert listing.deadline == end
    rules.require_open(listing, end - MICROSECOND)
    with pytest.raises(ListingNotOpen):
        rules.require_open(listing, end)
    with pytest.raises(ListingNotOpen):
        rules.require_open(rules.suspend(listing), NOON)


def test_a_grade_that_forbids_the_mode_suspends_and_the_provider_cannot_resume():
    raised = rules.regrade(a_listing(), G4, frozenset(), 2)
    assert (raised.state, raised.reason_code) == (SUSPENDED, "mode_not_allowed_for_grade")
    with pytest.raises(SuspendedByGrade):
        rules.resume(raised)


def test_what_the_provider_suspended_is_bound_by_the_grade_too():
    raised = rules.regrade(rules.suspend(a_listing()), G4, frozenset(), 2)
    with pytest.raises(SuspendedByGrade):
        rules.resume(raised)


@pytest.mark.parametrize("state, grade, revision, changes", [
    (LISTED,    G3, 2, True),
    (LISTED,    G3, 1, False),  # older than what is known
    (LISTED,    G2, 0, False),
    (SUSPENDED, G3, 2, True),
    (SOLD,      G4, 2, False),
    (DELISTED,  G4, 2, False),
    (LISTED,    G1, 2, True),
])  # fmt: skip
def test_news_of_a_grade_counts_once_and_only_for_what_is_open(
    state: State, grade: Grade, revision: int, changes: bool
):
    listing = replace(a_listing(), state=state)
    after = rules.regrade(listing, grade, frozenset(), revision)
    assert (after is not listing) == changes
    assert (after.grade is grade or after.grade is G2) and after.state is state
