"""A registered version is graded again: when something changed, and once a year."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.catalog import jobs
from services.catalog.rules import regrading as rules
from services.catalog.rules.grading import Grounds
from services.catalog.rules.registration import DeadlinePassed
from services.catalog.rules.regrading import ASSESSED, CLOSED, OPEN, OVERDUE, Regrading, Trigger, VersionNotRegistered
from shared.ids import ParticipantId, RegradingId
from shared.lifecycle import IllegalMove
from tests.catalog.made import NOON, a_draft, a_registered
from tests.catalog.market import NOTHING_HARMED, Market, harm, refusal
from tests.support.bench import Person

DAY = timedelta(days=1)


def a_duty() -> Regrading:
    version = a_registered().versions[0]
    return rules.start(RegradingId.new(), version, ParticipantId.new(), Trigger.VOLUME, "翻倍", "user_a", NOON)


def test_a_duty_waits_thirty_days_for_the_provider_and_then_for_an_operator_for_ever():
    duty = a_duty()
    assert (duty.state, duty.next_actor, duty.deadline) == (OPEN, "provider", NOON + 30 * DAY)
    now = NOON + 30 * DAY
    with pytest.raises(DeadlinePassed):
        rules.require_in_time(duty, now)
    for _ in range(3):
        duty = rules.pass_deadline(duty, registered=True, now=now)
        assert (duty.state, duty.next_actor, duty.reason_code) == (OVERDUE, "operator_business", "regrading_overdue")
        now += 15 * DAY
        assert duty.deadline == now
    closed = rules.close(duty, rules.UNCHANGED)
    assert (closed.state, closed.next_actor, closed.deadline) == (CLOSED, None, None)
    with pytest.raises(IllegalMove):
        rules.assess(closed, Grounds(), now)


def test_an_assessment_that_raises_nothing_waits_for_an_operator():
    assessed = rules.assess(a_duty(), Grounds(), NOON)
    assert (assessed.state, assessed.next_actor, assessed.deadline) == (
        ASSESSED, "operator_business", NOON + 15 * DAY,
    )  # fmt: skip
    late = rules.pass_deadline(assessed, registered=True, now=NOON + 15 * DAY)
    assert late.state is OVERDUE


def test_of_what_is_withdrawn_nothing_is_graded_again():
    closed = rules.pass_deadline(a_duty(), registered=False, now=NOON + 30 * DAY)
    assert (closed.state, closed.reason_code) == (CLOSED, "no_longer_registered")


def test_only_a_registered_version_is_graded_again():
    draft = a_draft().versions[0]
    with pytest.raises(VersionNotRegistered):
        rules.start(RegradingId.new(), draft, ParticipantId.new(), Trigger.LAW, "新规", None, NOON)


async def reported(market: Market, reporter: Person, version_id: str, trigger: str = "volume") -> dict[str, Any]:
    path = f"/catalog/v1/versions/{version_id}/regradings"
    return market.done(await market.bench.post(reporter, path, {"trigger": trigger, "note": "数据量翻倍"}), 201)


async def seen(market: Market, asset: dict[str, Any]) -> dict[str, Any]:
    """The version as anyone sees it."""
    return market.done(await market.bench.get(None, f"/catalog/v1/assets/{asset['id']}"))["versions"][0]


async def test_a_fresh_grade_that_is_higher_ends_every_duty(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    version_id = asset["versions"][0]["id"]
    for reporter, trigger in (
        (provider, "volume"), (bench.staff("operator_business"), "law"), (bench.staff("regulator"), "incident"),
    ):  # fmt: skip
        duty = await reported(market, reporter, version_id, trigger)
        assert (duty["state"], duty["next_actor"], duty["trigger"]) == ("open", "provider", trigger)
    bench.clock.advance(days=1)
    await bench.refresh()
    answer = {"impacts": harm("organisation", "ordinary"), "flags": []}
    done = market.done(await bench.post(provider, f"/catalog/v1/regradings/{duty['id']}/assess", answer))
    assert (done["state"], done["reason_code"], done["deadline"]) == ("closed", "regraded", None)
    assert (await market.acts())[-5:] == ["regrading_assessed", "grade_raised", *["regrading_closed"] * 3]
    left = market.done(await bench.get(provider, f"/catalog/v1/regradings?version_id={version_id}&state=open"))
    assert left["items"] == []
    version = await seen(market, asset)
    assert (version["grade"], version["regrade_by"]) == ("G2", _in_days(market, 365))


async def test_if_the_grade_stays_an_operator_confirms_it_with_a_reason(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    version_id = asset["versions"][0]["id"]
    duty = await reported(market, provider, version_id)
    path = f"/catalog/v1/regradings/{duty['id']}"
    same = {"impacts": NOTHING_HARMED, "flags": []}
    assessed = market.done(await bench.post(provider, f"{path}/assess", same))
    assert (assessed["state"], assessed["said"]) == ("assessed", {"declared": NOTHING_HARMED, "flags": []})
    insider = replace(provider, subject="user_" + "1" * 32, roles=frozenset({"operator_business"}))
    why = {"reason": "增量同分布，影响不变"}
    assert refusal(await bench.post(insider, f"{path}/confirm", why)) == (403, "reviews_own_asset")
    closed = market.done(await bench.post(bench.staff("operator_business"), f"{path}/confirm", why))
    assert (closed["state"], closed["reason_code"]) == ("closed", "confirmed_unchanged")
    fact = (await market.facts())[-1]
    assert (fact.act, fact.data["reason"]) == ("catalog.regrading_closed", why["reason"])
    assert refusal(await bench.post(provider, f"{path}/assess", same)) == (409, "illegal_move")
    assert (await seen(market, asset))["grade_revision"] == 1


async def test_a_raise_by_the_regulator_ends_the_duty_too(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    version_id = asset["versions"][0]["id"]
    duty = await reported(market, provider, version_id, "fusion")
    raised = {"impacts": harm("organisation", "ordinary"), "reason": "汇聚"}
    market.done(await bench.post(bench.staff("regulator"), f"/catalog/v1/versions/{version_id}/raise-grade", raised))
    assert market.done(await bench.get(provider, f"/catalog/v1/regradings/{duty['id']}"))["state"] == "closed"


async def test_after_a_year_a_version_is_due_and_a_late_one_is_marked_until_it_is_done(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    assert (await seen(market, asset))["regrade_by"] == _in_days(market, 365)
    await _pass(market, 365)
    page = market.done(await bench.get(provider, "/catalog/v1/regradings"))["items"]
    assert [(duty["trigger"], duty["state"]) for duty in page] == [("time", "open")]
    await _pass(market, 30)
    version = await seen(market, asset)
    assert (version["regrade_overdue"], version["regrade_by"]) == (True, None)
    await _pass(market, 15)
    acts = [act for act in await market.acts() if act.startswith("regrading")]
    assert acts == ["regrading_opened", "regrading_overdue", "regrading_overdue"]
    why = {"reason": "逐项复核，无变化"}
    path = f"/catalog/v1/regradings/{page[0]['id']}/confirm"
    market.done(await bench.post(bench.staff("operator_business"), path, why))
    version = await seen(market, asset)
    assert (version["regrade_overdue"], version["regrade_by"]) == (False, _in_days(market, 365))


async def test_of_a_withdrawn_asset_the_year_and_the_duty_end_quietly(market: Market):
    bench, provider = market.bench, await market.provider()
    asset, other = await market.registered(provider), await market.registered(provider)
    duty = await reported(market, provider, other["versions"][0]["id"])
    for each in (asset, other):
        market.done(await bench.post(provider, f"/catalog/v1/assets/{each['id']}/withdraw"))
    gone = f"/catalog/v1/versions/{asset['versions'][0]['id']}/regradings"
    assert refusal(await bench.post(provider, gone, {"trigger": "law", "note": "新规"})) == (409, "illegal_move")
    await _pass(market, 365)
    closed = market.done(await bench.get(provider, f"/catalog/v1/regradings/{duty['id']}"))
    assert (closed["state"], closed["reason_code"]) == ("closed", "no_longer_registered")
    assert (await market.acts()).count("regrading_opened") == 1


async def test_who_may_report_and_see_duties(market: Market):
    bench, provider, stranger = market.bench, await market.provider(), await market.provider()
    asset = await market.registered(provider)
    version_id = asset["versions"][0]["id"]
    duty = await reported(market, provider, version_id)
    path, body = f"/catalog/v1/versions/{version_id}/regradings", {"trigger": "volume", "note": "又一次"}
    assert refusal(await bench.post(provider, path, body)) == (409, "regrading_pending")
    assert refusal(await bench.post(stranger, path, body)) == (404, "no_such_version")
    assert refusal(await bench.post(await bench.member("buyer"), path, body)) == (403, "not_your_role")
    assert refusal(await bench.post(provider, path, body | {"trigger": "time"})) == (422, "malformed")
    hidden = await bench.get(stranger, f"/catalog/v1/regradings/{duty['id']}")
    assert refusal(hidden) == (404, "no_such_regrading")
    assert market.done(await bench.get(stranger, "/catalog/v1/regradings"))["items"] == []
    assert market.done(await bench.get(bench.staff("regulator"), "/catalog/v1/regradings"))["items"] == [duty]


def _in_days(market: Market, days: int) -> str:
    moment: datetime = market.bench.clock.now() + timedelta(days=days)
    return moment.isoformat().replace("+00:00", "Z")


async def _pass(market: Market, days: int) -> None:
    market.bench.clock.advance(days=days)
    await market.bench.refresh()
    await jobs.tick(market.catalog)
