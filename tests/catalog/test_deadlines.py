"""What time does to an entry: by the deadline itself, whenever the job comes round."""

from typing import Any

import pytest

from services.catalog import jobs
from services.catalog.actions import registration
from shared.database import Transaction
from shared.ids import AssetId
from tests.catalog.market import AIRPORTS, SOURCE, Market, a_report, harm, refusal

PROPOSAL = {"impacts": harm("individual", "none"), "flags": []}
YES = {"grade": "G1", "note": "已复核"}
NO = {"reason_code": "incomplete", "reason": "材料不全"}


async def test_deadlines_pass(market: Market):
    bench, provider = market.bench, await market.provider()
    draft, reviewed = await market.drafted(provider), await market.submitted(provider)

    async def state(asset: dict[str, str]) -> tuple[str, str | None]:
        found = (await bench.get(provider, f"/catalog/v1/assets/{asset['id']}")).json()
        return found["state"], found["reason_code"]

    bench.clock.advance(days=14)
    await jobs.tick(market.catalog)
    assert (await state(draft), await state(reviewed)) == (("draft", None), ("submitted", None))
    bench.clock.advance(days=1)
    await jobs.tick(market.catalog)
    assert await state(reviewed) == ("draft", "review_overdue")
    bench.clock.advance(days=165)
    for _ in range(2):  # the second time nothing is left to notice
        await jobs.tick(market.catalog)
    assert await state(draft) == ("withdrawn", "draft_expired")
    assert await state(reviewed) == ("draft", "review_overdue")
    assert (await market.acts())[-2:] == ["review_lapsed", "asset_withdrawn"]


async def test_a_version_of_a_registered_asset_that_nobody_finishes_lapses(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    path = f"/catalog/v1/assets/{asset['id']}"
    await bench.post(provider, f"{path}/versions")
    bench.clock.advance(days=180)
    await jobs.tick(market.catalog)
    found = (await bench.get(provider, path)).json()
    assert (found["state"], [version["state"] for version in found["versions"]]) == (
        "registered", ["graded", "lapsed"],
    )  # fmt: skip
    assert "version_lapsed" in (await market.acts())[-2:]  # the report of the registered one has expired too


async def test_whoever_comes_after_a_deadline_does_not_forestall_what_it_decided(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    draft, reviewed = await market.drafted(provider), await market.submitted(provider)
    path, version_id = f"/catalog/v1/assets/{draft['id']}", draft["versions"][0]["id"]
    reviewed_path = f"/catalog/v1/assets/{reviewed['id']}"
    bench.clock.advance(days=15)
    await bench.refresh()
    for act, body in (("register", YES), ("refuse", NO)):
        assert refusal(await bench.post(operator, f"{reviewed_path}/{act}", body)) == (409, "deadline_passed")
    bench.clock.advance(days=165)
    await bench.refresh()
    for act, body in (("submit", None), ("versions", None), ("withdraw", None), ("source-declaration", SOURCE)):
        assert refusal(await bench.post(provider, f"{path}/{act}", body)) == (409, "deadline_passed")
    late = await bench.ask("PATCH", provider, path, json={"title": "机场"})
    assert refusal(late) == (409, "deadline_passed") and late.json()["overdue"] == "draft"
    assert refusal(await market.report(version_id, a_report())) == (409, "deadline_passed")
    proposals = f"/catalog/v1/versions/{version_id}/grade-proposals"
    assert refusal(await bench.post(provider, proposals, PROPOSAL)) == (409, "deadline_passed")
    before = await market.acts()
    await jobs.tick(market.catalog)
    assert (await market.acts())[len(before) :] == ["asset_withdrawn", "review_lapsed"]


async def test_up_to_its_deadline_a_review_is_decided(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    asset = await market.submitted(provider)
    bench.clock.advance(days=15, microseconds=-1)
    await bench.refresh()
    answer = await bench.post(operator, f"/catalog/v1/assets/{asset['id']}/register", YES)
    assert market.done(answer)["state"] == "registered"


async def test_an_entry_that_cannot_be_moved_on_keeps_no_other_waiting(market: Market, monkeypatch: pytest.MonkeyPatch):
    provider = await market.provider()
    stuck, other = await market.drafted(provider), await market.drafted(provider, **AIRPORTS)
    load = registration.store.entry_for_update

    async def load_but_for_one(tx: Transaction, asset_id: AssetId, *owner: Any) -> Any:
        if asset_id == stuck["id"]:
            raise RuntimeError("a row that nobody foresaw")
        return await load(tx, asset_id, *owner)

    monkeypatch.setattr(registration.store, "entry_for_update", load_but_for_one)
    market.bench.clock.advance(days=180)
    await jobs.tick(market.catalog)
    withdrawn = [change.data["asset_id"] for change in await market.facts() if change.act == "catalog.asset_withdrawn"]
    assert withdrawn == [other["id"]]
