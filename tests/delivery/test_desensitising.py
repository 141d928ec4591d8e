"""Plans and effect reports over HTTP: who may declare, who may see, and what then is delivered."""

import asyncio
import csv
import io
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Table, delete, update
from sqlalchemy.exc import DBAPIError

from services.catalog.client import VersionView
from services.delivery.schemas.desensitisation import EffectReportView
from services.delivery.tables.desensitisation import desensitisation_plans, effect_reports
from shared import canonical
from shared.grades import C3, C4, G3, G4, G5, Flag, Grade, Mode
from shared.ids import EntitlementId, VersionId
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.made_files import PLACES, csv_of, persons
from tests.support.bench import Person
from tests.support.migrated import by_administrator

PHONE_PSEUDONYM = {"masks": [{"field": "手机号", "mask": "pseudonym"}]}


def path(version_id: VersionId, what: str = "desensitisation-plan") -> str:
    return f"/delivery/v1/versions/{version_id}/{what}"


async def sold(
    desk: Desk, content: bytes, grade: Grade, *flags: Flag
) -> tuple[Person, Person, VersionId, EntitlementId]:
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=C4)
    version_id = await desk.stocked(provider, content, grade, *flags)
    entitlement_id = await desk.grant(buyer, version_id, Mode.DESENSITISED)
    assert await desk.depot.watch.heard_of(entitlement_id, buyer.participant_id)
    return provider, buyer, version_id, entitlement_id


def cells(text: str, column: str) -> list[str]:
    return [row[column] for row in csv.DictReader(io.StringIO(text))]


def crowd(count: int = 60) -> bytes:
    """People in groups large enough for the strictest grade, each with a phone."""
    rows = [[f"138{n:08}", "女" if n % 2 else "男", "1987-06-05", f"note {n}"] for n in range(count)]
    return csv_of(["手机号", "性别", "出生日期", "备注"], rows)


async def test_a_declared_plan_is_a_revision_and_a_fact_and_the_same_again_is_neither(desk: Desk):
    provider, _, version_id, _ = await sold(desk, persons(), G3, Flag.PERSONAL)
    first = await desk.bench.post(provider, path(version_id), PHONE_PSEUDONYM, "plan-key-1")
    twin = await desk.bench.post(provider, path(version_id), PHONE_PSEUDONYM, "plan-key-1")
    again = await desk.bench.post(provider, path(version_id), PHONE_PSEUDONYM)
    other = await desk.bench.post(provider, path(version_id), {"masks": [{"field": "手机号", "mask": "drop"}]})
    assert [one.status_code for one in (first, twin, again, other)] == [201] * 4
    assert [one.json()["revision"] for one in (first, twin, again, other)] == [1, 1, 1, 2]
    assert first.headers["Location"] == path(version_id) and first.json() == twin.json() == again.json()
    told = {one["field"]: one for one in first.json()["fields"]}
    assert told["手机号"]["mask"] == "pseudonym" and told["手机号"]["minimum"] == "keep_ends"
    facts = await desk.facts("desensitisation_plan_declared")
    assert [fact["revision"] for fact in facts] == [1, 2] and facts[0]["plan_digest"] != facts[1]["plan_digest"]


async def test_new_deliveries_use_the_newest_plan(desk: Desk):
    provider, buyer, version_id, entitlement_id = await sold(desk, persons(), G3, Flag.PERSONAL)
    before = await desk.fetch(buyer, entitlement_id)
    await desk.bench.post(provider, path(version_id), PHONE_PSEUDONYM)
    after, again = await desk.fetch(buyer, entitlement_id), await desk.fetch(buyer, entitlement_id)
    assert before.text.count("****") > 400 and after.content == again.content != before.content
    pseudonyms, phones = cells(after.text, "手机号"), cells(persons().decode(), "手机号")
    assert len(set(pseudonyms)) == len(set(phones)) and all(len(one) == 32 for one in pseudonyms)
    assert len(await desk.facts("rendition_made")) == 2


@ONE_DATABASE
async def test_the_same_values_have_other_pseudonyms_in_another_version(desk: Desk):
    shown: list[set[str]] = []
    for _ in range(2):
        provider, buyer, version_id, entitlement_id = await sold(desk, crowd(), G3, Flag.PERSONAL)
        await desk.bench.post(provider, path(version_id), PHONE_PSEUDONYM)
        shown.append(set(cells((await desk.fetch(buyer, entitlement_id)).text, "手机号")))
        sample = (await desk.bench.get(buyer, path(version_id, "sample"))).json()
        shown.append({row[0] for row in sample["rows"]})
    one, one_sampled, other, other_sampled = shown
    assert len(one) == len(other) == 60 and len(one_sampled) == len(other_sampled) == 20
    assert len(one | one_sampled | other | other_sampled) == 160


@ONE_DATABASE
async def test_a_plan_weaker_than_the_platforms_is_refused_with_the_minimum(desk: Desk):
    provider, _, version_id, _ = await sold(desk, persons(), G3, Flag.PERSONAL)
    answer = await desk.bench.post(provider, path(version_id), {"masks": [{"field": "姓名", "mask": "keep"}]})
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "mask_too_weak")
    assert (body["field"], body["mask"], body["minimum"]) == ("姓名", "keep", "keep_initial")
    assert (await desk.bench.get(provider, path(version_id))).json()["revision"] == 0
    assert not await desk.facts("desensitisation_plan_declared")


@ONE_DATABASE
@pytest.mark.parametrize("body, status, code", [
    ({"masks": [{"field": "电话", "mask": "hide"}]},                                     409, "unknown_field"),
    ({"masks": [{"field": "姓名", "mask": "blur"}]},                                     422, "malformed"),
    ({"masks": [{"field": "姓名", "mask": "hide"}, {"field": "姓名", "mask": "drop"}]},  422, "named_twice"),
    ({"masks": [{"field": name, "mask": "drop"} for name in ("姓名", "身份证号", "手机号", "地址")]},
     409, "nothing_left"),
])  # fmt: skip
async def test_what_is_no_plan_is_refused(desk: Desk, body: dict[str, Any], status: int, code: str):
    provider, _, version_id, _ = await sold(desk, persons(), G3, Flag.PERSONAL)
    answer = await desk.bench.post(provider, path(version_id), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@ONE_DATABASE
async def test_who_sees_plan_and_report_and_for_whom_there_is_no_version(desk: Desk):
    provider, buyer, version_id, _ = await sold(desk, persons(), G3, Flag.PERSONAL)
    stranger, rival = await desk.bench.member("buyer"), await desk.bench.member("provider")
    staff = [desk.bench.staff(role) for role in ("operator_business", "regulator")]
    for what in ("desensitisation-plan", "effect-report"):
        for who, status in (
            (provider, 200),
            (buyer, 200),
            (staff[0], 200),
            (staff[1], 200),
            (stranger, 404),
            (rival, 404),
        ):
            assert (await desk.bench.get(who, path(version_id, what))).status_code == status, (what, who)
        hidden, absent = [(await desk.bench.get(stranger, path(one, what))).json() | {"request_id": ""}
                          for one in (version_id, VersionId.new())]  # fmt: skip
        assert hidden == absent
    refused = await desk.bench.post(rival, path(version_id), PHONE_PSEUDONYM)
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_version")
    _, _, stricter, _ = await sold(desk, crowd(), G4, Flag.PERSONAL)
    assert (await desk.bench.get(await desk.officer(stricter), path(stricter))).status_code == 200
    for office in ("operator_business", "operator_system", "operator_audit", "regulator"):
        assert (await desk.bench.get(desk.bench.staff(office), path(stricter))).status_code == 404, office


async def test_the_report_is_made_once_with_its_rendition_and_its_digest_stands_in_the_log(desk: Desk):
    provider, buyer, version_id, entitlement_id = await sold(desk, persons(), G3, Flag.PERSONAL)
    told = (await desk.bench.get(provider, path(version_id, "effect-report"))).json()
    await desk.fetch(buyer, entitlement_id)
    assert told == (await desk.bench.get(buyer, path(version_id, "effect-report"))).json()
    [made] = await desk.facts("rendition_made")
    assert made["report_digest"] == told["digest"] == canonical.digest(told["report"])
    report = told["report"]
    assert told["passes"] and report["after"]["smallest_group"] >= 5 and report["before"]["smallest_group"] == 1
    assert (
        report["quasi_identifiers"] == ["身份证号", "地址"] and report["generalised_rows"] + report["suppressed_rows"]
    )
    assert report["level"] in (2, 3) and report["before"]["unique_basis_points"] == 10_000
    promised = EffectReportView.model_json_schema(mode="serialization")["$defs"]
    absent = {"key_id", "diversity", "closeness_basis_points"} - report.keys() - report["after"].keys()
    assert set(promised["EffectReport"]["required"]) <= report.keys() and "key_id" in absent
    assert set(promised["Risk"]["required"]) <= report["after"].keys() and "diversity" in absent


@ONE_DATABASE
async def test_from_g4_on_nothing_is_delivered_before_a_report_on_the_present_plan_passes(desk: Desk):
    provider, buyer, version_id, entitlement_id = await sold(desk, crowd(), G4, Flag.PERSONAL)
    assert (await desk.fetch(buyer, entitlement_id)).json()["code"] == "effect_report_missing"
    assert (await desk.bench.get(provider, path(version_id, "effect-report"))).json()["passes"]
    answer = await desk.fetch(buyer, entitlement_id)
    assert answer.status_code == 200 and set(cells(answer.text, "手机号")) == {"***"}
    await desk.bench.post(provider, path(version_id), {"masks": [{"field": "备注", "mask": "drop"}]})
    assert (await desk.fetch(buyer, entitlement_id)).json()["code"] == "effect_report_missing"
    await desk.bench.get(buyer, path(version_id, "effect-report"))
    assert (await desk.fetch(buyer, entitlement_id)).text.splitlines()[0] == "手机号,性别,出生日期"


@ONE_DATABASE
async def test_a_plan_that_is_declared_while_content_is_prepared_ends_that_delivery(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    provider, buyer, version_id, entitlement_id = await sold(desk, crowd(), G4, Flag.PERSONAL)
    await desk.bench.get(provider, path(version_id, "effect-report"))
    asked, look = count(1), desk.shelf.version

    async def version(asked_for: VersionId) -> VersionView:
        if next(asked) == 2:
            await desk.bench.post(provider, path(version_id), {"masks": [{"field": "备注", "mask": "drop"}]})
        return await look(asked_for)

    monkeypatch.setattr(desk.shelf, "version", version)
    answer = await desk.fetch(buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "planned_meanwhile") and not desk.counter.used


@ONE_DATABASE
async def test_a_report_that_does_not_pass_opens_nothing(desk: Desk):
    provider, buyer, version_id, entitlement_id = await sold(desk, crowd(19), G4, Flag.PERSONAL)
    told = (await desk.bench.get(provider, path(version_id, "effect-report"))).json()
    assert not told["passes"] and told["report"]["after"]["smallest_group"] == 19
    assert (await desk.fetch(buyer, entitlement_id)).json()["code"] == "effect_report_missing"


@ONE_DATABASE
@pytest.mark.parametrize("grade, code", [(G5, "never_desensitised"), (None, "not_graded")])
async def test_without_a_grade_that_allows_it_there_is_no_report(desk: Desk, grade: Grade | None, code: str):
    provider, _, version_id, _ = await sold(desk, PLACES, G3)
    desk.shelf.change(version_id, grade=grade)
    answer = await desk.bench.get(provider, path(version_id, "effect-report"))
    assert (answer.status_code, answer.json()["code"]) == (409, code)


@ONE_DATABASE
async def test_the_platforms_key_reaches_no_file_and_no_answer(desk: Desk):
    provider, buyer, version_id, entitlement_id = await sold(desk, crowd(), G3, Flag.PERSONAL)
    plan = await desk.bench.post(provider, path(version_id), PHONE_PSEUDONYM)
    answer = await desk.fetch(buyer, entitlement_id)
    report = await desk.bench.get(provider, path(version_id, "effect-report"))
    key = desk.depot.pseudonym_key.decode()
    assert answer.is_success and report.json()["report"]["key_id"]
    assert not [text for text in (plan.text, answer.text, report.text, repr(desk.depot)) if key in text]


async def test_a_sample_is_shown_so_often_a_day(desk: Desk):
    provider, buyer, version_id, _ = await sold(desk, PLACES, G3)
    other = await desk.bench.member("buyer", clearance=C3)
    answers = [await desk.bench.get(buyer, path(version_id, "sample")) for _ in range(22)]
    assert [one.status_code for one in answers] == [200] * 20 + [429] * 2
    assert answers[-1].json()["code"] == "too_many_samples" and len(await desk.facts("sample_shown")) == 20
    waits = int(answers[-1].headers["Retry-After"])
    assert 0 < waits <= 86_400
    for who in (other, provider):
        assert (await desk.bench.get(who, path(version_id, "sample"))).json() == answers[0].json()
    desk.bench.clock.advance(seconds=waits)
    await desk.bench.refresh()
    assert (await desk.bench.get(buyer, path(version_id, "sample"))).status_code == 200


async def test_however_many_ask_at_once_no_more_samples_are_shown(desk: Desk):
    _, buyer, version_id, _ = await sold(desk, PLACES, G3)
    answers = await asyncio.gather(*(desk.bench.get(buyer, path(version_id, "sample")) for _ in range(30)))
    assert sorted(one.status_code for one in answers) == [200] * 20 + [429] * 10
    assert len(await desk.facts("sample_shown")) == 20


async def test_of_plans_declared_at_once_each_is_a_revision_or_told_to_look_again(desk: Desk):
    provider, _, version_id, _ = await sold(desk, persons(), G3, Flag.PERSONAL)
    bodies = [{"masks": [{"field": "手机号", "mask": mask}]} for mask in ("hide", "drop", "pseudonym", "keep_ends")]
    answers = await asyncio.gather(*(desk.bench.post(provider, path(version_id), body) for body in bodies))
    declared = sorted(one.json()["revision"] for one in answers if one.status_code == 201)
    assert declared == list(range(1, len(declared) + 1)) and declared
    assert {one.json()["code"] for one in answers if one.status_code != 201} <= {"plan_changed_meanwhile"}
    assert len(await desk.facts("desensitisation_plan_declared")) == len(declared)


@pytest.mark.parametrize("table", [desensitisation_plans, effect_reports], ids=lambda table: table.name)
async def test_plans_and_reports_are_never_changed(desk: Desk, table: Table):
    provider, _, version_id, _ = await sold(desk, crowd(), G3, Flag.PERSONAL)
    await desk.bench.post(provider, path(version_id), PHONE_PSEUDONYM)
    await desk.bench.get(provider, path(version_id, "effect-report"))
    for statement in (update(table).values(version_id=VersionId.new()), delete(table)):
        with pytest.raises(DBAPIError, match="append-only"):
            async with by_administrator(desk.depot.database) as tx:
                await tx.execute(statement)
