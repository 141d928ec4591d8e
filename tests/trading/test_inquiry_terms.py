"""What an inquiry may ask, of whom, and which listings answer it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.trading.rules.auction import RelatedParty
from services.trading.rules.inquiry_terms import (
    BadInquiryTimes,
    BudgetIsNone,
    InvitedAreRelated,
    InvitedTwice,
    Invitee,
    NotAProvider,
    TooFewInvited,
    misfit,
    related_among,
    require_invitable,
)
from services.trading.rules.listing import Listing, Right, suspend
from services.trading.rules.market_rules import DEMO
from services.trading.rules.mechanism import Pricing
from services.trading.rules.right import RightKind
from services.trading.rules.scoring import BadScoring
from shared.grades import G2, G3, G4, Mode
from shared.ids import ParticipantId
from tests.trading.inquiries import ASKED, PROVIDERS, RULE, inquiry_terms
from tests.trading.made import MICROSECOND, NOON, a_listing


@pytest.mark.parametrize("until, fits", [
    (NOON + timedelta(days=3) - MICROSECOND,  False),
    (NOON + timedelta(days=3),                True),
    (NOON + timedelta(days=90),               True),
    (NOON + timedelta(days=90) + MICROSECOND, False),
])  # fmt: skip
def test_offers_are_taken_for_three_days_to_ninety(until: datetime, fits: bool):
    if fits:
        assert inquiry_terms(offers_until=until).opened_until == until + timedelta(days=1)
    else:
        with pytest.raises(BadInquiryTimes) as refused:
            inquiry_terms(offers_until=until)
        assert refused.value.facts == {"seconds_min": 3 * 86_400, "seconds_max": 90 * 86_400}


def test_a_demonstration_takes_seconds():
    terms = inquiry_terms(offers_until=NOON + timedelta(seconds=3), rules=DEMO)
    assert terms.opened_until - terms.offers_until == timedelta(seconds=10)
    assert (terms.rules_name, terms.windows) == ("demo", DEMO.windows)


def test_terms_that_cannot_be_judged_are_refused():
    with pytest.raises(BudgetIsNone):
        inquiry_terms(budget_is_open=True)
    with pytest.raises(BadScoring):
        inquiry_terms(replace(RULE, per_unit=()))
    assert inquiry_terms(budget=5, budget_is_open=True).budget_is_open


def invitees(number: int, **changes: object) -> list[Invitee]:
    made = [Invitee(ParticipantId(f"participant_{index:032x}"), True, frozenset()) for index in range(1, number + 1)]
    return [*made[:-1], replace(made[-1], **changes)]  # pyright: ignore[reportArgumentType]


BUYER = Invitee(ParticipantId(f"participant_{0:032x}"), False, frozenset())


@pytest.mark.parametrize("invited, refused", [
    (invitees(2), TooFewInvited),
    (invitees(3), None),
    (invitees(30), None),
    (invitees(31), TooFewInvited),
    ([*invitees(3), invitees(1)[0]], InvitedTwice),
    (invitees(3, is_provider=False), NotAProvider),
    (invitees(3, participant_id=BUYER.participant_id), RelatedParty),
    (invitees(4, affiliates=frozenset({invitees(1)[0].participant_id})), InvitedAreRelated),
    (invitees(4, affiliates=frozenset({ParticipantId.new()})), None),
], ids=[str(number) for number in range(9)])  # fmt: skip
def test_at_least_three_strangers_who_provide_are_invited(
    invited: list[Invitee], refused: type[Exception] | None
):  # fmt: skip
    if refused is None:
        require_invitable(BUYER, invited)
    else:
        with pytest.raises(refused):
            require_invitable(BUYER, invited)


def test_a_refused_invitation_says_who_and_how_many():
    def facts(buyer: Invitee, invited: list[Invitee]) -> dict[str, object]:
        with pytest.raises(Exception) as refused:
            require_invitable(buyer, invited)
        return refused.value.facts  # pyright: ignore

    third = invitees(3)[-1].participant_id
    assert facts(BUYER, invitees(2)) == {"invited": 2, "invited_min": 3, "invited_max": 30}
    assert facts(BUYER, [*invitees(3), *invitees(3)[-1:]]) == {"participant_ids": [third]}
    assert facts(BUYER, invitees(3, is_provider=False)) == {"participant_ids": [third]}
    assert facts(replace(BUYER, affiliates=frozenset({third})), invitees(3)) == {"participant_ids": [third]}
    related = invitees(3, affiliates=frozenset({invitees(1)[0].participant_id}))
    assert facts(BUYER, related) == {"participant_ids": [related[0].participant_id, third]}


def test_related_are_told_from_either_side():
    one, two, three = invitees(3)
    knows = replace(one, affiliates=frozenset({three.participant_id}))
    assert related_among([knows, two, three]) == related_among([three, two, knows])
    assert related_among([knows, two, three]) == {one.participant_id, three.participant_id}
    assert related_among([one, two, three]) == frozenset()


def offerable(**changes: object) -> Listing:
    listing = a_listing(RightKind.UNLIMITED, Pricing.INQUIRY)
    return replace(listing, **changes)  # pyright: ignore[reportArgumentType]


def right(**changes: object) -> Right:
    return replace(offerable().right, **changes)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("changes, reason", [
    ({}, None),
    ({"deadline": NOON}, "listing_not_open"),
    ({"deadline": NOON + MICROSECOND}, None),
    ({"provider_id": PROVIDERS["D"]}, "listing_of_another"),
    ({"pricing": Pricing.NEGOTIATION}, "pricing_not_inquiry"),
    ({"mode": Mode.API}, "mode_differs"),
    ({"grade": G2}, None),
    ({"grade": G3}, None),
    ({"grade": G4}, "grade_above_ceiling"),
    ({"right": right(kind=RightKind.EXCLUSIVE)}, "right_differs"),
    ({"right": right(field="freight")}, "right_differs"),
    ({"right": right(field="all")}, None),
    ({"right": right(territory="CN-31")}, "territory_differs"),
    ({"right": right(period_days=364)}, "period_too_short"),
    ({"right": right(period_days=366)}, None),
    ({"quota_uses": 0}, "quota_too_small"),
    ({"quota_uses": 1}, None),
    ({"purposes": ("research",)}, "purpose_not_granted"),
], ids=str)  # fmt: skip
def test_a_listing_is_offered_only_as_what_was_asked_for(changes: dict[str, object], reason: str | None):
    listing = offerable()
    provider_id = listing.provider_id
    assert misfit(ASKED, replace(listing, **changes), provider_id, NOON) == reason  # pyright: ignore


def test_a_grant_for_a_country_answers_for_its_parts():
    listing, part = offerable(), replace(ASKED, territory="CN-31")
    assert misfit(part, listing, listing.provider_id, NOON) is None
    assert misfit(replace(part, territory="SG-01"), listing, listing.provider_id, NOON) == "territory_differs"


def test_a_listing_that_is_suspended_is_not_offered():
    listing = offerable()
    assert misfit(ASKED, suspend(listing), listing.provider_id, NOON) == "listing_not_open"
