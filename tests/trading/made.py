"""Things that tests of trading's rules are about, made in one line each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.trading.rules import auction as auction_rules
from services.trading.rules import listing as listing_rules
from services.trading.rules import order as order_rules
from services.trading.rules.auction import Auction
from services.trading.rules.auction_terms import Increment, Terms, terms_of
from services.trading.rules.award import Award, FromAuction, FromQuote, FrozenFees
from services.trading.rules.contract import Contract, draft
from services.trading.rules.contract_terms import Grounds, Identity
from services.trading.rules.listing import Listing, Offer, Version
from services.trading.rules.market_rules import STANDARD, MarketRules
from services.trading.rules.mechanism import FITTING, Pricing
from services.trading.rules.order import Order
from services.trading.rules.right import Right, RightKind
from shared.grades import C3, G2, Clearance, Condition, Mode, decide
from shared.ids import (
    AssetId,
    AuctionId,
    ContractId,
    ListingId,
    OrderId,
    ParticipantId,
    PlanId,
    QuoteId,
    VersionId,
)
from shared.money import Money

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FEES = FrozenFees("fees-2026", 250, 600)


def yuan(amount: int) -> Money:
    return Money(amount * 100)


def terms(
    *, start: int = 100, step: int = 10, reserve: int | None = None, rules: MarketRules = STANDARD, **changes: Any
) -> Terms:
    """Terms in minor units, open from noon for two days."""
    made = terms_of(
        start_price=Money(start), increments=(Increment(0, step),),
        reserve_price=None if reserve is None else Money(reserve), deposit=Money(start // 10 or 1), opens_at=None,
        closes_at=NOON + timedelta(days=2), fees=FEES, rules=rules, now=NOON,
    )  # fmt: skip
    return replace(made, **changes)


def an_auction(of: Terms | None = None) -> Auction:
    return auction_rules.open_auction(AuctionId.new(), ListingId.new(), ParticipantId.new(), of or terms(), NOON)


def a_version(**changes: Any) -> Version:
    made = Version(
        VersionId.new(), AssetId.new(), ParticipantId.new(), "机场", registered=True, grade=G2, flags=frozenset(),
        grade_revision=1, content_hash="ab" * 32,
    )  # fmt: skip
    return replace(made, **changes)


def an_offer(version: Version, kind: RightKind = RightKind.EXCLUSIVE, pricing: Pricing = Pricing.AUCTION) -> Offer:
    right = Right(kind, "air_travel", "CN", 365, copies=3 if kind is RightKind.LIMITED else None)
    plan_id = PlanId.new() if pricing is Pricing.FIXED else None
    mechanism = FITTING[kind][0] if pricing is Pricing.AUCTION else None
    return Offer(version.id, Mode.RAW, right, ("route_planning",), 3, pricing, plan_id, mechanism)


def a_listing(kind: RightKind = RightKind.EXCLUSIVE, pricing: Pricing = Pricing.AUCTION, **changes: Any) -> Listing:
    version = a_version()
    offer = an_offer(version, kind, pricing)
    made = listing_rules.open_listing(ListingId.new(), offer, version, version.provider_id, (), STANDARD, NOON)
    return replace(made, **changes)


def an_order(
    listing: Listing | None = None, *, price: int = 12_345, from_auction: bool = True, **changes: Any
) -> Order:
    listing = listing or a_listing()
    origin = FromAuction(AuctionId.new(), Money(price // 10)) if from_auction else FromQuote(QuoteId.new(), 1)
    award = Award(listing.id, listing.provider_id, ParticipantId.new(), Money(price), origin, FEES, NOON)
    made = order_rules.place(OrderId.new(), ContractId.new(), award, listing, STANDARD.windows)
    return replace(made, **changes)


def a_contract(listing: Listing | None = None, order: Order | None = None, clearance: Clearance = C3) -> Contract:
    listing = listing or a_listing()
    order = order or an_order(listing)
    return draft(order, listing, grounds_of(order, listing, clearance))


def grounds_of(order: Order, listing: Listing, clearance: Clearance = C3) -> Grounds:
    decision = decide(listing.grade, listing.mode, clearance, listing.flags, frozenset(Condition))
    buyer = Identity(order.buyer_id, "甲乙丙数据有限公司", "91310000MA1K00001A", frozenset({"buyer"}), clearance)
    provider = Identity(order.provider_id, "航空数据有限公司", "91310000MA1K00002B", frozenset({"provider"}), C3)
    return Grounds(clearance, decision, buyer, provider, 1 if order.quote_id else None)
