"""Needs over HTTP: who sees them, what meets them and why, and how one becomes an inquiry in one act."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from services.trading.rules.traits import FIELDS_KEPT_MAX, Traits
from services.trading.store import need as store
from shared.database import Database
from shared.grades import C1, C2, C3, Grade
from shared.ids import NeedId
from tests.support.bench import Person
from tests.trading.inquiring import LISTED, OFFERS_DAYS, OPENING_DAYS, RIGHT, Ring, a_rule, grounds_of
from tests.trading.market import Market, code, yuan
from tests.trading.test_need import a_wish

FIELDS: list[dict[str, Any]] = [
    {"name": name, "type": "text", "kinds": []} for name in ("Airport_Name", "lng", "PassengerQty")
]
AIRPORTS: dict[str, Any] = {"fields": FIELDS, "theme": "transport", "rows": 2_000, "update_cycle": "monthly"}
HALF: dict[str, Any] = {"fields": FIELDS[:2], "theme": "transport"}


def a_need(market: Market, **changes: Any) -> dict[str, Any]:
    until = market.bench.clock.now() + timedelta(days=30)
    return {
        "title": "机场客流", "description": "全国机场的客流", "purpose": "route_planning", "mode": "raw",
        "grade_ceiling": "G3", "fields": ["经度", "passenger count"], "themes": ["transport"],
        "valid_until": until.isoformat(),
    } | changes  # fmt: skip


async def published(ring: Ring, **changes: Any) -> dict[str, Any]:
    return await ring.market.do(ring.buyer, "/needs", a_need(ring.market, **changes))


async def matches(ring: Ring, need: dict[str, Any], query: str = "", who: Person | None = None) -> dict[str, Any]:
    return await ring.market.read(who or ring.buyer, f"/needs/{need['id']}/matches{query}")


def to_inquiry(market: Market, **changes: Any) -> dict[str, Any]:
    until = market.bench.clock.now() + timedelta(days=OFFERS_DAYS)
    return {
        "right": RIGHT, "quota_uses": 1, "scoring": a_rule(), "offers_until": until.isoformat()
    } | changes  # fmt: skip


@contextmanager
def statements(database: Database) -> Generator[list[str]]:
    """What the readers' engine is asked meanwhile."""
    asked = list[str]()
    engine = database._readers.sync_engine  # pyright: ignore[reportPrivateUsage]

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def ring(market: Market) -> Ring:
    """Three providers whose listings meet the need wholly, by half, and not at all."""
    ring = Ring(market, await market.buyer())
    for version in (HALF, AIRPORTS, {"theme": "health"}):
        await ring.provider(version=version)
    return ring


def listed(found: dict[str, Any]) -> list[str]:
    return [match["listing"]["id"] for match in found["items"]]


async def test_the_listings_that_meet_a_need_are_ranked_with_the_reasons(ring: Ring):
    need = await published(ring, rows_min=4_000, update_days_max=31)
    found = await matches(ring, need)
    assert listed(found) == [ring.listings[1]["id"], ring.listings[0]["id"]]
    assert [match["score"] for match in found["items"]] == [850 * 10_000 // 900, 400 * 10_000 // 900]
    best = found["items"][0]
    assert grounds_of(best) == {"fields": 500, "theme": 150, "freshness": 150, "rows": 50}
    assert best["grounds"][0]["finds"] == [
        {"wanted": "经度", "field": "lng"}, {"wanted": "passenger count", "field": "PassengerQty"},
    ]  # fmt: skip
    assert best["grounds"][3]["words"] == "2000 行 · 2000 rows"


async def test_a_ranking_is_paged_by_score_and_id(ring: Ring):
    for _ in range(3):
        await ring.provider(version=AIRPORTS)
    need = await published(ring)
    whole, paged, cursor = listed(await matches(ring, need)), list[str](), ""
    assert len(whole) == 5
    while cursor is not None:
        page = await matches(ring, need, f"?limit=2{cursor and '&cursor='}{cursor}")
        paged += listed(page)
        cursor = page["next_cursor"]
    assert paged == whole
    for wrong in ("OTk5", "LTEuYQ==", "MS5saXN0aW5nXzE="):
        answer = await ring.market.bench.get(ring.buyer, f"/trading/v1/needs/{need['id']}/matches?cursor={wrong}")
        assert code(answer) == (422, "bad_cursor")


async def test_only_what_the_buyer_may_see_and_have_is_matched(market: Market):
    ring = Ring(market, await market.buyer(clearance=C2))
    kin = await market.bench.member("provider", affiliate_of=ring.buyer)
    for grade in (Grade.G1, Grade.G2, Grade.G3):
        await ring.provider(grade, version=AIRPORTS)
    await ring.listing(kin, version=AIRPORTS)
    await ring.provider(version=AIRPORTS, purposes=["research"])
    gone = await ring.provider(version=AIRPORTS)
    await market.do(gone, f"/listings/{ring.listings[-1]['id']}/suspend")
    need = await published(ring)
    assert sorted(listed(await matches(ring, need))) == sorted(each["id"] for each in ring.listings[:2])
    await market.change_clearance(ring.buyer, C3)
    assert len(listed(await matches(ring, need))) == 3
    low = await published(ring, grade_ceiling="G1")
    assert listed(await matches(ring, low)) == [ring.listings[0]["id"]]


async def test_a_need_becomes_an_inquiry_to_the_providers_of_the_best_listings_in_one_act(ring: Ring):
    market = ring.market
    need = await published(ring, budget=yuan(9_000))
    path = f"/needs/{need['id']}/inquiry"
    few = await market.post(ring.buyer, path, to_inquiry(market))
    assert (code(few), few.json()["providers"]) == ((409, "too_few_matches"), 2)
    await ring.provider(version=AIRPORTS)
    await ring.provider(version=AIRPORTS, right=RIGHT | {"territory": "SG"})
    again = await market.post(ring.buyer, path, to_inquiry(market, right=RIGHT | {"period_days": 366}))
    assert (code(again), again.json()["providers"]) == ((409, "too_few_matches"), 0)
    first = await market.post(ring.buyer, path, to_inquiry(market), key="k" * 10)
    assert first.status_code == 201 and first.headers["Location"] == f"/trading/v1/inquiries/{first.json()['id']}"
    inquiry = first.json()
    invited = [ring.providers[number].participant_id for number in (0, 1, 3)]
    assert inquiry["invited"] == sorted(str(each) for each in invited)
    assert (inquiry["need_id"], inquiry["budget"], inquiry["title"]) == (need["id"], yuan(9_000), need["title"])
    assert (await market.post(ring.buyer, path, to_inquiry(market), key="k" * 10)).json() == inquiry
    assert code(await market.post(ring.buyer, path, to_inquiry(market))) == (409, "need_not_open")
    seen = await market.read(ring.buyer, f"/needs/{need['id']}")
    assert (seen["state"], seen["inquiry_id"], seen["next_actor"]) == ("inquired", inquiry["id"], None)
    assert len(await market.facts("inquiry_published")) == 1
    assert [fact["inquiry_id"] for fact in await market.facts("need_ended")] == [inquiry["id"]]


async def test_from_a_need_to_an_order(ring: Ring):
    market = ring.market
    await ring.provider(version=AIRPORTS)
    need = await published(ring)
    inquiry = await market.do(ring.buyer, f"/needs/{need['id']}/inquiry", to_inquiry(market))
    numbers, offers = (0, 1, 3), {number: ring.offer(number, 4_000 - number) for number in (0, 1, 3)}
    for act, days in ((ring.seal, OFFERS_DAYS), (ring.open, OPENING_DAYS)):
        for number in numbers:
            assert (await act(inquiry["id"], number, offers[number])).status_code == 201
        await market.advance(days=days)
    order = (await market.read(ring.buyer, "/orders"))["items"][0]
    assert (order["inquiry_id"], order["provider_id"]) == (inquiry["id"], ring.providers[3].participant_id)
    assert order["price"] == yuan(3_999)


async def test_only_so_many_of_the_best_are_asked(ring: Ring):
    for _ in range(3):
        await ring.provider(version=AIRPORTS)
    need = await published(ring)
    best = [match["listing"]["provider_id"] for match in (await matches(ring, need))["items"][:3]]
    body = to_inquiry(ring.market, invited_max=3)
    inquiry = await ring.market.do(ring.buyer, f"/needs/{need['id']}/inquiry", body)
    assert inquiry["invited"] == sorted(best)


async def test_providers_see_open_needs_as_far_as_their_clearance_lets_them(ring: Ring):
    market, secret = ring.market, yuan(9_999)
    low = await published(ring, budget=secret)
    high = await published(ring, grade_ceiling="G4", mode="compute", budget=secret, budget_is_open=True)
    people = {clearance: await market.bench.member("provider", clearance=clearance) for clearance in (C1, C3)}
    for clearance, seen in ((C1, [low]), (C3, [high, low])):
        found = (await market.read(people[clearance], "/open-needs"))["items"]
        assert [(each["id"], each["budget"]) for each in found] == [
            (each["id"], secret if each is high else None) for each in seen
        ]
        for each in (low, high):
            answer = await market.bench.get(people[clearance], f"/trading/v1/needs/{each['id']}")
            absent = await market.bench.get(people[clearance], f"/trading/v1/needs/{NeedId.new()}")
            assert code(answer) == ((200, None) if each in seen else code(absent))
    another = await market.buyer()
    assert code(await market.bench.get(another, f"/trading/v1/needs/{low['id']}")) == (404, "no_such_need")
    assert code(await market.bench.get(another, "/trading/v1/open-needs")) == (403, "not_your_role")
    assert (await market.read(another, "/needs"))["items"] == []
    own = (await market.read(ring.buyer, "/needs"))["items"]
    assert [(each["id"], each["budget"]) for each in own] == [(high["id"], secret), (low["id"], secret)]
    regulator = market.bench.staff("regulator")
    assert len((await market.read(regulator, "/needs"))["items"]) == 2
    assert (await market.read(regulator, f"/needs/{low['id']}"))["budget"] is None
    told = await market.facts("need_published")
    assert ["budget" in fact["wanted"] for fact in told] == [False, True]


async def test_a_need_ends_by_its_buyer_or_by_its_time_and_shows_to_nobody_else_then(ring: Ring):
    market = ring.market
    closed, lapsed = await published(ring), await published(ring)
    provider = ring.providers[0]
    assert code(await market.post(ring.providers[0], f"/needs/{closed['id']}/close")) == (403, "not_your_role")
    both = await market.bench.member("provider", "buyer")
    assert code(await market.post(both, f"/needs/{closed['id']}/close")) == (404, "no_such_need")
    assert code(await market.bench.get(both, f"/trading/v1/needs/{closed['id']}/matches")) == (404, "no_such_need")
    assert (await market.do(ring.buyer, f"/needs/{closed['id']}/close"))["state"] == "closed"
    market.bench.clock.advance(days=30)
    await market.bench.refresh()
    for need in (closed, lapsed):
        assert code(await market.bench.get(provider, f"/trading/v1/needs/{need['id']}")) == (404, "no_such_need")
        answer = await market.bench.get(ring.buyer, f"/trading/v1/needs/{need['id']}/matches")
        assert code(answer) == (409, "need_not_open"), "though nobody has noticed that its time is up"
    assert (await market.read(provider, "/open-needs"))["items"] == []
    await market.tick()
    ends = {fact["need_id"]: (fact["state"], fact["reason_code"]) for fact in await market.facts("need_ended")}
    assert ends == {closed["id"]: ("closed", "by_buyer"), lapsed["id"]: ("expired", "expired")}


async def test_a_need_without_a_wish_or_beyond_its_time_is_refused(ring: Ring):
    market = ring.market
    now = market.bench.clock.now()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"fields": [], "themes": []}, "nothing_wanted"),
        ({"budget_is_open": True}, "budget_is_none"),
        ({"valid_until": now.isoformat()}, "bad_validity"),
        ({"valid_until": (now + timedelta(days=181)).isoformat()}, "bad_validity"),
    ]
    for changes, refused in cases:
        assert code(await market.post(ring.buyer, "/needs", a_need(market, **changes))) == (422, refused)


async def test_matching_costs_the_same_statements_however_many_listings_there_are(ring: Ring):
    need, counts = await published(ring), list[int]()
    for _ in range(2):
        with statements(ring.market.trading.database) as said:
            await matches(ring, need)
        counts.append(len(said))
        for _ in range(3):
            await ring.provider(version=AIRPORTS)
    assert counts[0] == counts[1] > 0


async def test_what_is_known_of_a_version_is_kept_from_its_first_listing_and_within_bounds(ring: Ring):
    market, who = ring.market, ring.providers[2]
    names = [f"field_{number}" for number in range(FIELDS_KEPT_MAX + 1)]
    many: list[dict[str, Any]] = [{"name": name, "type": "text", "kinds": []} for name in names]
    told: dict[str, Any] = {"fields": many, "theme": "transport", "rows": 2**40, "update_cycle": "daily"}
    listing = await ring.listing(who, version=told)
    version_id = listing["version_id"]
    known = market.neighbours.versions[version_id]
    market.neighbours.versions[version_id] = known.model_copy(update={"theme": "health"})
    again = await market.do(who, "/listings", LISTED | {"version_id": version_id})
    wanted = a_wish()
    assert ring.buyer.participant_id
    async with market.trading.database.read() as tx:
        found = await store.listings_to_match(
            tx, wanted, tuple(Grade), ring.buyer.participant_id, market.bench.clock.now()
        )
    traits = {each.id: kept for each, kept in found}
    assert traits[listing["id"]] == traits[again["id"]]
    assert traits[listing["id"]] == Traits("transport", 2**40, "daily", tuple(names[:-1]))
    assert [each.id for each, _ in found] == [
        again["id"], listing["id"], ring.listings[1]["id"], ring.listings[0]["id"], ring.listings[2]["id"],
    ], "those of a wanted theme first, then the newest"  # fmt: skip
