"""A deal may ask for less than is listed, and never for more; what bound the listing binds the deal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import listing as listing_rules
from services.trading.rules.listing import Licence, Offer, OutsideLicence
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import Pricing
from services.trading.rules.negotiation_terms import Proposal, terms_of
from services.trading.rules.right import Right, RightKind
from services.trading.rules.scope import BeyondListing, Scope, narrowed, require_within, scope_of
from shared.grades import Mode
from shared.ids import ListingId, PlanId
from shared.money import Money
from tests.trading.made import NOON, a_listing, a_version

LISTING = a_listing(
    RightKind.UNLIMITED, Pricing.NEGOTIATION, right=Right(RightKind.UNLIMITED, "air_travel", "CN", 30),
    purposes=("research", "route_planning"), quota_uses=5,
)  # fmt: skip


def asked(**changes: Any) -> Scope:
    """What is listed, but for the changes."""
    whole = scope_of(LISTING)
    of_the_right = {name: changes.pop(name) for name in ("field", "territory", "period_days") if name in changes}
    return replace(whole, right=replace(whole.right, **of_the_right), **changes)


def proposed(scope: Scope) -> Proposal:
    right = scope.right
    return Proposal(
        Money(1), right.field, right.territory, right.period_days, scope.purposes, scope.quota_uses, NOON
    )  # fmt: skip


@pytest.mark.parametrize("changes, beyond", [
    ({},                                   None),
    ({"period_days": 29},                  None),
    ({"period_days": 31},                  ("period_days", 30)),
    ({"quota_uses": 4},                    None),
    ({"quota_uses": 6},                    ("quota_uses", 5)),
    ({"purposes": ("research",)},          None),
    ({"purposes": ("research", "resale")}, ("purposes", ["research", "route_planning"])),
    ({"territory": "CN-31"},               None),
    ({"territory": "US"},                  ("territory", "CN")),
    ({"territory": "US-CN"},               ("territory", "CN")),
    ({"field": "finance"},                 ("field", "air_travel")),
], ids=str)  # fmt: skip
def test_each_term_keeps_within_the_listing(changes: dict[str, Any], beyond: tuple[str, object] | None):
    scope = asked(**changes)
    if beyond is None:
        require_within(scope, LISTING)
        assert scope_of(narrowed(LISTING, scope)) == terms_of(LISTING, proposed(scope)).scope == scope
        return
    for refuse in (lambda: require_within(scope, LISTING), lambda: terms_of(LISTING, proposed(scope))):
        with pytest.raises(BeyondListing) as refused:
            refuse()
        assert refused.value.facts == {"term": beyond[0], "allowed": beyond[1]}


def test_a_region_is_no_way_to_its_country():
    in_shanghai = replace(LISTING, right=replace(LISTING.right, territory="CN-31"))
    require_within(asked(territory="CN-31"), in_shanghai)
    for wider in ("CN", "CN-11"):
        with pytest.raises(BeyondListing):
            require_within(asked(territory=wider), in_shanghai)


def test_a_right_in_all_fields_holds_one_in_any_and_not_the_other_way():
    in_all = replace(LISTING, right=replace(LISTING.right, field="all"))
    for field in ("all", "finance"):
        require_within(asked(field=field), in_all)
    with pytest.raises(BeyondListing):
        require_within(asked(field="all"), LISTING)


def test_a_deal_for_all_that_is_listed_is_the_listing():
    assert narrowed(LISTING, None) is LISTING
    other = narrowed(LISTING, asked(period_days=1, quota_uses=1))
    assert (other.right.period_days, other.quota_uses, other.id) == (1, 1, LISTING.id)


WORDS = st.sampled_from(["research", "route_planning", "finance", "resale"])
TERRITORIES = st.sampled_from(["CN", "CN-31", "CN-11", "US", "US-CA"])
SETS = st.none() | st.frozensets(WORDS, min_size=1)
licences = st.builds(
    Licence, purposes=SETS, fields=SETS, territories=st.none() | st.frozensets(TERRITORIES, min_size=1),
    period_days_max=st.none() | st.integers(1, 40),
)  # fmt: skip
scopes = st.builds(
    Scope, right=st.builds(Right, st.just(RightKind.UNLIMITED), WORDS, TERRITORIES, st.integers(1, 40)),
    purposes=st.frozensets(WORDS, min_size=1).map(lambda words: tuple(sorted(words))), quota_uses=st.integers(1, 9),
)  # fmt: skip


@given(licences, scopes, scopes)
def test_what_keeps_within_the_listing_keeps_within_its_licence(licence: Licence, offered: Scope, wanted: Scope):
    version = a_version(licence=licence)

    def listed(scope: Scope) -> listing_rules.Listing:
        offer = Offer(
            version.id, Mode.RAW, scope.right, scope.purposes, scope.quota_uses, Pricing.FIXED, PlanId.new()
        )  # fmt: skip
        return listing_rules.open_listing(ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)

    try:
        listing = listed(offered)
        require_within(wanted, listing)
    except (OutsideLicence, BeyondListing):
        return
    assert listed(wanted).deadline == NOON + timedelta(seconds=STANDARD.listing_seconds)
