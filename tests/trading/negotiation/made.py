"""Negotiations, and each step of one, in one line."""

from datetime import datetime, timedelta

from services.trading.rules import negotiation as rules
from services.trading.rules.market_rules import STANDARD, NegotiationRules
from services.trading.rules.mechanism import Pricing
from services.trading.rules.negotiation import (
    Negotiation,
    Withdrawal,
)
from services.trading.rules.negotiation_terms import (
    Offer,
    Proposal,
    Side,
    Terms,
    manner_of,
    offer_of,
    terms_of,
)
from services.trading.rules.right import RightKind
from shared.ids import ContractId, NegotiationId, OfferId, OrderId, ParticipantId
from shared.money import Money
from tests.trading.made import FEES, NOON, a_listing

BUYER, PROVIDER = Side
RULES = STANDARD.negotiation
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LISTING = a_listing(RightKind.UNLIMITED, Pricing.NEGOTIATION)
BUYER_ID, OPERATOR, STRANGER = ParticipantId.new(), "user:operator", ParticipantId.new()


def at_price(minor: int) -> Terms:
    """All that is listed."""
    right = LISTING.right
    return terms_of(LISTING, Proposal(
        Money(minor), right.field, right.territory, right.period_days, LISTING.purposes, LISTING.quota_uses, NOON + DAY,
    ))  # fmt: skip


def first(side: Side = BUYER, price: int = 100, expires_at: datetime = NOON + DAY) -> Offer:
    return offer_of(OfferId.new(), 1, side, at_price(price), expires_at, RULES, NOON)


def opened(
    side: Side = BUYER, price: int = 100, market: NegotiationRules = RULES, *, concession: bool = False,
    rounds_max: int | None = None,
) -> Negotiation:  # fmt: skip
    made = manner_of(market, directed=side is PROVIDER, concession=concession, rounds_max=rounds_max)
    return rules.open_negotiation(NegotiationId.new(), LISTING.provider_id, BUYER_ID, made, first(side, price))


def answered(negotiation: Negotiation, side: Side, price: int, now: datetime = NOON) -> Negotiation:
    return rules.answer(negotiation, side, OfferId.new(), at_price(price), now + DAY, RULES, now)


def accepted(negotiation: Negotiation, side: Side, now: datetime = NOON) -> Negotiation:
    offer = negotiation.offer
    return rules.accept(negotiation, side, offer.id, offer.terms_hash, FEES, now)


def agreed(negotiation: Negotiation, sign_by: datetime | None = NOON + 5 * DAY) -> Negotiation:
    return rules.agree(negotiation, OrderId.new(), ContractId.new(), sign_by)


def awaiting() -> Negotiation:
    """A directed deal that both want."""
    return accepted(opened(PROVIDER), BUYER)


def ended(negotiation: Negotiation, side: Side = BUYER, reason: str = "太贵", now: datetime = NOON) -> Negotiation:
    return rules.terminate(negotiation, side, Withdrawal.PRICE_NOT_AGREED, reason, now)
