"""What of G4 and above shows to nobody by office alone: who is named, who has a case, and what waits for either."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.audit.events.log import CaseApproved, CaseClosed, CaseOpened
from services.audit.rules import case as cases
from services.audit.rules.case import Form, Outcome, Scope
from shared.errors import Unavailable
from shared.facts import Actor
from shared.grades import G3, G4, G5, Grade
from shared.ids import AssetId, CaseId, ParticipantId
from tests.catalog.market import PERSONS, Market, harm, refusal
from tests.catalog.test_important_data import FILING, SERIOUS, assessed
from tests.support.bench import Bench, Person

G4_HARM = harm("economy", "ordinary")
NO = {"reason_code": "not_proven", "reason": "材料不足"}


async def a_secret(market: Market, provider: Person) -> dict[str, Any]:
    """Registered, of G4, with a record, a petition and a duty to grade again."""
    asset = await market.registered(provider, *PERSONS, impacts=G4_HARM)
    version_id = asset["versions"][0]["id"]
    lowering = {
        "impacts": [{"object": "economy", "degree": "ordinary"}],
        "rationale": "高估",
        "evidence_hash": "ab" * 32,
    }
    path = f"/catalog/v1/versions/{version_id}"
    petition = market.done(await market.bench.post(provider, f"{path}/lowerings", lowering), 201)
    changed = {"trigger": "fusion", "note": "新增字段"}
    regrading = await market.bench.post(provider, f"{path}/regradings", changed)
    records = market.done(await market.bench.get(provider, "/catalog/v1/records"))["items"]
    filings = market.done(await market.bench.get(provider, f"/catalog/v1/filings?asset_id={asset['id']}"))["items"]
    return {
        "asset": asset["id"], "version": version_id, "petition": petition["id"], "record": records[0]["id"],
        "regrading": market.done(regrading, 201)["id"], "filing": filings[0]["id"],
    }  # fmt: skip


def lists(of: dict[str, Any]) -> tuple[str, ...]:
    """Each list of the catalogue that an officer of the business reads, and that names the entry."""
    return (
        "/assets?q=Airports", "/records", "/petitions", "/regradings", f"/filings?asset_id={of['asset']}",
    )  # fmt: skip


def things(of: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"/assets/{of['asset']}", f"/assets/{of['asset']}/objections", f"/versions/{of['version']}/grade",
        f"/versions/{of['version']}/lineage", f"/versions/{of['version']}/licence-terms",
        f"/versions/{of['version']}/quality-report", f"/records/{of['record']}", f"/petitions/{of['petition']}",
        f"/regradings/{of['regrading']}", f"/filings/{of['filing']}",
    )  # fmt: skip


async def assert_seen(market: Market, person: Person, of: dict[str, Any], seen: bool) -> None:
    """Each thing is there or the same 404 as what was never there; each list and count has it or not."""
    for path in things(of):
        answer = await market.bench.get(person, f"/catalog/v1{path}")
        assert answer.status_code == (200 if seen else 404), path
        if not seen:
            kind = path.rsplit("/", 2)[-1] if path.count("/") == 2 else path.split("/")[2]
            absent = path.replace(kind, kind[:-4] + "ffff")
            never = await market.bench.get(person, f"/catalog/v1{absent}")
            told, other = answer.json(), never.json()
            assert {**told, "request_id": 0} == {**other, "request_id": 0}, path
    for path in lists(of):
        told = market.done(await market.bench.get(person, f"/catalog/v1{path}"))
        assert bool(told["items"]) == seen, path
        assert told.get("total", int(seen)) == seen
    found = market.done(await market.bench.get(person, "/catalog/v1/suggestions?q=Airp"))
    assert bool(found["items"]) == seen


async def test_an_entry_of_g4_is_there_for_who_is_named_until_that_ends(market: Market):
    bench = market.bench
    of = await a_secret(market, await market.provider())
    officer, other = bench.staff("operator_business"), bench.staff("operator_business")
    await assert_seen(market, officer, of, seen=False)
    await bench.assigned(of["asset"], G4, officer)
    await assert_seen(market, officer, of, seen=True)
    await assert_seen(market, other, of, seen=False)
    bench.clock.advance(days=90)
    await bench.refresh()
    await assert_seen(market, officer, of, seen=False)


async def test_nobody_decides_on_what_does_not_show_to_them(market: Market):
    bench, of = market.bench, await a_secret(market, await market.provider())
    acts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/petitions/{petition}/agree", {"note": "同意"}), ("/petitions/{petition}/refuse", NO),
        ("/regradings/{regrading}/confirm", {"reason": "不变"}),
        ("/versions/{version}/raise-grade", {"impacts": G4_HARM, "reason": "复核"}),
        ("/assets/{asset}/filings/revocation", NO),
    )  # fmt: skip
    unnamed, before = bench.staff("operator_business"), await market.facts()
    for act, body in acts:
        assert (await bench.post(unnamed, f"/catalog/v1{act.format(**of)}", body)).status_code == 404, act
    assert await market.facts() == before
    named = await market.officer(of["asset"], "G4")
    for act, body in acts:
        assert (await bench.post(named, f"/catalog/v1{act.format(**of)}", body)).status_code != 404, act


async def test_what_nobody_is_named_for_is_listed_by_its_id_and_grade_to_who_may_name_somebody(market: Market):
    bench, provider, path = market.bench, await market.provider(), "/catalog/v1/unassigned"
    await market.submitted(provider)
    waiting = await market.submitted(provider, impacts=G4_HARM)
    keeper = bench.staff("operator_security")
    told = market.done(await bench.get(keeper, path))["items"]
    assert told == [{
        "asset_id": waiting["id"], "grade": "G4", "next_actor": "operator_business", "deadline": waiting["deadline"],
    }]  # fmt: skip
    assert refusal(await bench.get(keeper, f"/catalog/v1/assets/{waiting['id']}")) == (404, "no_such_asset")
    for office in ("operator_business", "operator_system", "operator_audit", "regulator"):
        assert refusal(await bench.get(bench.staff(office), path)) == (403, "not_your_role")
    await bench.assigned(waiting["id"])
    assert market.done(await bench.get(keeper, path))["items"] == []
    bench.clock.advance(days=90)
    await bench.refresh()
    assert len(market.done(await bench.get(keeper, path))["items"]) == 1


async def test_an_assignment_up_to_g4_does_not_reach_important_data(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.drafted(provider)
    version_id = asset["versions"][0]["id"]
    await market.inspected(version_id)
    await market.graded(provider, version_id, SERIOUS)
    await market.declared(provider, asset["id"])
    await assessed(market, provider, version_id)
    market.done(await bench.post(provider, f"/catalog/v1/versions/{version_id}/authority-filings", FILING), 201)
    path = f"/catalog/v1/assets/{asset['id']}"
    market.done(await bench.post(provider, f"{path}/submit"))
    business, security = bench.staff("operator_business"), bench.staff("operator_security")
    await bench.assigned(asset["id"], G4, business)
    assert refusal(await bench.get(business, path)) == (404, "no_such_asset")
    await bench.assigned(asset["id"], G5, business, security)
    for named in (business, security):
        assert market.done(await bench.get(named, path))["title"] == asset["title"]
    assert refusal(await bench.get(bench.staff("operator_security"), path)) == (404, "no_such_asset")


def a_scope(bench: Bench, asset_id: str, highest: Grade, **changes: Any) -> Scope:
    now = bench.clock.now()
    named: dict[str, Any] = {"participants": frozenset[ParticipantId](), "assets": frozenset({AssetId(asset_id)})}
    return Scope(**(named | changes), contracts=frozenset(), since=now, until=now + timedelta(days=1), highest=highest)


def opened(bench: Bench, by: Person, scope: Scope, ends_at: datetime | None = None, *officers: Person) -> CaseId:
    form = Form(
        "专项检查", "数据安全法", scope, ends_at or bench.clock.now() + timedelta(days=10),
        frozenset(each.subject for each in officers),
    )  # fmt: skip
    case = cases.open_case(CaseId.new(), by.subject, form, bench.clock.now())
    bench.log.announce(bench.clock, CaseOpened.of(case), actor=Actor("user", by.subject))
    return case.id


async def test_a_regulator_sees_an_entry_of_g4_by_an_open_case_that_reaches_it(market: Market):
    bench, provider = market.bench, await market.provider()
    of = await a_secret(market, provider)
    regulator, colleague, stranger = [bench.staff("regulator") for _ in range(3)]
    nowhere = a_scope(bench, AssetId.new(), G5)
    too_low = a_scope(bench, of["asset"], G3)
    for scope in (nowhere, too_low):
        opened(bench, regulator, scope)
    await bench.refresh()
    await assert_seen(market, regulator, of, seen=False)
    case_id = opened(bench, regulator, a_scope(bench, of["asset"], G4), None, colleague)
    await bench.refresh()
    for person, seen in ((regulator, True), (colleague, True), (stranger, False)):
        await assert_seen(market, person, of, seen=seen)
    bench.log.announce(bench.clock, CaseClosed(case_id, 2, Outcome.NO_VIOLATION, "未发现"))
    await bench.refresh()
    await assert_seen(market, regulator, of, seen=False)


@pytest.mark.parametrize("reach", ["asset", "provider", "whole log"])
async def test_a_case_of_two_reaches_from_the_second_yes_to_its_end(market: Market, reach: str):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, impacts=G4_HARM)
    assert provider.participant_id
    changes: dict[str, dict[str, Any]] = {
        "asset": {}, "provider": {"assets": frozenset(), "participants": frozenset({provider.participant_id})},
        "whole log": {"assets": frozenset(), "is_whole_log": True},
    }  # fmt: skip
    first, second, path = bench.staff("regulator"), bench.staff("regulator"), f"/catalog/v1/assets/{asset['id']}"
    case_id = opened(bench, first, a_scope(bench, asset["id"], G5, **changes[reach]))
    await bench.refresh()
    assert (await bench.get(first, path)).status_code == 404
    bench.log.announce(bench.clock, CaseApproved(case_id, 2, "同意"), actor=Actor("user", second.subject))
    await bench.refresh()
    assert [(await bench.get(person, path)).status_code for person in (first, second)] == [200, 200]
    bench.clock.advance(days=10)
    await bench.refresh()
    assert [(await bench.get(person, path)).status_code for person in (first, second)] == [404, 404]


async def test_while_the_log_tells_nothing_of_its_cases_they_show_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    bench = market.bench
    asset = await market.registered(await market.provider(), impacts=G4_HARM)
    regulator, path = bench.staff("regulator"), f"/catalog/v1/assets/{asset['id']}"
    opened(bench, regulator, a_scope(bench, asset["id"], G4))
    await bench.refresh()

    async def away(*_: object) -> None:
        raise Unavailable(service="audit")

    monkeypatch.setattr(bench.log, "after", away)
    bench.clock.advance(seconds=30)
    await bench.refresh()
    assert (await bench.get(regulator, path)).status_code == 200
    bench.clock.advance(seconds=1)
    await bench.refresh()
    assert (await bench.get(regulator, path)).status_code == 404
