"""Agents over HTTP: what a member of one organisation does for another, and everything that keeps them from it."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from httpx2 import Response

from shared.delegation import Act, Limits
from shared.facts import Category, Fact
from shared.grades import C1, C3
from shared.ids import AssetId, DelegationId, ListingId, ParticipantId, UserId
from shared.money import Money
from tests.support.bench import AffiliationDeclared, Bench, ParticipantSuspended, Person
from tests.trading.market import Market, a_market, code, yuan

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # the database decides nothing of it
BID, CEILING = 20_000, 30_000


@dataclass(frozen=True, slots=True)
class DelegationAccepted(Fact):
    """As identity tells it."""

    category: ClassVar[Category] = Category.ADMISSION
    delegation_id: DelegationId
    principal_id: ParticipantId
    agent_id: ParticipantId
    limits: Limits


@dataclass(frozen=True, slots=True)
class DelegationEnded(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    delegation_id: DelegationId
    principal_id: ParticipantId
    agent_id: ParticipantId
    reason_code: str


def who(person: Person) -> ParticipantId:
    assert person.participant_id
    return person.participant_id


@dataclass
class Hall:
    """An auction, a bidder in it, and an organisation that may bid for it."""

    market: Market
    auction_id: str = ""
    listing: dict[str, Any] = field(default_factory=dict[str, Any])

    async def open(self) -> None:
        self.listing = await self.market.listing()
        self.auction_id = await self.market.auction(self.listing)
        self.principal = await self.market.bidder(self.auction_id)
        self.agent = await self.market.bench.member("buyer", "provider")
        self.delegation = await self.delegate(self.principal, self.agent, Act.PLACE_BIDS)

    async def delegate(self, principal: Person, agent: Person, *acts: Act, **limits: Any) -> str:
        now, delegation_id = self.market.bench.clock.now(), DelegationId.new()
        told: dict[str, Any] = {
            "begins_at": now,
            "ends_at": now + timedelta(days=1),
            "amount_max": Money(CEILING),
        } | limits
        terms = Limits(frozenset(acts), **told)
        await self.market.bench.announce(DelegationAccepted(delegation_id, who(principal), who(agent), terms))
        return delegation_id

    async def ask(
        self, person: Person, path: str, body: object = None, under: str | None = None, key: str = "", to: str = "POST"
    ) -> Response:
        headers = {"Idempotency-Key": key or uuid4().hex} | ({"Under-Delegation": under} if under else {})
        return await self.market.bench.ask(to, person, f"/trading/v1{path}", json=body, headers=headers)

    async def bid(self, under: str | None, minor: int = BID, person: Person | None = None, key: str = "") -> Response:
        path, body = f"/auctions/{self.auction_id}/bids", {"maximum": yuan(minor)}
        return await self.ask(person or self.agent, path, body, under, key)


@pytest.fixture
async def hall(bench: Bench) -> AsyncGenerator[Hall]:
    async with a_market(bench) as market:
        hall = Hall(market)
        await hall.open()
        yield hall


async def test_a_member_of_the_agent_bids_for_the_principal_and_the_log_names_both(hall: Hall):
    placed = await hall.bid(hall.delegation)
    assert placed.status_code == 201
    seen = await hall.market.read(hall.principal, f"/auctions/{hall.auction_id}/bids")
    assert seen["items"][0]["maximum"] == yuan(BID)  # the principal's own, for it sees the maximum
    changes = await hall.market.bench.cores["trading"].feed.after({})
    [line] = [json.loads(change.line) for change in changes if change.act == "trading.bid_placed"]
    assert (line["actor"]["t"], line["actor"]["id"], line["actor"]["org"], line["onb"]) == (
        "user", hall.agent.subject, hall.agent.participant_id, hall.principal.participant_id,
    )  # fmt: skip


async def test_a_bid_without_the_header_is_ones_own_and_names_nobody_else(hall: Hall):
    assert code(await hall.bid(None)) == (409, "not_registered")
    assert (await hall.bid(None, person=hall.principal)).status_code == 201
    changes = await hall.market.bench.cores["trading"].feed.after({})
    [line] = [json.loads(change.line) for change in changes if change.act == "trading.bid_placed"]
    assert "onb" not in line


async def test_the_ceiling_is_reached_and_not_passed(hall: Hall):
    over = await hall.bid(hall.delegation, CEILING + 1)
    assert code(over) == (403, "outside_delegation")
    assert (over.json()["limit"], over.json()["amount_max"]) == ("amount_max", yuan(CEILING))
    assert (await hall.bid(hall.delegation, CEILING)).status_code == 201


@pytest.mark.parametrize("limits, limit", [
    ({"asset_ids": frozenset({AssetId.new()})},     "asset_ids"),
    ({"listing_ids": frozenset({ListingId.new()})}, "listing_ids"),
    ({"begins_at": timedelta(hours=1)},             "period"),
], ids=["asset", "listing", "period"])  # fmt: skip
async def test_another_thing_or_another_time_is_not_delegated(hall: Hall, limits: dict[str, Any], limit: str):
    now = hall.market.bench.clock.now()
    limits = {name: now + value if isinstance(value, timedelta) else value for name, value in limits.items()}
    refused = await hall.bid(await hall.delegate(hall.principal, hall.agent, Act.PLACE_BIDS, **limits))
    assert (*code(refused), refused.json()["limit"]) == (403, "outside_delegation", limit)


async def test_what_names_this_very_thing_is_delegated(hall: Hall):
    names = {
        "asset_ids": frozenset({AssetId(hall.listing["asset_id"])}),
        "listing_ids": frozenset({ListingId(hall.listing["id"])}),
    }  # fmt: skip
    assert (await hall.bid(await hall.delegate(hall.principal, hall.agent, Act.PLACE_BIDS, **names))).status_code == 201


async def test_to_list_is_not_to_bid(hall: Hall):
    refused = await hall.bid(await hall.delegate(hall.principal, hall.agent, Act.LIST))
    assert (*code(refused), refused.json()["limit"]) == (403, "outside_delegation", "acts")


async def test_what_is_revoked_is_over_at_the_next_bid_and_when_its_time_is_up_too(hall: Hall):
    assert (await hall.bid(hall.delegation)).status_code == 201
    ended = DelegationEnded(DelegationId(hall.delegation), who(hall.principal), who(hall.agent), "revoked_by_principal")
    await hall.market.bench.announce(ended)
    assert code(await hall.bid(hall.delegation, 25_000)) == (403, "no_delegation")
    another = await hall.delegate(hall.principal, hall.agent, Act.PLACE_BIDS)
    hall.market.bench.clock.advance(days=1)
    await hall.market.bench.refresh()
    assert (await hall.bid(another, 25_000)).json()["limit"] == "period"


async def test_an_end_that_is_heard_before_its_beginning_ends_it_all_the_same(hall: Hall):
    delegation_id, sides = DelegationId.new(), (who(hall.principal), who(hall.agent))
    now = hall.market.bench.clock.now()
    limits = Limits(frozenset({Act.PLACE_BIDS}), now, now + timedelta(days=1), amount_max=Money(CEILING))
    await hall.market.bench.announce(
        DelegationEnded(delegation_id, *sides, "given_up_by_agent"), DelegationAccepted(delegation_id, *sides, limits)
    )
    assert code(await hall.bid(delegation_id)) == (403, "no_delegation")


@pytest.mark.parametrize("side", ["principal", "agent"])
async def test_nobody_acts_for_or_through_a_suspended_organisation(hall: Hall, side: str):
    await hall.market.bench.announce(ParticipantSuspended(who(getattr(hall, side)), "review"))
    wanted = {"principal": (403, "no_delegation"), "agent": (403, "not_admitted")}[side]
    assert code(await hall.bid(hall.delegation)) == wanted


async def test_a_delegation_is_the_agents_alone(hall: Hall):
    stranger = await hall.market.bench.member("buyer")
    absent = DelegationId.new()
    for person, under in ((stranger, hall.delegation), (hall.principal, hall.delegation), (hall.agent, absent)):
        assert code(await hall.bid(under, person=person)) == (403, "no_delegation")
    for under in ("x", "delegation_1", hall.delegation.upper()):
        assert code(await hall.bid(under)) == (403, "no_delegation")
        listed = await hall.ask(hall.agent, "/listings", a_listing(f"version_{'0' * 32}"), under)
        assert code(listed) == (403, "no_delegation")  # by the ordinary way


async def test_an_agent_has_no_more_than_its_member_and_both_sides_have(hall: Hall):
    provider = await hall.market.bench.member("provider")
    delegation = await hall.delegate(hall.principal, provider, Act.PLACE_BIDS)
    assert code(await hall.bid(delegation, person=provider)) == (403, "not_your_role")
    member = Person(UserId.new(), frozenset({"provider"}), hall.agent.participant_id)
    assert code(await hall.bid(hall.delegation, person=member)) == (403, "not_your_role")
    barely = await hall.market.bench.member("buyer", clearance=C1)
    delegation = await hall.delegate(hall.principal, barely, Act.PLACE_BIDS)
    assert code(await hall.bid(delegation, person=barely)) == (403, "clearance_too_low")
    for_seller = await hall.delegate(hall.market.provider, hall.agent, Act.PLACE_BIDS)
    assert code(await hall.bid(for_seller)) == (403, "no_delegation")  # the principal is no buyer


async def test_the_seller_or_its_affiliate_is_nobodys_agent_there(hall: Hall):
    affiliate = await hall.market.bench.member("buyer")
    related = AffiliationDeclared(who(affiliate), who(hall.market.provider))
    await hall.market.bench.announce(related)
    delegation = await hall.delegate(hall.principal, affiliate, Act.PLACE_BIDS)
    assert code(await hall.bid(delegation, person=affiliate)) == (403, "related_party")


async def test_an_agent_bids_for_one_interest_alone(hall: Hall):
    rival = await hall.market.bidder(hall.auction_id)
    delegation = await hall.delegate(rival, hall.agent, Act.PLACE_BIDS)
    for under in (delegation, hall.delegation):
        assert code(await hall.bid(under)) == (403, "agent_of_rival")
    itself = await hall.market.bidder(hall.auction_id)
    delegation = await hall.delegate(hall.principal, itself, Act.PLACE_BIDS)
    assert code(await hall.bid(delegation, person=itself)) == (403, "agent_of_rival")


async def test_what_is_meant_for_another_is_never_done_for_oneself(hall: Hall):
    pay_in = await hall.ask(hall.agent, "/wallet/pay-ins", {"amount": yuan(1)}, hall.delegation)
    registration = await hall.ask(
        hall.agent, f"/auctions/{hall.auction_id}/registrations", under=hall.delegation
    )  # fmt: skip
    wallet = await hall.ask(hall.agent, "/wallet", under=hall.delegation, to="GET")
    auctions = await hall.ask(hall.agent, "/auctions", under=hall.delegation, to="GET")
    assert {code(each) for each in (pay_in, registration, wallet, auctions)} == {(403, "not_delegable")}


async def test_one_key_under_a_delegation_and_without_it_is_two_requests(hall: Hall):
    first = await hall.bid(hall.delegation, key="one-and-the-same")
    again = await hall.bid(hall.delegation, key="one-and-the-same")
    own = await hall.bid(None, key="one-and-the-same")
    assert (first.json(), code(own)) == (again.json(), (409, "not_registered"))


def a_listing(version_id: str) -> dict[str, object]:
    return {
        "version_id": version_id, "mode": "raw", "pricing": "auction", "quota_uses": 3, "purposes": ["route_planning"],
        "right": {"kind": "exclusive", "field": "air_travel", "territory": "CN", "period_days": 365},
    }  # fmt: skip


async def test_a_member_of_the_agent_lists_what_is_the_principals(hall: Hall):
    seller, market = hall.market.provider, hall.market
    version_id = market.neighbours.version(who(seller))
    delegation = await hall.delegate(seller, hall.agent, Act.LIST)
    listed = await hall.ask(hall.agent, "/listings", a_listing(version_id), delegation)
    assert (listed.status_code, listed.json()["provider_id"]) == (201, seller.participant_id)
    changes = await market.bench.cores["trading"].feed.after({})
    line = [json.loads(change.line) for change in changes if change.act == "trading.listing_opened"][-1]
    assert (line["actor"]["org"], line["onb"]) == (hall.agent.participant_id, seller.participant_id)

    own = market.neighbours.version(who(hall.agent))
    assert code(await hall.ask(hall.agent, "/listings", a_listing(own), delegation)) == (404, "not_your_version")
    named = await hall.delegate(seller, hall.agent, Act.LIST, asset_ids=frozenset({AssetId.new()}))
    another = market.neighbours.version(who(seller))
    refused = await hall.ask(hall.agent, "/listings", a_listing(another), named)
    assert (*code(refused), refused.json()["limit"]) == (403, "outside_delegation", "asset_ids")


async def test_whoever_lists_for_a_seller_neither_buys_of_it_nor_bids_for_another(hall: Hall):
    await hall.delegate(hall.market.provider, hall.agent, Act.LIST)
    assert code(await hall.bid(hall.delegation)) == (403, "related_party")
    itself = await hall.market.buyer(100_000, clearance=C3)
    await hall.delegate(hall.market.provider, itself, Act.LIST)
    path = f"/auctions/{hall.auction_id}/registrations"
    assert code(await hall.ask(itself, path)) == (403, "related_party")
    hall.market.bench.clock.advance(days=1)  # the delegation is over
    await hall.market.bench.refresh()
    assert (await hall.ask(itself, path)).status_code == 201
