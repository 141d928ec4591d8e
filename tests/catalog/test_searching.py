"""Searches over HTTP: what is told of what was found, and what is refused."""

from typing import Any

import pytest

from services.catalog import jobs
from services.catalog.rules.search import TooManyWords, question
from services.catalog.store import search
from shared.grades import C1, C2, C3
from shared.ids import AssetId
from tests.catalog.market import Market, harm, refusal
from tests.support.bench import Person

PATH = "/catalog/v1/assets"
G3_HARM, G4_HARM = harm("individual", "serious"), harm("economy", "ordinary")


async def asked(market: Market, person: Person | None = None, **query: Any) -> dict[str, Any]:
    return market.done(await market.bench.get(person, PATH, params=query))


async def suggested(market: Market, q: str, person: Person | None = None, **query: Any) -> list[str]:
    answer = await market.bench.get(person, "/catalog/v1/suggestions", params={"q": q} | query)
    return market.done(answer)["items"]


def values(told: list[dict[str, Any]]) -> dict[str, int]:
    return {each["value"]: each["count"] for each in told}


async def test_what_was_found_is_ranked_and_shown_with_its_hits(market: Market):
    provider = await market.provider()
    told: dict[str, dict[str, Any]] = {
        "elsewhere": {"title": "城市数据", "description": "含空气质量与降水"},
        "keyword": {"title": "环境数据", "keywords": ["空气质量"]},
        "title": {"title": "全国空气质量监测", "category": "生态环境/大气"},
        "neither": {"title": "空气湿度"},
    }
    ids = {(await market.registered(provider, **about))["id"]: name for name, about in told.items()}
    found = await asked(market, q="空气质量")
    assert [ids[item["id"]] for item in found["items"]] == ["title", "keyword", "elsewhere"]
    assert [item["fragments"] for item in found["items"]][0] == [{
        "field": "title", "cut": False,
        "pieces": [{"text": "全国", "hit": False}, {"text": "空气质量", "hit": True}, {"text": "监测", "hit": False}],
    }]  # fmt: skip
    assert (found["total"], found["counts_capped"]) == (3, False)
    assert values(found["facets"]["industry"]) == {"生态环境": 1}
    newest = await asked(market, q="空气质量", sort="newest")
    assert [ids[item["id"]] for item in newest["items"]] == ["title", "keyword", "elsewhere"]
    assert (await asked(market))["items"][0]["fragments"] is None


async def test_of_what_is_hidden_there_is_no_item_count_or_suggestion(market: Market):
    bench, provider = market.bench, await market.provider()
    await market.registered(provider, title="空气质量", theme="air", keywords=["open"])
    await market.registered(provider, title="空气监测", theme="secret", impacts=G4_HARM, keywords=["opaque"])
    await market.registered(provider, title="空气浓度", theme="health", impacts=G3_HARM, keywords=["opulent"])
    await market.drafted(provider, title="空气草稿", theme="draft", keywords=["opera"])
    c2, c3 = await bench.member("buyer", clearance=C2), await bench.member("buyer", clearance=C3)
    seen = {
        None: ({"air": 1, "health": 1}, {"G1": 1}, {"open"}),
        c2: ({"air": 1, "health": 1}, {"G1": 1, "G3": 1}, {"open", "opulent"}),
        c3: ({"air": 1, "secret": 1, "health": 1}, {"G1": 1, "G3": 1, "G4": 1}, {"open", "opulent", "opaque"}),
        provider: ({"air": 1, "secret": 1, "health": 1, "draft": 1}, {"G1": 1, "G3": 1, "G4": 1},
                   {"open", "opulent", "opaque", "opera"}),
    }  # fmt: skip
    for person, (themes, grades, words) in seen.items():
        found = await asked(market, person, q="空气")
        assert found["total"] == len(found["items"]) == sum(themes.values())
        assert values(found["facets"]["theme"]) == themes
        assert values(found["facets"]["grade"]) == grades
        assert set(await suggested(market, "op", person)) == words


async def test_the_last_word_is_completed_within_what_the_others_find(market: Market):
    provider = await market.provider()
    await market.registered(provider, title="北京空气质量", title_english=None, keywords=[])
    await market.registered(provider, title="上海空运", title_english=None, keywords=["空运", "Ａir"])
    assert await suggested(market, "空") == ["空气", "空气质量", "空运"]
    assert await suggested(market, "空", limit=1) == ["空气"]
    assert await suggested(market, "北京 空") == ["北京 空气", "北京 空气质量"]
    assert await suggested(market, "空气质") == ["空气质量"]
    assert await suggested(market, "AI") == ["air"]
    assert await suggested(market, "%") == await suggested(market, '"*') == []


async def test_a_list_is_narrowed_by_all_that_it_counts(market: Market):
    provider = await market.provider()
    one = await market.registered(provider, region="北京", category="交通运输/航空", update_cycle="daily")
    await market.registered(provider, region="上海", category="交通", update_cycle="monthly")
    narrowed = [
        {"region": "北京"}, {"category": "交通运输"}, {"category": "交通运输/航空"}, {"update_cycle": "daily"},
    ]  # fmt: skip
    for query in narrowed:
        found = await asked(market, None, **query)
        assert [item["id"] for item in found["items"]] == [one["id"]], query
        assert found["total"] == 1
    assert (await asked(market, category="交通运输/航"))["items"] == []
    assert one["category"] == (await asked(market))["items"][1]["category"] == "交通运输/航空"


async def test_pages_are_of_one_question_and_one_sort(market: Market):
    provider = await market.provider()
    made = [(await market.registered(provider, title="空气"))["id"] for _ in range(5)]
    async with market.catalog.database.transaction() as tx:
        for asset_id, quality in zip(made, (None, 9_000, None, 100, 9_000), strict=True):
            await search.score_quality(tx, AssetId(asset_id), quality)
    for query, order in (
        ({}, made[::-1]), ({"q": "空气"}, made[::-1]), ({"sort": "price"}, made[::-1]),
        ({"sort": "quality"}, [made[place] for place in (4, 1, 3, 2, 0)]),
    ):  # fmt: skip
        seen, cursor = list[str](), {}
        while cursor is not None:
            page = await asked(market, limit=2, **query, **cursor)
            seen += [item["id"] for item in page["items"]]
            assert (page["total"] is None) is (page["facets"] is None) is bool(cursor)
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert seen == order, query
    cursor = (await asked(market, q="空气", limit=2))["next_cursor"]
    for other in ({"q": "降水"}, {"q": "空气", "sort": "newest"}, {"q": "空气", "theme": "air"}, {}):
        answer = await market.bench.get(None, PATH, params=other | {"cursor": cursor})
        assert refusal(answer) == (422, "bad_cursor")


@pytest.mark.parametrize("query, code", [
    ({"q": "a" * 201}, "malformed"), ({"q": " ".join(f"a{n}" for n in range(40))}, "too_many_words"),
    ({"q": ""}, "malformed"), ({"sort": "relevance"}, "nothing_to_rank_by"), ({"sort": "id;drop"}, "malformed"),
    ({"sort": "unknown"}, "malformed"), ({"grade": "G7"}, "malformed"), ({"mode": "carrier"}, "malformed"),
    ({"pricing": "Fixed'"}, "malformed"), ({"title_words": "x"}, "unknown_parameter"),
    ({"quality_score": "1"}, "unknown_parameter"), ({"limit": "0"}, "malformed"), ({"limit": "101"}, "malformed"),
])  # fmt: skip
async def test_a_question_that_means_nothing_is_refused(market: Market, query: dict[str, str], code: str):
    if market.catalog.database.is_sqlite:  # before any database is asked
        answer = await market.bench.get(None, PATH, params=query)
        assert refusal(answer) == (422, code)


async def test_ten_thousand_words_are_too_many_at_the_door_and_behind_it(market: Market):
    many = " ".join(f"a{number}" for number in range(10_000))
    assert (
        await market.bench.get(None, PATH, params={"q": many[:60_000]})
    ).status_code == 400  # longer than any address
    with pytest.raises(TooManyWords):
        question(many, None)


async def test_a_version_of_another_grade_shows_by_its_own(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, title="空气")
    path = f"{PATH}/{asset['id']}"
    added = market.done(await bench.post(provider, f"{path}/versions"), 201)["versions"][-1]["id"]
    await market.inspected(added)
    await market.graded(provider, added, G4_HARM)
    market.done(await bench.post(provider, f"{path}/submit"))
    officers = [await market.officer(asset["id"], "G4") for _ in range(2)]
    for officer in officers:
        yes = {"grade": "G4", "note": "已复核"}
        market.done(await bench.post(officer, f"{path}/register", yes))
    low, high = await bench.member("buyer", clearance=C1), await bench.member("buyer", clearance=C3)
    unnamed = bench.staff("operator_business")
    for person, grades in (
        (None, ["G1"]), (low, ["G1"]), (high, ["G1", "G4"]), (provider, ["G1", "G4"]), (unnamed, ["G1"]),
        (officers[0], ["G1", "G4"]),
    ):  # fmt: skip
        entry = market.done(await bench.get(person, path))
        assert [version["grade"] for version in entry["versions"]] == grades
        assert entry["grade"] == grades[-1]
        found = await asked(market, person, q="空气")
        assert sorted(values(found["facets"]["grade"])) == grades
        assert len((await asked(market, person, grade="G4"))["items"]) == grades.count("G4")
    seen = market.done(await bench.get(high, path))["versions"]
    assert [version["fields"] is None for version in seen] == [False, True]  # field names of G4


async def test_jobs_leave_a_full_index_as_it_is(market: Market):
    await market.registered(await market.provider(), title="空气")
    await jobs.index(market.catalog)
    assert (await asked(market, q="空气"))["total"] == 1
