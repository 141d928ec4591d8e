"""Inquiries that tests are about, made in one line each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.trading.rules import inquiry as rules
from services.trading.rules.inquiry import Inquiry
from services.trading.rules.inquiry_terms import Asked, Terms, terms_of
from services.trading.rules.market_rules import STANDARD, MarketRules
from services.trading.rules.right import RightKind
from services.trading.rules.scoring import Answer, AwardBy, FewOffers, PerUnit, Proposal, ScoringRule
from shared.grades import G3, Mode
from shared.ids import InquiryId, ListingId, ParticipantId
from shared.money import Money
from tests.trading.made import FEES, NOON

DAY = timedelta(days=1)
OFFERS_UNTIL = NOON + 3 * DAY
OPENED_UNTIL = NOON + 4 * DAY
NAMES = "ABCD"
PROVIDERS = {name: ParticipantId(f"participant_{number:032x}") for number, name in enumerate(NAMES)}
SALT = "5a" * 32
RULE = ScoringRule(AwardBy.SECOND_SCORE, (), (PerUnit("quality", 1, 0, 1_000),), (), 0, FewOffers.FAILS)
ASKED = Asked("route_planning", Mode.RAW, G3, RightKind.UNLIMITED, "air_travel", "CN", 365, 1)


def inquiry_terms(
    rule: ScoringRule = RULE, *, budget: int | None = None, budget_is_open: bool = False,
    offers_until: datetime = OFFERS_UNTIL, rules: MarketRules = STANDARD,
) -> Terms:  # fmt: skip
    return terms_of(
        title="机场", description="全国机场", asked=ASKED, scoring_rule=rule,
        budget=None if budget is None else Money(budget), budget_is_open=budget_is_open, offers_until=offers_until,
        fees=FEES, rules=rules, now=NOON,
    )  # fmt: skip


def an_inquiry(terms: Terms | None = None, invited: str = "ABC", **changes: Any) -> Inquiry:
    """Published at noon; offers are taken for three days, and opened within one more."""
    asked = tuple(PROVIDERS[name] for name in invited)
    made = rules.publish(InquiryId.new(), ParticipantId.new(), None, terms or inquiry_terms(), asked, NOON)
    return replace(made, **changes)


def few(outcome: FewOffers) -> Terms:
    return inquiry_terms(replace(RULE, few_offers=outcome))


def a_proposal(quality: int = 100, price: int = 40) -> Proposal:
    return Proposal(ListingId(f"listing_{quality:032x}"), Money(price), (Answer("quality", quality),))


def seal(inquiry: Inquiry, name: str, proposal: Proposal, at: datetime = NOON) -> Inquiry:
    provider_id = PROVIDERS[name]
    commitment = rules.commitment_to(inquiry.id, provider_id, proposal, SALT)
    return rules.seal(inquiry, provider_id, commitment.hex, at)


def open_offer(inquiry: Inquiry, name: str, proposal: Proposal, at: datetime = OFFERS_UNTIL) -> Inquiry:
    return rules.open_offer(inquiry, PROVIDERS[name], proposal, SALT, at)


def sealed(offers: Mapping[str, Proposal], terms: Terms | None = None) -> Inquiry:
    """With these offers sealed, in this order."""
    inquiry = an_inquiry(terms)
    for name, proposal in offers.items():
        inquiry = seal(inquiry, name, proposal)
    return inquiry


def opened(offers: Mapping[str, Proposal], terms: Terms | None = None, order: Sequence[str] = ()) -> Inquiry:
    """With these offers sealed in this order, and all opened, in that of `order`."""
    inquiry = rules.end_offers(sealed(offers, terms), OFFERS_UNTIL)
    for name in order or offers:
        inquiry = open_offer(inquiry, name, offers[name])
    return inquiry
