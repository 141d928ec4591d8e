"""Cost sheets over HTTP: drawn for one's own versions, exported for spreadsheets, told to nobody else."""

import csv
import hashlib
from io import StringIO
from typing import Any
from uuid import uuid4

from shared.ids import CostSheetId
from tests.catalog.market import Market, refusal
from tests.support.bench import Person

PATH = "/pricing/v1/cost-sheets"
ALL = [
    "controlled", "benefit_probable", "cost_reliable", "feasible", "intended", "useful", "resourced",
    "expenditure_reliable",
]  # fmt: skip


def a_line(kind: str, minor: int, stage: str | None = "development", description: str = "标注") -> dict[str, Any]:
    return {"kind": kind, "description": description, "amount": {"minor": minor, "currency": "CNY"}, "stage": stage}


def stated(version_id: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version_id": version_id, "holding": "intangible_developed", "conditions": ALL, "lines": list(lines),
        "narrative": {"use": "=风控"},
    } | more  # fmt: skip


async def a_version(market: Market, provider: Person) -> str:
    return (await market.drafted(provider))["versions"][0]["id"]


async def test_costs_are_treated_and_told_to_their_owner_and_the_regulator_alone(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    version_id = await a_version(market, provider)
    body = stated(version_id, a_line("annotation", 900), a_line("analysis", 50, "research"), a_line("training", 5))
    answer = await bench.post(provider, PATH, body)
    told = market.done(answer, 201)
    assert [(line["is_capitalised"], line["reason"]) for line in told["lines"]] == [
        (True, "cost_of_asset"), (False, "research_stage"), (False, "period_cost"),
    ]  # fmt: skip
    assert (told["capitalised"]["minor"], told["expensed"]["minor"]) == (900, 55)
    assert told["item"].startswith("无形资产") and "审计意见" in told["mark"]
    assert hashlib.sha256(told["document"].encode()).hexdigest() == told["document_hash"]
    path = answer.headers["Location"]
    for person in (provider, bench.staff("regulator")):
        assert (await bench.get(person, path)).json() == told
        assert (await bench.get(person, f"{path}/disclosure.csv")).status_code == 200
    for each in (path, f"{path}/disclosure.csv"):
        assert refusal(await bench.get(other, each)) == (404, "no_such_cost_sheet")
        assert refusal(await bench.get(bench.staff("operator_business"), each)) == (403, "not_your_role")
    assert refusal(await bench.get(provider, f"{PATH}/{CostSheetId.new()}")) == (404, "no_such_cost_sheet")
    [fact] = await bench.cores["pricing"].feed.after({})
    assert fact.act == "pricing.cost_sheet_drawn" and fact.data["document"] == told["document"]
    assert (fact.data["capitalised"]["minor"], fact.data["expensed"]["minor"]) == (900, 55)


async def test_an_export_opens_in_a_spreadsheet_and_runs_nothing(market: Market):
    bench, provider = market.bench, await market.provider()
    line = a_line("annotation", 123_456, description='=HYPERLINK("http://x","y")')
    body = stated(await a_version(market, provider), line)
    path = f"{PATH}/{market.done(await bench.post(provider, PATH, body), 201)['id']}"
    answer = await bench.get(provider, f"{path}/disclosure.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{path.rsplit("/")[-1]}.csv"'
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"), newline=""), strict=True))
    assert rows[2][2] == '\'=HYPERLINK("http://x","y")' and rows[2][5] == "1234.56"
    assert rows[-1] == ["应用场景 · use", "'=风控"]


async def test_a_sheet_is_drawn_of_ones_own_version_once_for_each_request(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    version_id, key = await a_version(market, provider), uuid4().hex
    body = stated(version_id, a_line("annotation", 1))
    assert refusal(await bench.post(other, PATH, body)) == (404, "no_such_version")
    first = market.done(await bench.post(provider, PATH, body, key=key), 201)
    assert (await bench.post(provider, PATH, body, key=key)).json() == first
    second = market.done(await bench.post(provider, PATH, body), 201)
    assert second["document"] == first["document"] and second["id"] != first["id"]
    assert refusal(await bench.post(provider, PATH, stated(version_id, a_line("annotation", 1, None)))) == (
        422, "stage_does_not_fit",
    )  # fmt: skip
    page = (await bench.get(provider, PATH, params={"limit": 1})).json()
    assert page["items"] == [second]
    rest = (await bench.get(provider, PATH, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert rest == {"items": [first], "next_cursor": None}
    assert (await bench.get(other, PATH)).json()["items"] == []
