"""What of the catalogue is there for whom: alone, in lists, and in what a search finds."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from services.catalog.rules import viewing
from services.catalog.rules.asset import Entry
from services.catalog.rules.viewing import Viewer
from services.catalog.store import entries as store
from services.catalog.store.entries import Wanted
from services.catalog.tables.whole import metadata
from shared.database import Database
from shared.grades import C1, C2, C3, C5, Clearance, Grade, Visibility
from shared.ids import AssetId, ParticipantId, RequestId
from tests.catalog.made import a_draft, a_registered
from tests.catalog.market import PERSONS, Market, harm, refusal
from tests.conftest import MakeDatabase
from tests.support.bench import Person

G4_HARM = harm("economy", "ordinary")


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
            assert (answer.content, answer.headers) == (absent.content, absent.headers)
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
    for person in (provider, bench.staff("operator_audit"), bench.staff("regulator")):
        assert await seen(person) == (True, True)


async def test_a_search_finds_what_is_written_and_not_what_is_hidden(market: Market):
    bench, provider = market.bench, await market.provider()
    open_one = await market.registered(provider, title="Half 100% off_line \\机场", keywords=["ＡＢＣ"])
    secret = await market.registered(
        provider, title="客户名录", keywords=["hush_hush"], impacts=harm("individual", "serious")
    )

    async def found(q: str, person: Person | None = None) -> list[str]:
        answer = await bench.get(person, "/catalog/v1/assets", params={"q": q})
        return [item["id"] for item in market.done(answer)["items"]]

    assert (
        await found("100%") == await found("off_line") == await found("HALF") == await found("abc") == [open_one["id"]]
    )
    assert await found("机场") == await found("\\机") == await found("坐标") == [open_one["id"]]
    assert await found("1%0") == await found("offxline") == await found("/") == await found("\\\\") == []
    assert await found("客户") == [secret["id"]]
    assert await found("hush_hush") == []  # a keyword of an entry that shows by its title only
    assert await found("hush_hush", await bench.member("buyer", clearance=C2)) == [secret["id"]]
    assert await found("%") == [open_one["id"]]


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


async def test_a_list_takes_two_statements_however_long_it_is(market: Market):
    provider = await market.provider()
    counts = [await _statements(market, provider)]
    for _ in range(4):
        await market.registered(provider)
        counts.append(await _statements(market, provider))
    assert counts[0] == counts[1] == counts[-1] == 2


async def _statements(market: Market, person: Person) -> int:
    asked = list[str]()
    engine = market.catalog.database._readers.sync_engine  # pyright: ignore[reportPrivateUsage]

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("SELECT assets") or "FROM versions" in statement:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    assert (await market.bench.get(person, "/catalog/v1/assets?limit=100")).status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    return len(asked)


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
            seen += await store.entries(tx, Viewer(is_staff=True), Wanted(), size, before)
        async with kept.transaction() as tx:
            await store.add_entry(tx, a_draft())  # newer than all: on no later page
    assert seen == sorted(entries, key=lambda entry: entry.asset.id, reverse=True)


VIEWERS: list[Callable[[ParticipantId], Viewer]] = [
    lambda owner: viewing.ANYONE,
    lambda owner: Viewer(owner, C1),
    lambda owner: Viewer(owner, None),
    lambda owner: Viewer(is_staff=True),
    *(lambda owner, clearance=clearance: Viewer(ParticipantId.new(), clearance) for clearance in Clearance),
]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    who=st.sampled_from(VIEWERS),
    text=st.sampled_from([None, "机场", "航空", "%"]),
    grade=st.none() | st.sampled_from(Grade),
)
async def test_a_list_shows_what_its_entries_show_one_by_one(
    shelf: tuple[Database, list[Entry]], who: Callable[[ParticipantId], Viewer], text: str | None, grade: Grade | None
):
    kept, entries = shelf
    viewer = who(entries[0].asset.provider_id)
    async with kept.read() as tx:
        found = await store.entries(tx, viewer, Wanted(text, grade=grade), 100, None)
    expected = [entry for entry in entries if _naively_found(entry, viewer, text, grade)]
    assert found == sorted(expected, key=lambda entry: entry.asset.id, reverse=True)


def _naively_found(entry: Entry, viewer: Viewer, text: str | None, grade: Grade | None) -> bool:
    about, much = entry.asset.about, viewing.shown(entry.asset, viewer)
    known = [about.title] + ([*about.keywords, about.description] if much is Visibility.FULL else [])
    known_grade = entry.asset.grade if much is Visibility.FULL else None
    return (
        much is not Visibility.NONE
        and (text is None or any(text in one for one in known))
        and (grade is None or grade == known_grade)
    )
