"""Public notice, and objections to what is under it or registered, on both databases."""

import asyncio
from typing import Any

import pytest

from services.catalog import jobs
from shared.grades import C2
from tests.catalog.market import Market, harm, refusal
from tests.catalog.register import (
    DAYS,
    NO,
    NOTE,
    OBJECTION,
    filed,
    get,
    noticed_asset,
    pass_days,
    post,
    refused,
    state_seen_by_neighbours,
)
from tests.support.bench import Person


async def test_a_registration_is_under_notice_until_its_end_and_then_registered_by_itself(noticed: Market):
    provider, anyone = await noticed.provider(), await noticed.bench.member("buyer")
    asset = await noticed_asset(noticed, provider)
    assert (asset["state"], asset["next_actor"], asset["certificate_id"]) == ("under_notice", "anyone", None)
    listed = (await get(noticed, anyone, "/notices"))["items"]
    assert [(one["asset_id"], one["type"], one["state"]) for one in listed] == [(asset["id"], "first", "under_notice")]
    assert listed[0]["content_hash"] == asset["versions"][0]["content_hash"]
    assert refusal(await noticed.bench.get(anyone, f"/catalog/v1/filings/{listed[0]['id']}")) == (404, "no_such_filing")
    assert refusal(await noticed.bench.get(anyone, f"/catalog/v1/assets/{asset['id']}")) == (404, "no_such_asset")
    assert await state_seen_by_neighbours(noticed, asset) == "under_notice"

    await pass_days(noticed, DAYS - 0.1)
    assert (await get(noticed, provider, f"/assets/{asset['id']}"))["state"] == "under_notice"
    await pass_days(noticed, 0.1)
    seen = await get(noticed, provider, f"/assets/{asset['id']}")
    assert (seen["state"], seen["deadline"]) == ("registered", None)
    assert (await get(noticed, anyone, "/notices"))["items"] == []
    assert (await get(noticed, provider, f"/filings/{listed[0]['id']}"))["state"] == "registered"
    assert (await noticed.acts())[-3:] == ["notice_opened", "certificate_issued", "asset_registered"]


async def test_what_a_grade_hides_is_hidden_under_notice_too(noticed: Market):
    provider, low = await noticed.provider(), await noticed.bench.member("buyer", clearance=C2)
    asset = await noticed.submitted(provider, impacts=harm("economy", "ordinary"))
    officers = [await noticed.officer(asset["id"], "G4") for _ in range(2)]
    for operator in officers:
        await post(noticed, operator, f"/assets/{asset['id']}/register", {"grade": "G4", "note": "已复核"})
    unnamed = noticed.bench.staff("operator_business")
    assert [len((await get(noticed, each, "/notices"))["items"]) for each in (officers[0], unnamed)] == [1, 0]
    cleared = await noticed.bench.member("buyer")
    assert (await get(noticed, low, "/notices"))["items"] == []
    assert len((await get(noticed, cleared, "/notices"))["items"]) == 1
    assert await refused(noticed, low, f"/assets/{asset['id']}/objections", OBJECTION) == (404, "no_such_asset")


async def test_an_objection_holds_a_registration_until_it_is_decided(noticed: Market):
    provider, objector = await noticed.provider(), await noticed.bench.member("buyer")
    operator = noticed.bench.staff("operator_business")
    asset = await noticed_asset(noticed, provider)
    assert await refused(noticed, provider, f"/assets/{asset['id']}/objections", OBJECTION) == (403, "objects_to_own")
    first = await post(noticed, objector, f"/assets/{asset['id']}/objections", OBJECTION, 201)
    assert await refused(noticed, objector, f"/assets/{asset['id']}/objections", OBJECTION) == (409, "already_objected")
    second = await post(
        noticed, await noticed.bench.member("buyer"), f"/assets/{asset['id']}/objections", OBJECTION, 201
    )
    held = await get(noticed, provider, f"/assets/{asset['id']}")
    assert (held["state"], held["next_actor"]) == ("under_notice", "operator_business")

    await pass_days(noticed, DAYS)
    assert (await get(noticed, provider, f"/assets/{asset['id']}"))["state"] == "under_notice"
    dismissed = await post(noticed, operator, f"/objections/{first['id']}/dismiss", NO)
    assert (dismissed["state"], dismissed["reason_code"]) == ("dismissed", "not_proven")
    await jobs.tick(noticed.catalog)
    assert (await get(noticed, provider, f"/assets/{asset['id']}"))["state"] == "under_notice", "the second holds it"
    again = await refused(noticed, operator, f"/objections/{first['id']}/uphold", {"reason": "?"})
    assert again == (409, "objection_decided")
    await post(noticed, operator, f"/objections/{second['id']}/dismiss", NO)
    await jobs.tick(noticed.catalog)
    assert (await get(noticed, provider, f"/assets/{asset['id']}"))["state"] == "registered"


async def test_an_objection_that_is_upheld_refuses_what_is_under_notice_and_settles_the_others(noticed: Market):
    provider = await noticed.provider()
    asset = await noticed_asset(noticed, provider)
    objectors = [await noticed.bench.member("buyer") for _ in range(2)]
    raised = [await post(noticed, one, f"/assets/{asset['id']}/objections", OBJECTION, 201) for one in objectors]
    operator = noticed.bench.staff("operator_business")
    await post(noticed, operator, f"/objections/{raised[0]['id']}/uphold", {"reason": "权属证明成立"})
    seen = await get(noticed, provider, f"/assets/{asset['id']}")
    assert (seen["state"], seen["reason_code"]) == ("refused", "objection_upheld")
    shown = [await get(noticed, one, f"/objections/{objection['id']}")
             for one, objection in zip(objectors, raised, strict=True)]  # fmt: skip
    assert {objection["state"] for objection in shown} == {"upheld"}
    filings = (await get(noticed, provider, f"/filings?asset_id={asset['id']}"))["items"]
    assert [(one["state"], one["reason_code"]) for one in filings] == [("refused", "objection_upheld")]
    assert (await noticed.acts())[-3:] == ["objection_upheld", "objection_upheld", "asset_refused"]


async def test_objections_are_withdrawn_or_lapse_and_what_they_held_goes_on(noticed: Market):
    provider, objector = await noticed.provider(), await noticed.bench.member("buyer")
    asset = await noticed_asset(noticed, provider)
    path = f"/assets/{asset['id']}"
    raised = await post(noticed, objector, f"{path}/objections", OBJECTION, 201)
    assert await refused(noticed, provider, f"/objections/{raised['id']}/withdraw") == (404, "no_such_objection")
    await post(noticed, objector, f"/objections/{raised['id']}/withdraw")
    assert (await get(noticed, provider, path))["next_actor"] == "anyone"
    again = await post(noticed, objector, f"{path}/objections", OBJECTION, 201)
    await pass_days(noticed, 30)  # nobody decided it: it lapses
    lapsed = await get(noticed, objector, f"/objections/{again['id']}")
    assert (lapsed["state"], lapsed["reason_code"]) == ("lapsed", "objection_overdue")
    await jobs.tick(noticed.catalog)
    assert (await get(noticed, provider, path))["state"] == "registered"
    mine = (await get(noticed, objector, f"{path}/objections"))["items"]
    assert [one["state"] for one in mine] == ["lapsed", "withdrawn"]
    assert mine == (await get(noticed, provider, f"{path}/objections"))["items"]


async def test_up_to_the_end_of_the_notice_an_objection_holds_it(noticed: Market):
    provider, objector = await noticed.provider(), await noticed.bench.member("buyer")
    asset = await noticed_asset(noticed, provider)
    noticed.bench.clock.advance(days=DAYS, microseconds=-1)
    answer, _ = await _at_once(noticed, objector, asset)
    assert answer[0] == 201
    noticed.bench.clock.advance(microseconds=1)
    await jobs.tick(noticed.catalog)
    seen = await get(noticed, provider, f"/assets/{asset['id']}")
    assert (seen["state"], seen["next_actor"]) == ("under_notice", "operator_business")


@pytest.mark.parametrize("attempt", range(3))
async def test_from_its_end_on_the_notice_has_ended_whoever_comes_first(noticed: Market, attempt: int):
    provider, objector = await noticed.provider(), await noticed.bench.member("buyer")
    asset = await noticed_asset(noticed, provider)
    noticed.bench.clock.advance(days=DAYS)
    answer, filing_id = await _at_once(noticed, objector, asset)
    seen = await get(noticed, provider, f"/assets/{asset['id']}")
    assert (seen["state"], seen["objected"]) == ("registered", answer[0] == 201)
    assert (answer, filing_id) in [((409, "objection_time_up"), None), ((201, ""), None)]  # 201: to the entry itself
    assert (await noticed.acts()).count("asset_registered") == 1


async def _at_once(noticed: Market, objector: Person, asset: dict[str, Any]) -> tuple[tuple[int, str], str | None]:
    """An objection and the job that ends notices, at the same moment."""
    await noticed.bench.refresh()
    path = f"/catalog/v1/assets/{asset['id']}/objections"
    answer, _ = await asyncio.gather(noticed.bench.post(objector, path, OBJECTION), jobs.tick(noticed.catalog))
    return (answer.status_code, answer.json().get("code", "")), answer.json().get("filing_id")


async def test_an_objection_to_a_registered_entry_takes_it_off_offer_and_keeps_it_from_further_filings(market: Market):
    provider, objector = await market.provider(), await market.bench.member("buyer", "provider")
    asset = await market.registered(provider)
    raised = await post(market, objector, f"/assets/{asset['id']}/objections", OBJECTION, 201)
    assert raised["filing_id"] is None
    assert (await get(market, None, f"/assets/{asset['id']}"))["objected"] is True
    assert await state_seen_by_neighbours(market, asset) == "objected"
    assert (await get(market, None, f"/certificates/{asset['certificate_id']}"))["state"] == "objected"
    change = {"about": {"title": "改名"}}
    assert await refused(market, provider, f"/assets/{asset['id']}/filings/change", change) == (
        409, "ownership_conflict",
    )  # fmt: skip
    assert (await market.acts())[-1] == "filing_denied"
    second = await post(market, provider, f"/assets/{asset['id']}/versions", None, 201)
    await market.inspected(second["versions"][1]["id"])
    await market.graded(provider, second["versions"][1]["id"])
    assert await refused(market, provider, f"/assets/{asset['id']}/submit") == (409, "ownership_conflict")
    assert (await market.acts())[-1] == "registration_denied"

    operator = market.bench.staff("operator_business")
    await post(market, operator, f"/objections/{raised['id']}/dismiss", NO)
    assert await state_seen_by_neighbours(market, asset) == "registered"
    assert (await get(market, None, f"/certificates/{asset['certificate_id']}"))["state"] == "valid"


async def test_an_upheld_objection_begins_a_revocation_that_a_second_operator_decides(market: Market):
    provider, objector = await market.provider(), await market.bench.member("buyer")
    asset = await market.registered(provider)
    raised = await post(market, objector, f"/assets/{asset['id']}/objections", OBJECTION, 201)
    first, second = (market.bench.staff("operator_business") for _ in range(2))
    await post(market, first, f"/objections/{raised['id']}/uphold", {"reason": "权属证明成立"})
    filing = (await get(market, provider, f"/filings?asset_id={asset['id']}&state=under_review"))["items"][0]
    assert (filing["type"], filing["operators"], filing["grounds"]["reason_code"]) == (
        "revocation", 1, "objection_upheld",
    )  # fmt: skip
    assert await state_seen_by_neighbours(market, asset) == "objected"
    assert await refused(market, first, f"/filings/{filing['id']}/agree", NOTE) == (409, "second_operator_required")
    assert (await post(market, second, f"/filings/{filing['id']}/agree", NOTE))["state"] == "registered"
    seen = await get(market, provider, f"/assets/{asset['id']}")
    assert (seen["state"], seen["reason_code"], seen["objected"]) == ("withdrawn", "registration_revoked", False)
    assert (await get(market, None, f"/certificates/{asset['certificate_id']}"))["state"] == "revoked"
    assert (await market.acts())[-3:] == ["certificate_issued", "filing_registered", "asset_withdrawn"]


async def test_a_revocation_that_nobody_confirms_leaves_the_entry_as_it_was(market: Market):
    provider, operator = await market.provider(), market.bench.staff("operator_business")
    for end in ("lapses", "refused"):
        asset = await market.registered(provider)
        filing = await filed(market, operator, asset, "revocation", NO)
        assert await state_seen_by_neighbours(market, asset) == "objected"
        assert await refused(market, operator, f"/assets/{asset['id']}/filings/revocation", NO) == (409, "filing_open")
        if end == "refused":
            await post(market, market.bench.staff("operator_business"), f"/filings/{filing['id']}/refuse", NO)
        else:
            await pass_days(market, 15)
        assert await state_seen_by_neighbours(market, asset) == "registered"
