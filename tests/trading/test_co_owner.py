"""Who shares the provider's part of a price: the weights, what they make of an amount, and who may not buy."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import co_owner as rules
from services.trading.rules.co_owner import (
    CO_OWNERS_MAX,
    WEIGHT_MAX,
    Computed,
    CoOwner,
    CoOwnersMalformed,
    Ownership,
    UnitsOfSeveralOwners,
    WeightsIncomplete,
    WeightsTooFine,
)
from services.trading.rules.mechanism import Pricing
from services.trading.rules.right import RightKind
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, RevenueShareId, UseId
from shared.money import Money, total
from tests.support.bench import Person
from tests.trading.made import a_contract, a_listing, an_order
from tests.trading.market import Market, code, yuan
from tests.trading.negotiation.asked import listed
from tests.trading.test_calling import called

A, B, C, *REST = (ParticipantId(f"participant_{number:032x}") for number in range(1, 30))
COMPUTED = Computed(RevenueShareId.new(), "ab" * 32)
ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


def of(**weights: int) -> list[CoOwner]:
    return [CoOwner({"a": A, "b": B, "c": C}[name], weight) for name, weight in weights.items()]


@pytest.mark.parametrize("weights, provider, why", [
    ({"a": 10_000},                      A, CoOwnersMalformed),
    ({"a": 5_000, "b": 5_000},           C, CoOwnersMalformed),
    ({},                                 A, CoOwnersMalformed),
    ({"a": 5_000, "b": 4_999},           A, WeightsIncomplete),
    ({"a": 5_001, "b": 5_000},           A, WeightsIncomplete),
    ({"a": 10_000, "b": 0},              A, WeightsIncomplete),
    ({"a": 10_001, "b": -1},             A, WeightsIncomplete),
])  # fmt: skip
def test_weights_that_are_no_shares_of_a_whole_are_refused(weights: dict[str, int], provider: ParticipantId, why: Any):
    with pytest.raises(why) as refusal:
        rules.by_basis_points(provider, of(**weights))
    if why is WeightsIncomplete:
        told = {"sum_basis_points": sum(weights.values()), "needed_basis_points": 10_000}
    else:
        told = {"named": len(weights), "co_owners_min": 2, "co_owners_max": 20, "provider_id": provider}
    assert refusal.value.facts == told


def test_nobody_is_named_twice_and_twenty_are_enough():
    with pytest.raises(CoOwnersMalformed):
        rules.by_basis_points(A, [*of(a=5_000, b=2_500), CoOwner(B, 2_500)])
    twenty = [CoOwner(party, 500) for party in (A, B, C, *REST)[:CO_OWNERS_MAX]]
    assert len(rules.by_basis_points(A, twenty).owners) == CO_OWNERS_MAX
    with pytest.raises(CoOwnersMalformed):
        rules.by_basis_points(A, [*twenty[1:], CoOwner(A, 250), CoOwner(REST[-1], 250)])


def test_owners_stand_in_the_order_of_their_ids_so_that_ties_do_not_depend_on_who_was_named_first():
    assert rules.by_basis_points(B, of(b=4_000, a=6_000)) == Ownership((CoOwner(A, 6_000), CoOwner(B, 4_000)))


def test_the_smallest_weight_is_one_basis_point():
    assert rules.by_basis_points(A, of(a=9_999, b=1)).owners[1].weight == 1


@pytest.mark.parametrize("values, weights", [
    (["70/3", "100/3", "10/3"], [7, 10, 1]),   # the golden game of market-rules B5
    (["20", "40", "0"],         [1, 2, 0]),
    (["5", "-3", "5"],          [1, 0, 1]),    # below nothing counts as nothing
    (["1/2", "1/3", "1/6"],     [3, 2, 1]),
])  # fmt: skip
def test_what_pricing_computed_becomes_the_least_whole_numbers_of_the_same_proportion(
    values: list[str], weights: list[int]
):
    told = list(zip([A, B, C], map(Fraction, values), strict=True))
    found = rules.by_revenue_share(A, told, COMPUTED)
    assert ([owner.weight for owner in found.owners], found.computed) == (weights, COMPUTED)


def test_a_computation_without_the_provider_or_too_fine_to_freeze_is_refused():
    with pytest.raises(CoOwnersMalformed):
        rules.by_revenue_share(C, [(A, Fraction(1)), (B, Fraction(1))], COMPUTED)
    exact = rules.by_revenue_share(A, [(A, Fraction(WEIGHT_MAX - 1)), (B, Fraction(1))], COMPUTED)
    assert sum(owner.weight for owner in exact.owners) == WEIGHT_MAX
    with pytest.raises(WeightsTooFine) as refusal:
        rules.by_revenue_share(A, [(A, Fraction(WEIGHT_MAX)), (B, Fraction(1))], COMPUTED)
    assert refusal.value.facts == {"weight_max": WEIGHT_MAX}


@given(st.integers(0, 10**12), st.lists(st.integers(1, 10_000), min_size=2, max_size=20))
def test_the_parts_add_up_and_are_within_a_fen_of_exact(minor: int, weights: list[int]):
    owners = tuple(CoOwner(party, weight) for party, weight in zip((A, B, C, *REST), weights, strict=False))
    parts = rules.shared_out(Money(minor), A, Ownership(owners))
    assert total([amount for _, amount in parts]).minor == minor
    for party, amount in parts:
        weight = next(owner.weight for owner in owners if owner.participant_id == party)
        assert amount.minor > 0 and abs(amount.minor - Fraction(minor * weight, sum(weights))) < 1
    assert all(one < other for (one, _), (other, _) in pairwise(parts))


def test_parts_of_nothing_are_left_out():
    assert rules.shared_out(Money(0), A, None) == ()
    assert rules.shared_out(Money(7), A, None) == ((A, Money(7)),)
    assert rules.shared_out(Money(1), A, Ownership(tuple(of(a=5_000, b=5_000)))) == ((A, Money(1)),)
    assert rules.owners_of(A, None) == (A,)


def test_a_contract_names_the_co_owners_only_where_there_are_some():
    ownership = rules.by_basis_points(A, of(a=6_000, b=4_000))
    listing = a_listing(RightKind.UNLIMITED, Pricing.FIXED, provider_id=A, ownership=ownership)
    order = an_order(listing, from_auction=False)
    assert order.ownership == ownership and order.earned == ()
    assert '"co_owners":{"owners":[{"participant_id":' in a_contract(listing, order).terms
    assert "co_owners" not in a_contract().terms
    assert ownership.includes(B) and not ownership.includes(C)


# --- over HTTP


async def sold(market: Market, minor: int, tax: Any = None, **named: Any) -> tuple[Person, dict[str, Any]]:
    """A buyer who paid and accepted what several own, and the settled order."""
    plan_id = PlanId.new()
    listing = await market.list_it(plan_id=plan_id, kind="unlimited", **named)
    assert listing.status_code == 201, listing.text
    buyer = await market.buyer(minor)
    assert buyer.participant_id
    told = (buyer.participant_id, listing.json()["version_id"], plan_id, minor)
    quote = market.neighbours.quote(*told, mode=Mode.RAW, tax=tax)
    asked = {"listing_id": listing.json()["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(minor)}
    order = await market.do(buyer, "/orders", asked)
    await market.signed(buyer, order)
    order = await market.do(buyer, f"/orders/{order['id']}/payment")
    assert (await market.use(buyer, order, UseId.new())).is_success
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.tick()
    return buyer, await market.order(buyer, order)


def named(*owners: tuple[Person, int]) -> list[dict[str, Any]]:
    return [{"participant_id": who.participant_id, "basis_points": points} for who, points in owners]


async def test_co_owners_are_paid_by_the_same_split_to_the_fen(market: Market):
    one, other = [await market.bench.member("provider") for _ in range(2)]
    owners = named((market.provider, 3_334), (one, 3_333), (other, 3_333))
    _, order = await sold(market, 10_001, co_owners=owners)
    assert order["state"] == "settled"
    paid = {share["participant_id"]: share["amount"]["minor"] for share in order["earned"]}
    assert sum(paid.values()) == order["settlement"]["provider"]["minor"] == 9_736
    for who in (market.provider, one, other):
        assert await market.wallet(who) == (paid[who.participant_id], 0)
        assert market.custodian.book[str(who.participant_id)] == paid[who.participant_id]
    assert sorted(paid.values()) == [3_245, 3_245, 3_246]
    [settled] = await market.facts("order_settled")
    assert {part["payee"]: part["amount"]["minor"] for part in settled["owners"]} == paid
    [placed] = await market.facts("order_placed")
    assert [owner["weight"] for owner in placed["ownership"]["owners"]] == [3_334, 3_333, 3_333]


@ON_SQLITE
async def test_a_revenue_share_is_frozen_with_its_document_and_pays_by_exact_values(market: Market):
    other = await market.bench.member("provider")
    assert market.provider.participant_id and other.participant_id
    share = market.neighbours.shared({market.provider.participant_id: "70/3", other.participant_id: "140/3"})
    _, order = await sold(market, 30_000, revenue_share_id=share.id)
    assert order["ownership"]["computed"] == {"revenue_share_id": share.id, "document_hash": "cd" * 32}
    assert [await market.wallet(who) for who in (market.provider, other)] == [(9_735, 0), (19_470, 0)]


@ON_SQLITE
async def test_neither_a_co_owner_nor_an_affiliate_of_one_buys(market: Market):
    owner = await market.bench.member("provider", "buyer")
    affiliate = await market.buyer(affiliate_of=owner)
    plan_id, owners = PlanId.new(), named((market.provider, 5_000), (owner, 5_000))
    listing = (await market.list_it(plan_id=plan_id, kind="unlimited", co_owners=owners)).json()
    for who in (owner, affiliate):
        assert who.participant_id
        quote = market.neighbours.quote(who.participant_id, listing["version_id"], plan_id, 100)
        asked = {"listing_id": listing["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(100)}
        assert code(await market.post(who, "/orders", asked)) == (403, "related_party")


@ON_SQLITE
async def test_co_owners_who_are_strangers_to_the_market_or_named_two_ways_are_refused(market: Market):
    other, plan_id = await market.bench.member("provider"), PlanId.new()
    assert market.provider.participant_id and other.participant_id
    unknown = Person("nobody", frozenset(), ParticipantId.new())
    owners = named((market.provider, 5_000), (unknown, 5_000))
    refused = await market.list_it(plan_id=plan_id, co_owners=owners)
    assert (*code(refused), refused.json()["participant_id"]) == (409, "co_owner_not_admitted", unknown.participant_id)
    share = market.neighbours.shared({market.provider.participant_id: "1", other.participant_id: "1"})
    both: dict[str, Any] = {"co_owners": named((market.provider, 5_000), (other, 5_000)), "revenue_share_id": share.id}
    assert code(await market.list_it(plan_id=plan_id, **both)) == (422, "co_owners_named_twice")
    assert code(await market.list_it(plan_id=plan_id, co_owners=[])) == (422, "co_owners_named_twice")
    unheard = await market.list_it(plan_id=plan_id, revenue_share_id=RevenueShareId.new())
    assert code(unheard) == (404, "no_such_revenue_shares")


@ON_SQLITE
async def test_what_several_own_is_not_called_in_units(market: Market):
    other = await market.bench.member("provider")
    listing = await listed(market, co_owners=named((market.provider, 5_000), (other, 5_000)))
    assert code(await called(market, [listing])) == (409, "units_of_several_owners")


def test_units_are_of_one_provider():
    rules.require_one_provider(None)
    with pytest.raises(UnitsOfSeveralOwners):
        rules.require_one_provider(rules.by_basis_points(A, of(a=6_000, b=4_000)))
    assert WEIGHT_MAX == 1_000_000_000_000_000
