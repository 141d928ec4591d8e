"""The order of a bundle: which listings it is made of, and what becomes of its parts until it is paid."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.trading.rules import bundle as rules
from services.trading.rules import order as order_rules
from services.trading.rules.award import (
    Acceptance,
    FromBundle,
    Quoted,
    QuoteDiffers,
    QuotedPart,
    QuoteExpired,
    SaleTax,
)
from services.trading.rules.bundle import (
    BundleListings,
    BundleNotPayable,
    BundleOrder,
    BundlePaidWhole,
    NotABundle,
    PublicDataBundled,
)
from services.trading.rules.credit_record import Kind, breach_of
from services.trading.rules.listing import Listing
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import Pricing
from services.trading.rules.order import (
    AWAITING_ACCEPTANCE,
    AWAITING_DELIVERY,
    AWAITING_PAYMENT,
    AWAITING_SIGNATURES,
    DEFAULTED,
    LAPSED,
    SETTLED,
    NotDue,
    Order,
    State,
)
from services.trading.rules.order_reason import Reason
from services.trading.rules.price_cap import ARTICLE
from services.trading.rules.right import RightKind
from shared.grades import Flag, Mode
from shared.ids import ContractId, OrderId, ParticipantId, PlanId, QuoteId, VersionId
from shared.money import Money
from tests.trading.made import FEES, MICROSECOND, NOON, a_listing, an_order

PLAN, BUYER, BUNDLE = PlanId.new(), ParticipantId.new(), QuoteId.new()
DAY = timedelta(days=1)
NEITHER, BY_BUYER, BY_BOTH = frozenset[str](), frozenset({"buyer"}), frozenset({"buyer", "provider"})


def offered(**changes: Any) -> Listing:
    return a_listing(RightKind.UNLIMITED, Pricing.FIXED, **{"plan_id": PLAN} | changes)


ONE, TWO = offered(), offered()
PARTS = (
    QuotedPart(ONE.version_id, ONE.mode, Money(5_600), Money(317)),
    QuotedPart(TWO.version_id, TWO.mode, Money(2_400), Money(136)),
)
QUOTE = Quoted(
    BUNDLE, 2, PLAN, ONE.version_id, ONE.mode, BUYER, Money(8_000), NOON, is_bundle=True,
    tax=SaleTax("vat-2026", 600, Money(453)), parts=PARTS,
)  # fmt: skip
YES = Acceptance(BUNDLE, 2, Money(8_000))
BEFORE = NOON - MICROSECOND


def accept(quote: Quoted = QUOTE, said: Acceptance = YES, now: datetime = BEFORE, *listings: Listing) -> Any:
    return rules.accept(quote, said, listings or (ONE, TWO), FEES, now)


def test_each_listing_is_awarded_at_the_share_of_its_part():
    bundle, awards = accept(QUOTE, YES, BEFORE, TWO, ONE)
    assert bundle == BundleOrder(BUNDLE, 2, PLAN, TWO.provider_id, BUYER, Money(8_000), BEFORE)
    assert bundle.pay_at == f"/trading/v1/bundle-orders/{BUNDLE}/payment"
    assert [(each.listing_id, each.price, each.buyer_id, each.fees) for each in awards] == [
        (TWO.id, Money(2_400), BUYER, FEES), (ONE.id, Money(5_600), BUYER, FEES),
    ]  # fmt: skip
    assert [each.tax for each in awards] == [
        SaleTax("vat-2026", 600, Money(136)), SaleTax("vat-2026", 600, Money(317)),
    ]  # fmt: skip
    assert {each.origin for each in awards} == {FromBundle(BUNDLE, 2)} and awards[0].awarded_at == BEFORE
    assert [each.tax for each in accept(replace(QUOTE, tax=None))[1]] == [None, None]
    order = order_rules.place(OrderId.new(), ContractId.new(), awards[0], TWO, STANDARD.windows)
    assert (order.bundle_quote_id, order.quote_id, order.price) == (BUNDLE, None, Money(2_400))


def test_a_quote_of_a_bundle_is_taken_as_it_was_given_or_told_as_it_is_now():
    with pytest.raises(QuoteExpired) as late:
        accept(now=NOON)
    assert (late.value.facts["quote_version"], late.value.facts["total"]) == (2, Money(8_000))
    for wrong in (replace(YES, quote_version=1), replace(YES, total=Money(7_999))):
        with pytest.raises(QuoteDiffers) as stale:
            accept(said=wrong)
        assert stale.value.facts["total"] == Money(8_000)
    with pytest.raises(NotABundle) as single:
        accept(replace(QUOTE, is_bundle=False))
    assert single.value.facts["order_at"] == "/trading/v1/orders"


@pytest.mark.parametrize("listings", [
    (ONE,), (ONE, TWO, offered()), (ONE, ONE), (ONE, offered()),
    (ONE, replace(TWO, plan_id=PlanId.new())), (ONE, replace(TWO, plan_id=None)),
    (ONE, replace(TWO, mode=Mode.API)), (ONE, replace(TWO, version_id=VersionId.new())),
], ids=["too few", "too many", "one twice", "another", "plan", "no plan", "mode", "version"])  # fmt: skip
def test_a_bundle_is_made_of_one_listing_at_its_plan_for_each_part(listings: tuple[Listing, ...]):
    with pytest.raises(BundleListings) as refused:
        accept(QUOTE, YES, BEFORE, *listings)
    told = [{"version_id": each.version_id, "mode": each.mode} for each in sorted((ONE, TWO), key=_version)]
    facts = refused.value.facts
    assert (facts["plan_id"], facts["parts"], facts["quote_id"]) == (PLAN, told, BUNDLE)


def test_no_bundle_has_public_data_among_its_parts():
    public = replace(TWO, flags=frozenset({Flag.PUBLIC_DATA}))
    with pytest.raises(PublicDataBundled) as refused:
        accept(QUOTE, YES, BEFORE, ONE, public)
    assert refused.value.facts == {"article": ARTICLE, "listing_id": TWO.id, "version_id": TWO.version_id}


def _version(listing: Listing) -> VersionId:
    return listing.version_id


def a_part(state: State = AWAITING_PAYMENT, price: int = 100, **changes: Any) -> Order:
    told: dict[str, Any] = {"state": state, "deadline": NOON + DAY, "bundle_quote_id": BUNDLE} | changes
    return an_order(price=price, from_auction=False, **told)


def test_the_time_to_pay_begins_for_all_parts_when_the_time_to_sign_is_over():
    payment = timedelta(seconds=STANDARD.windows.payment_seconds)
    for signed_at in (NOON, NOON + DAY - MICROSECOND):
        signed = order_rules.both_signed(a_part(AWAITING_SIGNATURES), signed_at)
        assert (signed.state, signed.deadline) == (AWAITING_PAYMENT, NOON + DAY + payment)
    alone = order_rules.both_signed(a_part(AWAITING_SIGNATURES, bundle_quote_id=None), NOON)
    assert alone.deadline == NOON + payment


def test_a_part_is_not_paid_alone():
    rules.require_single(a_part(bundle_quote_id=None))
    with pytest.raises(BundlePaidWhole) as refused:
        rules.require_single(a_part())
    assert refused.value.facts == {"pay_at": f"/trading/v1/bundle-orders/{BUNDLE}/payment"}


def test_a_bundle_is_paid_whole_and_what_costs_nothing_was_granted_before():
    free = [a_part(AWAITING_DELIVERY, 0), a_part(SETTLED, 0, deadline=None), a_part(LAPSED, 0, deadline=None)]
    one, two = a_part(), a_part(price=1)
    paid = rules.pay([one, *free, two], NOON)
    assert [(each.id, each.state) for each in paid] == [(one.id, AWAITING_DELIVERY), (two.id, AWAITING_DELIVERY)]


@pytest.mark.parametrize("parts, at", [
    ([a_part(), a_part(AWAITING_SIGNATURES)], 1),
    ([a_part(), a_part(AWAITING_SIGNATURES, 0)], 1),
    ([a_part(LAPSED, deadline=None, reason_code="not_signed"), a_part()], 0),
    ([a_part(AWAITING_DELIVERY), a_part()], 0),
    ([a_part(AWAITING_DELIVERY, 0), a_part(AWAITING_DELIVERY, 0)], 0),
], ids=["unsigned", "unsigned and free", "ended", "paid", "all free"])  # fmt: skip
def test_what_keeps_a_bundle_from_being_paid_is_named(parts: list[Order], at: int):
    with pytest.raises(BundleNotPayable) as refused:
        rules.pay(parts, NOON)
    first = parts[at]
    assert refused.value.facts == {
        "order_id": first.id, "state": first.state, "next_actor": first.next_actor, "reason_code": first.reason_code,
    }  # fmt: skip


def test_whoever_does_not_pay_a_bundle_is_in_default_of_one_part():
    one, two = a_part(), a_part()
    ended = rules.pass_deadline(one, [two], BY_BOTH, NOON + DAY)
    assert (ended.state, ended.reason_code) == (DEFAULTED, Reason.PAYMENT_OVERDUE)
    assert breach_of(ended) == (one.buyer_id, Kind.PAYMENT_DEFAULT)
    other = rules.follow(two, one, BY_BOTH, NOON + DAY)
    assert (other.state, other.reason_code, breach_of(other)) == (LAPSED, Reason.BUNDLE_BROKEN, None)
    with pytest.raises(NotDue):
        rules.pass_deadline(one, [two], BY_BOTH, NOON + DAY - MICROSECOND)


@pytest.mark.parametrize("beside, blameless", [
    (a_part(AWAITING_SIGNATURES, deadline=NOON + 2 * DAY), True),
    (a_part(AWAITING_SIGNATURES, 0), True),
    (a_part(frozen_until=NOON + DAY + MICROSECOND), True),
    (a_part(frozen_until=NOON + DAY), False),
    (a_part(AWAITING_DELIVERY, 0), False),
    (a_part(), False),
], ids=["unsigned", "free and unsigned", "frozen", "frozen before", "free", "waiting too"])  # fmt: skip
def test_nobody_is_in_default_where_another_part_could_not_be_paid(beside: Order, blameless: bool):
    ended = rules.pass_deadline(a_part(), [a_part(), beside], BY_BOTH, NOON + DAY)
    expected = (LAPSED, Reason.BUNDLE_BROKEN) if blameless else (DEFAULTED, Reason.PAYMENT_OVERDUE)
    assert (ended.state, ended.reason_code) == expected


def test_a_part_that_is_not_signed_in_time_ends_as_any_order_does():
    ended = rules.pass_deadline(a_part(AWAITING_SIGNATURES), [a_part()], BY_BUYER, NOON + DAY)
    assert (ended.state, ended.reason_code) == (LAPSED, Reason.NOT_SIGNED_BY_PROVIDER)
    delivered = rules.pass_deadline(a_part(AWAITING_ACCEPTANCE), [a_part()], BY_BOTH, NOON + DAY)
    assert delivered.reason_code == Reason.ACCEPTED_BY_DEADLINE


@pytest.mark.parametrize("part, signed, reason", [
    (a_part(AWAITING_SIGNATURES), NEITHER, Reason.NOT_SIGNED),
    (a_part(AWAITING_SIGNATURES), BY_BUYER, Reason.NOT_SIGNED_BY_PROVIDER),
    (a_part(AWAITING_SIGNATURES, deadline=NOON + DAY + MICROSECOND), BY_BUYER, Reason.BUNDLE_BROKEN),
    (a_part(AWAITING_SIGNATURES, frozen_until=NOON + 9 * DAY), BY_BUYER, Reason.BUNDLE_BROKEN),
    (a_part(AWAITING_PAYMENT), BY_BOTH, Reason.BUNDLE_BROKEN),
    (a_part(AWAITING_SIGNATURES, 0), BY_BUYER, Reason.NOT_SIGNED_BY_PROVIDER),
])  # fmt: skip
def test_with_one_part_all_end_that_are_not_paid(part: Order, signed: frozenset[str], reason: Reason):
    ended = rules.follow(part, a_part(AWAITING_SIGNATURES), signed, NOON + 5 * DAY)
    assert (ended.state, ended.reason_code, ended.deadline) == (LAPSED, reason, None)


@pytest.mark.parametrize("state", [AWAITING_DELIVERY, AWAITING_ACCEPTANCE, SETTLED, LAPSED])
def test_what_is_paid_or_over_stays_as_it_is(state: State):
    part = a_part(state)
    assert rules.follow(part, a_part(), BY_BOTH, NOON + DAY) is part
