"""Listings over HTTP: what is refused, who sees what, what a raised grade calls off, and what two do at once."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from services.trading import jobs
from services.trading.rules.claim import claim_of, conflict
from services.trading.rules.listing import Listing
from services.trading.rules.right import Right, RightKind
from services.trading.store import listing as store
from shared.grades import C1, C2, C3, Clearance, Condition, Flag, Grade
from shared.ids import AssetId, ListingId, PlanId, VersionId
from tests.support.bench import Person
from tests.trading.made import a_listing, a_version
from tests.trading.market import AUCTION_DAYS, Market, code


async def test_what_the_grade_forbids_is_refused_with_the_rules_that_said_so(market: Market):
    assert market.provider.participant_id
    persons = market.neighbours.version(market.provider.participant_id, Grade.G3, flags=[Flag.PERSONAL])
    refused = await market.list_it(persons)
    assert code(refused) == (403, "personal_information_not_raw")
    assert refused.json()["rules"] == ["matrix.G3.raw", "overlay.personal_raw"]
    assert (await market.list_it(persons, mode="desensitised")).status_code == 201


async def test_only_a_registered_version_of_ones_own_is_listed(market: Market):
    stranger = await market.bench.member("provider")
    assert stranger.participant_id and market.provider.participant_id
    others = market.neighbours.version(stranger.participant_id)
    draft = market.neighbours.version(market.provider.participant_id, asset_state="draft")
    assert code(await market.list_it(others)) == (404, "not_your_version")
    assert code(await market.list_it(VersionId.new())) == (404, "no_such_version")
    assert code(await market.list_it(draft)) == (409, "asset_not_registered")
    assert code(await market.list_it(kind="unlimited")) == (409, "pricing_does_not_fit")
    assert code(await market.list_it(pricing="fixed")) == (422, "plan_missing")
    assert code(await market.list_it(quota_uses=0)) == (422, "malformed")


async def test_an_exclusive_right_is_offered_beside_no_other(market: Market):
    listing = await market.listing()
    version_id = listing["version_id"]
    assert code(await market.list_it(version_id)) == (409, "rights_overlap")
    assert code(await market.list_it(version_id, kind="unlimited", plan_id=PlanId.new())) == (409, "rights_overlap")
    await market.do(market.provider, f"/listings/{listing['id']}/delist")
    for _ in range(2):
        assert (await market.list_it(version_id, kind="unlimited", plan_id=PlanId.new())).status_code == 201
    assert code(await market.list_it(version_id)) == (409, "rights_overlap")


async def test_a_right_that_is_in_force_keeps_an_exclusive_one_away(market: Market):
    _, order = await market.paid()
    sold = await market.read(market.provider, f"/listings/{order['listing_id']}")
    assert (sold["state"], sold["reason_code"]) == ("sold", "sold_exclusively")
    assert code(await market.list_it(sold["version_id"])) == (409, "rights_overlap")


async def test_exclusive_rights_stand_beside_each_other_in_other_fields_places_and_times(market: Market):
    now = market.bench.clock.now()

    def right(field: str, territory: str, starts_in_days: int | None = None) -> dict[str, Any]:
        starts_at = None if starts_in_days is None else (now + timedelta(days=starts_in_days)).isoformat()
        told = {"kind": "exclusive", "field": field, "territory": territory, "period_days": 30}
        return {"right": told | ({"starts_at": starts_at} if starts_at else {})}

    version_id = (await market.listing(**right("health", "CN-31", 0)))["version_id"]
    taken = [right("health", "CN"), right("all", "CN-31", 29), right("health", "CN-31", 0)]
    free = [right("travel", "CN", 0), right("health", "CN-11"), right("health", "CN-31", 30)]
    for each in taken:
        assert code(await market.list_it(version_id, **each)) == (409, "rights_overlap")
    for each in free:
        assert (await market.list_it(version_id, **each)).status_code == 201
    assert code(await market.list_it(version_id, **right("all", "CN"))) == (409, "rights_overlap")


async def test_an_exclusive_right_holds_for_every_version_of_its_asset(market: Market):
    assert market.provider.participant_id
    listing = await market.listing()
    sibling = market.neighbours.version(market.provider.participant_id, asset_id=AssetId(listing["asset_id"]))
    refused = await market.list_it(sibling)
    assert code(refused) == (409, "rights_overlap")
    assert refused.json()["listings"] == [listing["id"]]


async def test_of_fifty_overlapping_offers_at_once_one_is_made(market: Market):
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id)
    right = {"kind": "exclusive", "period_days": 9}
    places = ["CN", *(f"CN-{number}" for number in range(1, 10))] * 5
    asked = [
        right | {"field": field, "territory": place}
        for field, place in zip(["all", "health"] * 25, places, strict=True)
    ]
    offers = (market.list_it(version_id, right=each) for each in asked)
    answers = [answer.json()["right"] for answer in await asyncio.gather(*offers) if answer.status_code == 201]
    asset_id, now = AssetId.new(), market.bench.clock.now()
    rights = [Right(RightKind.EXCLUSIVE, made["field"], made["territory"], 9) for made in answers]
    claims = [claim_of(ListingId.new(), asset_id, right, now) for right in rights]
    assert claims and not any(conflict(one, other) for one, other in combinations(claims, 2))


async def test_a_right_that_begins_later_is_paid_now_and_received_then(market: Market):
    begins_at = market.bench.clock.now() + timedelta(days=20)
    right = {"kind": "exclusive", "field": "health", "territory": "CN", "period_days": 30}
    listing = await market.listing(right=right | {"starts_at": begins_at.isoformat()})
    buyer, order = await market.paid(listing)
    held = await market.read(buyer, f"/entitlements/{order['entitlement_id']}")
    assert datetime.fromisoformat(held["begins_at"]) == begins_at
    assert datetime.fromisoformat(held["deadline"]) == begins_at + timedelta(days=30)
    assert datetime.fromisoformat(order["deadline"]) == begins_at + timedelta(days=7)
    assert code(await market.use(buyer, order)) == (409, "entitlement_not_begun")
    market.bench.clock.advance(days=20)
    assert (await market.use(buyer, order)).status_code == 201


async def test_of_many_exclusive_offers_at_once_one_is_made(market: Market):
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id)
    kinds = [("exclusive", None), ("unlimited", PlanId.new())] * 4
    offers = (market.list_it(version_id, kind=kind, plan_id=plan_id) for kind, plan_id in kinds)
    answers = [answer for answer in await asyncio.gather(*offers) if answer.status_code == 201]
    made = Counter(answer.json()["right"]["kind"] for answer in answers)
    assert made["exclusive"] == 0 or (made["exclusive"], made["unlimited"]) == (1, 0)
    assert answers


async def test_a_listing_is_suspended_resumed_and_taken_off_by_its_provider(market: Market):
    listing, stranger = await market.listing(), await market.bench.member("provider")
    path = f"/listings/{listing['id']}"
    assert code(await market.post(stranger, f"{path}/suspend")) == (404, "no_such_listing")
    for act, state in (("suspend", "suspended"), ("resume", "listed"), ("delist", "delisted")):
        assert (await market.do(market.provider, f"{path}/{act}"))["state"] == state
    assert code(await market.post(market.provider, f"{path}/resume")) == (409, "illegal_move")


SEEN_BY = [
    (Grade.G1, "raw",     [None, C1, C2, C3]),
    (Grade.G3, "raw",     [None, C1, C2, C3]),
    (Grade.G4, "compute", [C3]),
]  # fmt: skip


async def test_a_listing_shows_as_far_as_its_grade_allows(market: Market):
    people: dict[Clearance | None, Person | None] = {None: None}
    people |= {clearance: await market.buyer(clearance=clearance) for clearance in (C1, C2, C3)}
    for grade, mode, seen_by in SEEN_BY:
        listing = (await market.list_it(grade=grade, mode=mode)).json()
        for clearance, who in people.items():
            answer = await market.bench.get(who, f"/trading/v1/listings/{listing['id']}")
            absent = await market.bench.get(who, f"/trading/v1/listings/{ListingId.new()}")
            shown = listing["id"] in {each["id"] for each in (await market.read(who, "/listings"))["items"]}
            assert shown == (clearance in seen_by)
            assert code(answer) == ((200, None) if shown else code(absent))
    below_g4 = [grade for grade, *_ in SEEN_BY if grade < Grade.G4]
    assert len((await market.read(market.bench.staff("regulator"), "/listings"))["items"]) == len(below_g4)


async def test_a_raised_grade_suspends_the_listing_and_calls_its_auction_off(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana = await market.bidder(auction_id)
    await market.bid(ana, auction_id, 20_000)
    market.neighbours.raise_grade(listing["version_id"], Grade.G4)
    await market.tick()
    suspended = await market.read(market.provider, f"/listings/{listing['id']}")
    assert (suspended["state"], suspended["reason_code"]) == ("suspended", "mode_not_allowed_for_grade")
    assert code(await market.post(market.provider, f"/listings/{listing['id']}/resume")) == (409, "suspended_by_grade")
    called_off = await market.read(market.provider, f"/auctions/{auction_id}")
    assert (called_off["state"], called_off["reason_code"]) == ("cancelled", "mode_not_allowed_for_grade")
    assert await market.wallet(ana) == (100_000, 0)
    await jobs.tick(market.trading)
    assert len(await market.facts("auction_cancelled")) == 1, "news counts once"


async def test_an_unpaid_order_that_the_grade_forbids_ends_at_nobodys_cost(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    listing = await market.read(market.provider, f"/listings/{order['listing_id']}")
    market.neighbours.raise_grade(listing["version_id"], Grade.G4)
    await market.tick()
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"]) == ("lapsed", "mode_not_allowed_for_grade")
    assert await market.wallet(buyer) == (100_000, 0)


async def test_an_order_that_is_overdue_ends_by_its_deadline_whatever_news_comes_first(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    listing = await market.read(market.provider, f"/listings/{order['listing_id']}")
    market.neighbours.raise_grade(listing["version_id"], Grade.G4)
    await market.advance(days=5)
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"]) == ("defaulted", "payment_overdue")


async def test_a_grade_raised_after_the_end_and_before_its_notice_leaves_nothing_sold(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana = await market.bidder(auction_id)
    await market.bid(ana, auction_id, 20_000)
    market.neighbours.raise_grade(listing["version_id"], Grade.G4)
    await market.advance(days=AUCTION_DAYS)  # the news is read first
    seen = await market.read(market.provider, f"/auctions/{auction_id}")
    assert (seen["state"], seen["reason_code"], seen["winner"]) == ("unsold", "mode_not_allowed_for_grade", None)
    assert await market.wallet(ana) == (100_000, 0)
    assert (await market.read(ana, "/orders"))["items"] == []
    assert (await market.read(market.provider, f"/listings/{listing['id']}"))["state"] == "suspended"


async def test_a_leader_whom_the_new_grade_denies_buys_nothing(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana = await market.bidder(auction_id, clearance=C2)
    await market.bid(ana, auction_id, 20_000)
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.tick()
    assert code(await market.bid(ana, auction_id, 30_000)) == (403, "clearance_too_low")
    market.bench.clock.advance(days=AUCTION_DAYS)
    await jobs.close_auctions(market.trading)
    assert (await market.read(None, f"/auctions/{auction_id}"))["state"] == "open", "who may have it is unknown by now"
    await market.advance(seconds=1)
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["reason_code"]) == ("unsold", "clearance_too_low")
    assert await market.wallet(ana) == (100_000, 0)
    assert (await market.open_auction(listing)).status_code == 201, "others may have it"


async def test_a_sale_stands_on_the_grade_and_the_clearance_of_its_close(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana = await market.bidder(auction_id, clearance=C2)
    await market.bid(ana, auction_id, 20_000)
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.change_clearance(ana, C3)
    await market.advance(days=AUCTION_DAYS)
    order = (await market.read(ana, "/orders"))["items"][0]
    grading = (await market.read(ana, f"/contracts/{order['contract_id']}"))["terms"]["grading"]
    assert (grading["grade"], grading["buyer_clearance"], grading["decision"]["rules"][0]) == (
        "G3", "C3", "matrix.G3.raw",
    )  # fmt: skip


async def test_news_that_arrives_after_the_catalogue_answered_still_counts(market: Market):
    listing = await market.listing()
    version_id = listing["version_id"]
    await market.do(market.provider, f"/listings/{listing['id']}/delist")
    answered_before = market.neighbours.versions[version_id]
    market.neighbours.raise_grade(version_id, Grade.G4)
    await market.tick()
    market.neighbours.versions[version_id] = answered_before
    assert code(await market.list_it(version_id)) == (403, "mode_not_allowed_for_grade")


async def test_news_waits_for_a_first_listing_that_is_being_made(market: Market):
    version, database = a_version(), market.trading.database
    raised = (version.id, Grade.G4, frozenset[Flag](), version.grade_revision + 1, frozenset[Condition]())

    async def news() -> list[Listing]:
        async with database.transaction() as tx:
            await store.keep_version_grade(tx, *raised)
            return await store.listings_on_offer(tx, version.id, lock=True)

    async with database.transaction() as tx:
        await store.lock_version(tx, version)
        told = asyncio.create_task(news())
        await asyncio.wait({told}, timeout=0.5)
        listing = a_listing(version_id=version.id)
        await store.add_listing(tx, listing)
    assert await told == [listing], "or it would stay on offer under its old grade"
    async with database.transaction() as tx:
        assert (await store.lock_version(tx, version)).grade is Grade.G4


async def test_news_waits_while_it_is_unknown_who_may_be_trusted_with_what(market: Market):
    buyer, order = await market.paid()
    listing = await market.read(market.provider, f"/listings/{order['listing_id']}")
    market.bench.clock.advance(seconds=31)  # nobody has confirmed the mirror of standings since
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await jobs.tick(market.trading)
    assert await market.facts("entitlement_suspended", "entitlement_regraded") == []
    await market.advance(seconds=1)
    assert len(await market.facts("entitlement_regraded")) == 1
    assert (await market.use(buyer, order, revision=2)).status_code == 201


async def test_a_listing_expires_after_a_year(market: Market):
    listing = await market.listing()
    await market.advance(days=365)
    after = await market.read(market.provider, f"/listings/{listing['id']}")
    assert (after["state"], after["reason_code"]) == ("delisted", "expired")
