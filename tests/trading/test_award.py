"""What the acceptance of a quote must name, and until when."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from services.trading.rules import contract as contract_rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import order as order_rules
from services.trading.rules.award import (
    Acceptance,
    BeyondOffer,
    BundleNotOrdered,
    CoverageNotDelivered,
    FromQuote,
    Quoted,
    QuoteDiffers,
    QuoteExpired,
    QuoteOverlaps,
    accept_quote,
    require_apart,
)
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import Pricing
from services.trading.rules.right import RightKind
from services.trading.rules.scope import narrowed
from shared.grades import Mode
from shared.ids import ContractId, EntitlementId, OrderId, ParticipantId, PlanId, QuoteId, VersionId
from tests.trading.made import FEES, MICROSECOND, NOON, a_listing, grounds_of, yuan

PLAN = PlanId.new()
LISTING = a_listing(RightKind.UNLIMITED, Pricing.FIXED, plan_id=PLAN)
QUOTE = Quoted(
    QuoteId.new(), 1, PLAN, LISTING.version_id, LISTING.mode, ParticipantId.new(), yuan(85), expires_at=NOON
)  # fmt: skip
PRESENT = {
    "quote_id": QUOTE.id, "quote_version": 1, "total": yuan(85), "expires_at": NOON,
    "renew_at": f"/pricing/v1/quotes/{QUOTE.id}/renew",
}  # fmt: skip
YES = Acceptance(QUOTE.id, 1, yuan(85))


def test_until_the_last_microsecond_a_quote_is_held():
    award = accept_quote(QUOTE, YES, LISTING, FEES, NOON - MICROSECOND)
    assert (award.buyer_id, award.price, award.origin) == (QUOTE.buyer_id, yuan(85), FromQuote(QUOTE.id, 1))
    with pytest.raises(QuoteExpired) as refused:
        accept_quote(QUOTE, YES, LISTING, FEES, NOON)
    assert refused.value.facts == {"expired_at": NOON, **PRESENT}


@pytest.mark.parametrize("quote, said", [
    (QUOTE,                                         replace(YES, quote_version=2)),
    (QUOTE,                                         replace(YES, total=yuan(84))),
    (QUOTE,                                         replace(YES, total=yuan(86))),
    (replace(QUOTE, plan_id=PlanId.new()),          YES),
    (replace(QUOTE, version_id=VersionId.new()),    YES),
    (replace(QUOTE, mode=Mode.COMPUTE),             YES),
])  # fmt: skip
def test_another_quote_than_the_one_accepted_is_not_taken(quote: Quoted, said: Acceptance):
    with pytest.raises(QuoteDiffers) as refused:
        accept_quote(quote, said, LISTING, FEES, NOON - MICROSECOND)
    of_another = {"plan_id": quote.plan_id, "version_id": quote.version_id, "mode": quote.mode}
    assert refused.value.facts == (PRESENT if said is not YES else of_another | PRESENT)


def bought(**more: int | None) -> Quoted:
    return replace(QUOTE, **more)  # pyright: ignore[reportArgumentType]


def test_what_a_quote_buys_becomes_the_order_its_contract_and_its_right():
    few = LISTING.quota_uses - 1, LISTING.right.period_days - 1
    for quote, uses, days in (
        (bought(quota_uses=few[0]), few[0], LISTING.right.period_days),
        (bought(period_days=few[1]), LISTING.quota_uses, few[1]),
        (QUOTE, LISTING.quota_uses, LISTING.right.period_days),
    ):
        award = accept_quote(quote, YES, LISTING, FEES, NOON - MICROSECOND)
        order = order_rules.place(OrderId.new(), ContractId.new(), award, LISTING, STANDARD.windows)
        assert (order.scope is None) == (quote is QUOTE)
        sold = narrowed(LISTING, order.scope)
        right = entitlement_rules.grant(EntitlementId.new(), order, sold, NOON)
        assert (right.quota_uses, right.deadline) == (uses, NOON + timedelta(days=days))
        terms = json.loads(contract_rules.draft(order, sold, grounds_of(order, sold)).terms)
        assert (terms["quota_uses"], terms["right"]["period_days"]) == (uses, days)


def test_a_quote_buys_at_most_what_one_order_of_the_offer_may():
    uses, days = LISTING.quota_uses, LISTING.right.period_days
    accept_quote(bought(quota_uses=uses, period_days=days), YES, LISTING, FEES, NOON - MICROSECOND)
    for more, facts in (
        ({"quota_uses": uses + 1}, {"quota_uses": uses + 1, "quota_uses_max": uses}),
        ({"period_days": days + 1}, {"period_days": days + 1, "period_days_max": days}),
    ):
        with pytest.raises(BeyondOffer) as refused:
            accept_quote(bought(**more), YES, LISTING, FEES, NOON - MICROSECOND)
        assert refused.value.facts == facts


def test_a_bundle_is_not_ordered_as_if_it_were_one_of_its_parts():
    with pytest.raises(BundleNotOrdered):
        accept_quote(replace(QUOTE, is_bundle=True), YES, LISTING, FEES, NOON - MICROSECOND)


@pytest.mark.parametrize("columns, mode, is_taken", [
    (None, Mode.RAW, True), (("a",), Mode.API, True), (("a",), Mode.COMPUTE, True), (("a",), Mode.RAW, False),
    (("a",), Mode.DESENSITISED, False), ((), Mode.API, False),
])  # fmt: skip
def test_what_is_priced_by_coverage_is_ordered_where_each_use_says_what_it_reads(
    columns: tuple[str, ...] | None, mode: Mode, is_taken: bool
):
    listing, quote = replace(LISTING, mode=mode), replace(QUOTE, mode=mode, columns=columns)
    if is_taken:
        assert accept_quote(quote, YES, listing, FEES, NOON - MICROSECOND).columns == columns
    else:
        with pytest.raises(CoverageNotDelivered) as refused:
            accept_quote(quote, YES, listing, FEES, NOON - MICROSECOND)
        assert refused.value.facts == {"mode": mode, "columns": columns}


def test_a_right_for_some_columns_is_used_for_those_alone():
    award = accept_quote(
        replace(QUOTE, mode=Mode.API, columns=("a", "b")),
        YES,
        replace(LISTING, mode=Mode.API),
        FEES,
        NOON - MICROSECOND,
    )
    order = order_rules.place(OrderId.new(), ContractId.new(), award, LISTING, STANDARD.windows)
    right = entitlement_rules.grant(EntitlementId.new(), order, LISTING, NOON)
    assert right.columns == ("a", "b")
    for columns in ([], ["b"], ["a", "b"]):
        entitlement_rules.require_columns(right, columns)
    for columns, told in ((None, None), (["c", "a"], ["a", "c"])):
        with pytest.raises(entitlement_rules.BeyondColumns) as refused:
            entitlement_rules.require_columns(right, columns)
        assert refused.value.facts == {"columns": told, "allowed": ["a", "b"]}
    for columns in (None, ["c"]):
        entitlement_rules.require_columns(replace(right, columns=None), columns)


def test_what_was_ordered_at_another_quote_is_not_charged_for_again():
    require_apart(QUOTE, [])
    other = OrderId.new()
    with pytest.raises(QuoteOverlaps) as refused:
        require_apart(QUOTE, [other])
    assert refused.value.facts == {"order_ids": [other], **PRESENT}
