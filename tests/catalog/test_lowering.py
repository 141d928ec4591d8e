"""Lowering a grade: what is left when grounds are struck, who must agree, and what follows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog import jobs
from services.catalog.events.petition import PetitionSubmitted
from services.catalog.rules import petition as rules
from services.catalog.rules.evidence import Field
from services.catalog.rules.grading import Finding, Grounds, Impact, grade
from services.catalog.rules.lowering import NamedImpact, NothingToStrike, Strike, without
from services.catalog.rules.petition import (
    GRANTED,
    LAPSED,
    REFUSED,
    SUBMITTED,
    WITHDRAWN,
    Agreed,
    Petition,
    RiskAssessment,
)
from services.catalog.rules.records import Conclusion
from services.catalog.rules.registration import DeadlinePassed, SecondPersonRequired
from services.catalog.rules.rule_tables import Degree, Object
from shared.facts import EVENT_BYTES_MAX, Actor, event_line
from shared.grades import G1, G2, G3, G4, G5, G6, Flag, Grade
from shared.ids import FactId, PetitionId
from shared.kinds import Kind
from shared.lifecycle import IllegalMove
from tests.catalog.grounds import a_field as a_found
from tests.catalog.grounds import fields, grounds, numbers
from tests.catalog.made import NOON, a_registered
from tests.catalog.market import NOTHING_HARMED, PERSONS, Market, a_field, a_report, harm, refusal
from tests.support.bench import Person

HASH, DAY, TICK = "cd" * 32, timedelta(days=1), timedelta(microseconds=1)
STRIKE = Strike((NamedImpact(Object.ECONOMY, Degree.SERIOUS),), (), ())
SERIOUS = Impact(Object.ECONOMY, Degree.SERIOUS, "高估")
PERSON_FIELDS = (a_found("姓名", Kind.NAME), a_found("身份证号", Kind.RESIDENT_ID))
ID_FOUND = Finding("身份证号", Kind.RESIDENT_ID)


def a_petition() -> Petition:
    entry = a_registered(G4)
    return rules.submit(PetitionId.new(), entry.versions[0], entry.asset.provider_id, STRIKE, "高估", HASH, NOON)


@pytest.mark.parametrize("strike, expected", [
    (STRIKE,                                                    G3),  # what was found still demands it
    (Strike((), (ID_FOUND,), ()),                               G5),
    (replace(STRIKE, findings=(ID_FOUND,)),                     G2),
    (replace(STRIKE, findings=(ID_FOUND, Finding("姓名", Kind.NAME))), G1),
])  # fmt: skip
def test_a_grade_falls_only_as_far_as_what_was_not_named_lets_it(strike: Strike, expected: Grade):
    left = without(Grounds((SERIOUS,)), PERSON_FIELDS, strike)
    assert grade(left, PERSON_FIELDS).grade is expected


@pytest.mark.parametrize("strike, unknown", [
    (Strike((NamedImpact(Object.ECONOMY, Degree.EXTREME),), (), ()), "impacts"),
    (Strike((), (Finding("姓名", Kind.PHONE),), ()), "findings"),
    (Strike((), (Finding("别名", Kind.NAME),), ()), "findings"),
    (Strike((), (), (Flag.MINOR,)), "flags"),
])  # fmt: skip
def test_what_the_grade_does_not_rest_on_cannot_be_struck(strike: Strike, unknown: str):
    with pytest.raises(NothingToStrike) as refused:
        without(Grounds((SERIOUS,)), PERSON_FIELDS, strike)
    assert refused.value.facts[unknown]


def test_a_finding_is_struck_once():
    left = without(Grounds(), PERSON_FIELDS, Strike((), (ID_FOUND,), ()))
    with pytest.raises(NothingToStrike):
        without(left, PERSON_FIELDS, Strike((), (ID_FOUND,), ()))


@given(grounds, fields, numbers, st.data())
def test_what_is_found_and_not_contested_keeps_its_floor(
    said: Grounds, found: list[Field], rows: int, data: st.DataObject
):
    named = {NamedImpact(impact.object, impact.degree) for impact in (*said.declared, *said.added)}
    struck = tuple(data.draw(st.frozensets(st.sampled_from(sorted(named)))) if named else ())
    left = without(said, found, Strike(struck, (), tuple(sorted(said.flags))))
    floor = grade(Grounds(struck=said.struck), found, rows).grade
    assert floor <= grade(left, found, rows).grade <= grade(said, found, rows).grade


@pytest.mark.parametrize("present, persons", [(G2, 1), (G3, 1), (G4, 2), (G5, 2), (G6, 2)])
def test_how_many_must_agree_to_lower_a_grade(present: Grade, persons: int):
    petition = rules.agree(a_petition(), "user_a", present, 1, NOON)
    if persons == 2:
        assert (petition.state, petition.first) == (SUBMITTED, Agreed("user_a", 1))
        with pytest.raises(SecondPersonRequired):
            rules.agree(petition, "user_a", present, 1, NOON)
        petition = rules.agree(petition, "user_b", present, 1, NOON)
    assert (petition.state, petition.operators, petition.deadline) == (
        GRANTED, ("user_a", "user_b")[:persons], None,
    )  # fmt: skip


def test_a_first_yes_does_not_count_for_another_grading():
    first = rules.agree(a_petition(), "user_a", G4, 1, NOON)
    again = rules.agree(first, "user_b", G5, 2, NOON)
    assert (again.state, again.first) == (SUBMITTED, Agreed("user_b", 2))
    assert rules.agree(again, "user_a", G5, 2, NOON).operators == ("user_b", "user_a")


def test_a_petition_waits_15_days_for_an_operator_and_then_lapses():
    petition = a_petition()
    due = NOON + 15 * DAY
    assert (petition.next_actor, petition.deadline) == ("operator_business", due)
    assert rules.refuse(petition, "not_proven", due - TICK).state is REFUSED
    for act in (
        lambda: rules.agree(petition, "user_a", G3, 1, due), lambda: rules.refuse(petition, "no", due),
        lambda: rules.withdraw(petition, due),
    ):  # fmt: skip
        with pytest.raises(DeadlinePassed):
            act()
    lapsed = rules.pass_deadline(petition)
    assert (lapsed.state, lapsed.reason_code, lapsed.deadline) == (LAPSED, "review_overdue", None)


@pytest.mark.parametrize("ended", [
    rules.refuse(a_petition(), "not_proven", NOON), rules.withdraw(a_petition(), NOON),
    rules.pass_deadline(a_petition()), rules.agree(a_petition(), "user_a", G3, 1, NOON),
])  # fmt: skip
def test_what_is_decided_is_not_decided_again(ended: Petition):
    assert ended.state in {REFUSED, WITHDRAWN, LAPSED, GRANTED} and ended.next_actor is None
    with pytest.raises(IllegalMove):
        rules.agree(ended, "user_b", G3, 1, NOON)
    with pytest.raises(IllegalMove):
        rules.withdraw(ended, NOON)


def strike(**named: Any) -> dict[str, Any]:
    return {"rationale": "检测误判，附抽样复核记录", "evidence_hash": HASH} | named


async def petitioned(market: Market, provider: Person, version_id: str, **named: Any) -> dict[str, Any]:
    path = f"/catalog/v1/versions/{version_id}/lowerings"
    return market.done(await market.bench.post(provider, path, strike(**named)), 201)


async def agreed(market: Market, petition: dict[str, Any], operator: Person | None = None) -> dict[str, Any]:
    operator = operator or market.bench.staff("operator_business")
    path = f"/catalog/v1/petitions/{petition['id']}/agree"
    return market.done(await market.bench.post(operator, path, {"note": "已复核"}))


ECONOMY = [{"object": "economy", "degree": "ordinary"}]


async def test_two_operators_lower_a_g4_and_stand_in_the_fact_with_the_evidence(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, impacts=[*harm("economy", "ordinary"), *harm("organisation", "ordinary")])
    version_id = asset["versions"][0]["id"]
    petition = await petitioned(market, provider, version_id, impacts=ECONOMY)
    assert (petition["state"], petition["next_actor"], petition["kind"]) == (
        "submitted", "operator_business", "lowering",
    )  # fmt: skip
    one, other = [await market.officer(asset["id"], "G4") for _ in range(2)]
    first = await agreed(market, petition, one)
    assert (first["state"], first["first_operator"]) == ("submitted", one.subject)
    again = await bench.post(one, f"/catalog/v1/petitions/{petition['id']}/agree", {"note": "再次"})
    assert refusal(again) == (409, "second_person_required")
    granted = await agreed(market, petition, other)
    assert (granted["state"], granted["operators"]) == ("granted", [one.subject, other.subject])
    lowered = (await market.facts())[-1]
    assert lowered.act == "catalog.grade_lowered"
    told = {name: lowered.data[name] for name in ("grade", "grade_revision", "operators", "evidence_hash")}
    assert told == {
        "grade": "G2", "grade_revision": 2, "operators": [one.subject, other.subject], "evidence_hash": HASH,
    }  # fmt: skip
    entry = market.done(await bench.get(None, f"/catalog/v1/assets/{asset['id']}"))
    assert (entry["grade"], entry["versions"][0]["grade_state"]) == ("G2", "confirmed")
    reasons = market.done(await bench.get(provider, f"/catalog/v1/versions/{version_id}/grade"))["reasons"]
    assert [reason["object"] for reason in reasons] == ["organisation"]


async def test_a_contested_finding_stays_struck_for_this_version_and_no_other(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, *PERSONS)
    version_id = asset["versions"][0]["id"]
    petition = await petitioned(market, provider, version_id, findings=[{"field": "身份证号", "kind": "resident_id"}])
    assert (await agreed(market, petition))["state"] == "granted"

    async def graded(version: str) -> tuple[str, list[str]]:
        seen = market.done(await bench.get(provider, f"/catalog/v1/versions/{version}/grade"))
        return seen["grade"], seen["flags"]

    assert await graded(version_id) == ("G2", ["personal"])
    raiser = bench.staff("regulator")
    new = {"impacts": harm("individual", "serious"), "reason": "投诉"}
    market.done(await bench.post(raiser, f"/catalog/v1/versions/{version_id}/raise-grade", new))
    assert await graded(version_id) == ("G3", ["personal"])
    renewed = market.done(await bench.post(provider, f"/catalog/v1/assets/{asset['id']}/versions"), 200 + 1)
    later = renewed["versions"][-1]["id"]
    await market.inspected(later, *PERSONS)
    await market.graded(provider, later)
    assert await graded(later) == ("G3", ["personal", "sensitive_personal"])


async def test_what_would_lower_nothing_is_not_taken(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, *PERSONS, impacts=[*NOTHING_HARMED, *harm("organisation", "ordinary")])
    version_id = asset["versions"][0]["id"]
    path = f"/catalog/v1/versions/{version_id}/lowerings"
    same = [{"object": "organisation", "degree": "ordinary"}]
    assert refusal(await bench.post(provider, path, strike(impacts=same))) == (409, "grade_not_lowered")
    assert refusal(await bench.post(provider, path, strike(impacts=ECONOMY))) == (409, "nothing_to_strike")
    assert refusal(await bench.post(provider, path, strike())) == (422, "malformed")
    stranger = await market.provider()
    assert refusal(await bench.post(stranger, path, strike(impacts=same))) == (404, "no_such_version")
    fresh = (await market.drafted(provider))["versions"][0]["id"]
    ungraded = await bench.post(provider, f"/catalog/v1/versions/{fresh}/lowerings", strike(impacts=same))
    assert refusal(ungraded) == (409, "version_not_graded")


async def test_a_petition_is_refused_taken_back_or_lapses_and_the_grade_stands(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, impacts=harm("economy", "ordinary"))
    version_id = asset["versions"][0]["id"]
    refused = await petitioned(market, provider, version_id, impacts=ECONOMY)
    second = await bench.post(provider, f"/catalog/v1/versions/{version_id}/lowerings", strike(impacts=ECONOMY))
    assert refusal(second) == (409, "petition_pending")
    no = {"reason_code": "not_proven", "reason": "材料不足以证明"}
    operator, path = await market.officer(asset["id"], "G4"), f"/catalog/v1/petitions/{refused['id']}"
    assert market.done(await bench.post(operator, f"{path}/refuse", no))["reason_code"] == "not_proven"
    withdrawn = await petitioned(market, provider, version_id, impacts=ECONOMY)
    stranger = await market.provider()
    mine = f"/catalog/v1/petitions/{withdrawn['id']}/withdraw"
    assert refusal(await bench.post(stranger, mine)) == (404, "no_such_petition")
    assert market.done(await bench.post(provider, mine))["reason_code"] == "withdrawn_by_provider"
    await petitioned(market, provider, version_id, impacts=ECONOMY)
    bench.clock.advance(days=15)
    await bench.refresh()
    await jobs.tick(market.catalog)
    seen = market.done(await bench.get(provider, f"/catalog/v1/petitions?version_id={version_id}"))["items"]
    assert [one["state"] for one in seen] == ["lapsed", "withdrawn", "refused"]
    of_state = await bench.get(provider, "/catalog/v1/petitions?state=refused")
    assert [one["id"] for one in market.done(of_state)["items"]] == [refused["id"]]
    grade = market.done(await bench.get(provider, f"/catalog/v1/versions/{version_id}/grade"))
    assert (grade["grade"], grade["grade_revision"]) == ("G4", 1)
    assert (await market.acts())[-5:] == [
        "petition_refused", "petition_submitted", "petition_withdrawn", "petition_submitted", "petition_lapsed",
    ]  # fmt: skip


async def test_nobody_of_the_providers_organisation_grants_its_petition(market: Market):
    provider = await market.provider()
    asset = await market.registered(provider, impacts=harm("individual", "serious"))
    petition = await petitioned(
        market, provider, asset["versions"][0]["id"], impacts=[{"object": "individual", "degree": "serious"}]
    )
    insider = replace(provider, subject="user_" + "1" * 32, roles=frozenset({"operator_business"}))
    path = f"/catalog/v1/petitions/{petition['id']}"
    for act, body in (("agree", {"note": "好"}), ("refuse", {"reason_code": "no", "reason": "不"})):
        assert refusal(await market.bench.post(insider, f"{path}/{act}", body)) == (403, "reviews_own_asset")
    assert refusal(await market.bench.post(provider, f"{path}/agree", {"note": "好"})) == (403, "not_your_role")


async def test_for_a_withdrawn_asset_nothing_is_granted(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, impacts=harm("individual", "serious"))
    version_id = asset["versions"][0]["id"]
    serious = [{"object": "individual", "degree": "serious"}]
    petition = await petitioned(market, provider, version_id, impacts=serious)
    market.done(await bench.post(provider, f"/catalog/v1/assets/{asset['id']}/withdraw"))
    path = f"/catalog/v1/petitions/{petition['id']}/agree"
    yes = await bench.post(bench.staff("operator_business"), path, {"note": "好"})
    assert refusal(yes) == (409, "illegal_move")


async def test_a_petition_answers_the_same_when_it_is_sent_twice(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, *PERSONS)
    version_id = asset["versions"][0]["id"]
    body = strike(findings=[{"field": "姓名", "kind": "name"}])
    path = f"/catalog/v1/versions/{version_id}/lowerings"
    answers = [await bench.post(provider, path, body, key="the-same-key") for _ in range(2)]
    assert answers[0].json() == answers[1].json() and answers[0].json()["strike"]["findings"]
    yes = f"/catalog/v1/petitions/{answers[0].json()['id']}/agree"
    operator = bench.staff("operator_business")
    granted = [await bench.post(operator, yes, {"note": "好"}, key="the-same-key") for _ in range(2)]
    assert granted[0].json() == granted[1].json() and granted[0].json()["state"] == "granted"
    assert (await market.acts()).count("grade_lowered") == 1


async def test_a_proposal_made_anew_does_not_bring_back_what_was_struck(market: Market):
    provider = await market.provider()
    version_id = (await market.drafted(provider))["versions"][0]["id"]
    market.done(await market.report(version_id, a_report(a_field("备注", "health"))))
    assert (await market.graded(provider, version_id))["grade"] == "G3"
    petition = await petitioned(market, provider, version_id, findings=[{"field": "备注", "kind": "health"}])
    await agreed(market, petition)
    assert (await market.graded(provider, version_id))["grade"] == "G1"


def test_the_largest_petitions_fit_into_a_fact():
    worst = "\x01"  # six bytes in the log
    findings = tuple(Finding(f"{number:04}" + worst * 996, Kind.NAME) for number in range(200))
    everything = tuple(NamedImpact(thing, degree) for thing in Object for degree in Degree)
    answer = worst * 300
    points = RiskAssessment(answer, answer, answer, answer, answer, answer, Conclusion.PASSED, worst * 100)
    for asked in (Strike(everything, findings, tuple(Flag)), points):
        told = PetitionSubmitted.of(replace(a_petition(), asked=asked, rationale=worst * 300))
        line = event_line(
            told, service="catalog", fact_id=FactId.new(), actor=Actor("user", "user_a"), at=NOON, request_id=None
        )
        assert len(line) <= EVENT_BYTES_MAX
    strike = PetitionSubmitted.of(replace(a_petition(), asked=Strike((), findings, ()))).strike
    assert strike and strike.findings_count == 200 and 0 < len(strike.findings) < 200
