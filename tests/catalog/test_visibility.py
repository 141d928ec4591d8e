"""What of the catalogue is there for whom: alone, in lists, and in what a search finds."""

from typing import Any

import pytest
from httpx2 import Response

from services.catalog.rules.asset import Entry
from services.catalog.rules.search import Place, Sought
from services.catalog.rules.viewing import EVERYTHING
from services.catalog.store import entries as store
from services.catalog.store import search
from services.catalog.tables.whole import metadata
from shared.database import Database
from shared.grades import C1, C2, C3, C5, Grade
from shared.ids import AssetId, ParticipantId, RequestId
from tests.catalog.made import a_draft, a_registered
from tests.catalog.market import PERSONS, Market, harm, refusal
from tests.conftest import MakeDatabase
from tests.support.bench import Person

G4_HARM = harm("economy", "ordinary")


def told(answer: Response) -> dict[str, str]:
    """The headers, but for how often whoever asked may still ask."""
    return {name: value for name, value in answer.headers.items() if not name.startswith("ratelimit")}


async def test_what_is_hidden_is_absent_byte_for_byte(market: Market):
    bench, provider = market.bench, await market.provider()
    registered = await market.registered(provider, impacts=G4_HARM)
    draft = await market.drafted(provider)
    low, high = await bench.member("buyer", clearance=C2), await bench.member("buyer", clearance=C3)
    request = {"X-Request-Id": RequestId.new()}
    absent = await bench.get(None, f"/catalog/v1/assets/{AssetId.new()}", headers=request)
    assert refusal(absent) == (404, "no_such_asset")
    for person in (None, low):
        for asset in (registered, draft):
            answer = await bench.get(person, f"/catalog/v1/assets/{asset['id']}", headers=request)
            assert (answer.content, told(answer)) == (absent.content, told(absent))
    assert (await bench.get(high, f"/catalog/v1/assets/{registered['id']}")).json()["grade"] == "G4"
    assert (await bench.get(high, f"/catalog/v1/assets/{draft['id']}")).content != absent.content  # other request id
    assert refusal(await bench.get(high, f"/catalog/v1/assets/{draft['id']}")) == (404, "no_such_asset")


async def test_below_their_clearance_people_see_title_theme_and_provider_of_g3(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, *PERSONS)
    path = f"/catalog/v1/assets/{asset['id']}"
    low, high = await bench.member("buyer", clearance=C1), await bench.member("buyer", clearance=C2)
    for person in (None, low):
        seen = (await bench.get(person, path)).json()
        shown = {name: value for name, value in seen.items() if value is not None}
        assert shown == {
            "id": asset["id"], "provider_id": provider.participant_id, "title": asset["title"],
            "title_english": asset["title_english"], "theme": asset["theme"], "visibility": "title",
        }  # fmt: skip
    full = (await bench.get(high, path)).json()
    assert [field["name"] for field in full["versions"][0]["fields"]] == ["姓名", "身份证号", "订单数"]
    assert (full["visibility"], full["grade"], full["source"]) == ("full", "G3", None)


async def test_field_names_and_source_are_shown_to_whom_they_are_due(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, *PERSONS, impacts=G4_HARM)
    path = f"/catalog/v1/assets/{asset['id']}"

    async def seen(person: Person) -> tuple[bool, bool]:
        entry = (await bench.get(person, path)).json()
        return entry["versions"][0]["fields"] is not None, entry["source"] is not None

    assert await seen(await bench.member("buyer", clearance=C5)) == (False, False)
    for person in (provider, await market.officer(asset["id"], "G4")):
        assert await seen(person) == (True, True)
    for office in ("operator_business", "operator_system", "operator_security", "operator_audit", "regulator"):
        assert refusal(await bench.get(bench.staff(office), path)) == (404, "no_such_asset")
        found = await bench.get(bench.staff(office), "/catalog/v1/assets")
        assert found.json()["items"] == [] and not any(found.json()["facets"].values())


async def test_a_search_finds_what_is_written_and_not_what_is_hidden(market: Market):
    bench, provider = market.bench, await market.provider()
    open_one = await market.registered(provider, title="Half 100% off_line \\机场", keywords=["ＡＢＣ"])
    secret = await market.registered(
        provider, title="客户名录", keywords=["hush_hush"], impacts=harm("individual", "serious")
    )

    async def found(q: str, person: Person | None = None) -> list[str]:
        answer = await bench.get(person, "/catalog/v1/assets", params={"q": q})
        return [item["id"] for item in market.done(answer)["items"]]

    for q in ("100%", "off_line", "OFF-LINE half", "HALF", "abc", "机场", "\\机场", "坐标", "Ｈａｌｆ机场"):
        assert await found(q) == [open_one["id"]], q
    for q in ("1%0", "offxline", "offline", "/", "%", "_", '"', "*", "机", "half NOT 100", "title:half", "hal*"):
        assert await found(q) == [], q
    assert await found("客户") == [secret["id"]]
    assert await found("transport") == [secret["id"], open_one["id"]]  # in equal places: the newest first
    assert await found("hush_hush") == []  # a keyword of an entry that shows by its title only
    assert await found("hush_hush", await bench.member("buyer", clearance=C2)) == [secret["id"]]


async def test_a_list_is_narrowed_and_paged_newest_first(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    made = [(await market.registered(provider, theme="transport"))["id"] for _ in range(3)]
    health = await market.registered(other, theme="health", impacts=harm("individual", "serious"))
    draft = await market.drafted(other)

    async def ids(person: Person | None = None, **query: Any) -> list[str]:
        answer = market.done(await bench.get(person, "/catalog/v1/assets", params=query))
        return [item["id"] for item in answer["items"]]

    newest_first = [health["id"], *reversed(made)]
    assert await ids() == newest_first
    assert await ids(other) == [draft["id"], *newest_first]
    assert await ids(other, provider_id=other.participant_id) == [draft["id"], health["id"]]
    assert await ids(provider_id=other.participant_id) == [health["id"]]
    assert await ids(theme="health") == [health["id"]]
    assert await ids(grade="G1") == newest_first[1:]
    assert await ids(grade="G3") == []  # a title does not tell its grade
    assert await ids(other, grade="G3") == [health["id"]]
    assert await ids(bench.staff("regulator")) == [draft["id"], *newest_first]

    first = market.done(await bench.get(None, "/catalog/v1/assets", params={"limit": 3}))
    rest = market.done(await bench.get(None, "/catalog/v1/assets", params={"limit": 3, "cursor": first["next_cursor"]}))
    assert [item["id"] for item in first["items"] + rest["items"]] == newest_first
    assert rest["next_cursor"] is None
    for cursor in ("§", "eA=="):  # no base64, and no asset's id
        assert refusal(await bench.get(None, "/catalog/v1/assets", params={"cursor": cursor})) == (422, "bad_cursor")


@pytest.fixture
async def shelf(database: MakeDatabase) -> tuple[Database, list[Entry]]:
    """Entries of two providers, in all grades, registered and not."""
    kept = await database("catalog", metadata)
    owners = [ParticipantId.new(), ParticipantId.new()]
    entries = [a_draft(owner) for owner in owners]
    entries += [a_registered(Grade(f"G{number}"), provider_id=owner) for owner in owners for number in range(1, 5)]
    async with kept.transaction() as tx:
        for entry in entries:
            await store.add_entry(tx, entry)
    return kept, entries


@pytest.mark.parametrize("size", [1, 3, 10])
async def test_pages_together_are_the_list_as_it_was_whatever_comes_meanwhile(
    shelf: tuple[Database, list[Entry]], size: int
):
    kept, entries = shelf
    seen, before = list[Entry](), None
    while not seen or before != seen[-1].asset.id:
        before = seen[-1].asset.id if seen else None
        async with kept.read() as tx:
            after = Place(0, before) if before else None
            found = await search.find(tx, EVERYTHING, Sought(), size, after, count=False)
            seen += await store.entries(tx, [place.asset_id for place in found.places])
        async with kept.transaction() as tx:
            await store.add_entry(tx, a_draft())  # newer than all: on no later page
    assert seen == sorted(entries, key=lambda entry: entry.asset.id, reverse=True)
