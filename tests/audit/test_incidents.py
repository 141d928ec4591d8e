"""Incidents and vulnerabilities over HTTP: who enters, who reads, what the monitor opens, what time brings about."""

from typing import Any

import pytest
from httpx2 import Response

from services.audit import jobs
from services.audit.actions.monitor import Monitor
from shared.ids import IncidentId
from tests.audit.cases import later, post, told
from tests.audit.conftest import AuditBench
from tests.support.bench import Person

HASH = "ab" * 32


async def opened(log: AuditBench, who: Person | None = None, **more: Any) -> dict[str, Any]:
    body = {"kind": "data_leak", "summary": "接口被滥用", "discovered_at": later(log, minutes=-10)} | more
    answer = await post(log, "/incidents", body, who or keeper(log))
    assert answer.status_code == 201, answer.text
    return answer.json()


def keeper(log: AuditBench) -> Person:
    return log.bench.staff("operator_security")


async def tell(log: AuditBench, incident_id: str, report: str = "first", to: str = "authority") -> Response:
    body = {
        "report": report, "to": to, "recipient": "省网信办", "channel": "电话", "sent_at": later(log, minutes=-1),
        "content_hash": HASH, "proof_hash": HASH,
    }  # fmt: skip
    return await post(log, f"/incidents/{incident_id}/reports", body, keeper(log))


async def acts(log: AuditBench) -> list[str]:
    return [act for act, _ in await told(log) if act.startswith(("incident", "vulnerability", "alert"))]


async def test_from_what_a_member_saw_to_the_final_report(log: AuditBench):
    member = await log.bench.member("buyer")
    incident = await opened(log, member)
    assert (incident["severity"], incident["must_be_reported"]) == (None, True)
    assert incident["deadline"] == later(log, minutes=50)
    path = f"/incidents/{incident['id']}"
    signs = {"operator_type": "other", "signs": {"persons": 1_000_000}}
    graded = await post(log, f"{path}/grading", signs, keeper(log))
    assert (graded.json()["severity"], graded.json()["deadline"]) == ("larger", later(log, minutes=230))
    refused = await post(log, f"{path}/containment", None, keeper(log))
    assert (refused.status_code, refused.json()["code"]) == (409, "report_missing")
    for report, state in (("first", "reported"), (None, "contained"), ("final", "closed")):
        told_so = tell(log, incident["id"], report) if report else post(log, f"{path}/containment", None, keeper(log))
        answer = await told_so
        assert answer.json()["state"] == state, answer.text
    assert await acts(log) == [
        "incident_opened", "incident_graded", "incident_told", "incident_contained", "incident_told",
    ]  # fmt: skip
    facts = [data for act, data in await told(log) if act == "incident_told"]
    assert (facts[0]["told"]["proof_hash"], facts[-1]["state"]) == (HASH, "closed")
    assert (await log.get(path, member)).json()["state"] == "closed"


async def test_others_incidents_and_absent_ones_look_the_same(log: AuditBench):
    member, stranger = await log.bench.member("provider"), await log.bench.member("buyer")
    incident = await opened(log, member)
    answers = [await log.get(f"/incidents/{each}", stranger) for each in (incident["id"], IncidentId.new())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() | {"request_id": ""} == answers[1].json() | {"request_id": ""}
    listed = [
        len((await log.get("/incidents", who)).json()["items"])
        for who in (stranger, member, log.regulator, keeper(log))
    ]
    assert listed == [0, 1, 1, 1]


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_only_the_operator_for_security_keeps_the_register(log: AuditBench):
    incident = await opened(log)
    for role in ("regulator", "operator_business", "operator_audit", "operator_system", "arbiter"):
        person = log.bench.staff(role)
        for path, body in (("dismissal", {"reason_code": "none"}), ("containment", None), ("grading", {})):
            assert (await post(log, f"/incidents/{incident['id']}/{path}", body, person)).status_code == 403
        assert (await post(log, "/incidents", {}, person)).status_code == 403
    assert (await log.get("/incidents", None)).status_code == 401


async def test_a_term_that_passed_is_said_once_and_the_deadline_decides_not_the_job(log: AuditBench):
    incident = await opened(log)
    for minutes, overdue in ((49, 0), (1, 1), (1, 1), (59, 2)):
        log.bench.clock.advance(minutes=minutes)
        await jobs.tick(log.audit)
        await jobs.tick(log.audit)
        shown = (await log.get(f"/incidents/{incident['id']}", log.regulator)).json()
        assert shown["overdue"] == overdue, minutes
    assert (await acts(log)).count("incident_overdue") == 2


async def test_a_draft_is_there_within_the_hour_and_names_what_is_missing(log: AuditBench):
    incident = await opened(log)
    path = f"/incidents/{incident['id']}/report-draft"
    draft = (await log.get(path, keeper(log))).json()
    assert draft["due"] == incident["deadline"] and len(draft["parts"]) == 11
    assert "待补充" in draft["text"] and "数据泄露，研判中" in draft["text"]
    persons = (await log.get(path, keeper(log), params={"to": "persons"})).json()
    assert [part["article"] for part in persons["parts"]] == ["个人信息保护法第五十七条"] * 4
    assert (await log.get(path, keeper(log), params={"to": "press"})).status_code == 422


async def test_an_alert_of_the_monitor_opens_one_incident_in_its_own_commit(log: AuditBench):
    await log.source("trading").tell().send()
    await log.sign()
    monitor = Monitor(log.audit, log.audit.database)
    for _ in range(3):
        log.bench.clock.advance(hours=2)
        await monitor.tick()
    assert (await acts(log)).count("alert_raised") == 3 and (await acts(log)).count("incident_opened") == 1
    [incident] = (await log.get("/incidents", log.regulator)).json()["items"]
    assert (incident["source"], incident["kind"], incident["severity"]) == ("source_silent trading", "outage", None)
    await post(log, f"/incidents/{incident['id']}/dismissal", {"reason_code": "planned"}, keeper(log))
    log.bench.clock.advance(hours=2)
    await monitor.tick()
    assert (await acts(log)).count("incident_opened") == 2  # the first is over


async def test_a_source_that_contradicts_itself_opens_one_too(log: AuditBench):
    await log.source().tell(3).send()
    liar = log.source().tell(3)
    for _ in range(2):
        assert (await liar.send()).json()["code"] == "source_equivocates"
    assert await acts(log) == ["incident_opened", "alert_raised"]
    [incident] = (await log.get("/incidents", keeper(log))).json()["items"]
    assert (incident["kind"], incident["source"]) == ("tampering", "source_equivocates trading")


async def test_the_same_incident_is_not_entered_twice(log: AuditBench):
    body = {"kind": "outage", "summary": "不可用", "discovered_at": later(log, minutes=-1)}
    who = keeper(log)
    first, again = [await log.bench.post(who, "/audit/v1/incidents", body, "one-key-only") for _ in range(2)]
    assert first.json() == again.json() and first.headers["Location"] == f"/audit/v1/incidents/{first.json()['id']}"
    assert await acts(log) == ["incident_opened"]
    future = await post(log, "/incidents", body | {"discovered_at": later(log, minutes=1)}, who)
    assert (future.status_code, future.json()["code"]) == (422, "discovered_in_future")


async def test_a_vulnerability_from_its_finding_to_its_mending(log: AuditBench):
    member = await log.bench.member("provider")
    body = {"component": "网关", "summary": "解析缺陷", "found_at": later(log, hours=-1), "endangers_public": False}
    made = await post(log, "/vulnerabilities", body, member)
    path = f"/vulnerabilities/{made.json()['id']}"
    assert made.json()["deadline"] == later(log, hours=-1, days=90)
    worse = await post(log, f"{path}/danger", None, keeper(log))
    assert worse.json()["deadline"] == later(log, hours=23)
    again = await post(log, f"{path}/danger", None, keeper(log))
    assert again.json() == worse.json()
    early = await post(log, f"{path}/mending", None, keeper(log))
    assert (early.status_code, early.json()["code"]) == (409, "report_due")
    log.bench.clock.advance(hours=23)
    await jobs.tick(log.audit)
    assert (await log.get(path, member)).json()["overdue"] == 1
    report = {"recipient": "公安机关", "sent_at": later(log, minutes=-1), "proof_hash": HASH}
    assert (await post(log, f"{path}/report", report, keeper(log))).json()["state"] == "reported"
    assert (await post(log, f"{path}/mending", None, keeper(log))).json()["state"] == "mended"
    assert await acts(log) == [
        "vulnerability_entered", "vulnerability_endangers_public", "vulnerability_overdue", "vulnerability_reported",
        "vulnerability_mended",
    ]  # fmt: skip
    assert not [data for _, data in await told(log) if "解析缺陷" in str(data)]  # nobody learns it from the log
    stranger = await log.bench.member("buyer")
    assert (await log.get(path, stranger)).status_code == 404
    assert (await post(log, f"{path}/danger", None, member)).status_code == 403
