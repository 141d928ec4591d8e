"""Cases over HTTP: what regulators read without one, what under one, and that each reading names it."""

import json
import tarfile
from pathlib import Path

import pytest

from shared.grades import G3, G4, G5, G6
from shared.ids import CaseId
from tests.audit.cases import Deal, a_case, another, dealt, later, opened, post, say, told
from tests.audit.conftest import AuditBench
from tests.support.bench import Person
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, VERIFIED, Report

NOBODYS = CaseId(f"case_{0:032x}")


async def shown(log: AuditBench, path: str) -> list[int]:
    return [each["index"] for each in (await log.read(path))["items"]]


async def test_without_a_case_a_regulator_reads_up_to_g3_and_is_told_what_was_held_back(log: AuditBench):
    await dealt(log, G3, G4, G5, G6)
    page = await log.read("/entries")
    assert ([each["index"] for each in page["items"]], page["withheld"]) == ([0, 1, 2], list(range(3, 12)))
    answer = await log.get("/entries/4", log.regulator)
    assert (answer.status_code, answer.json()["code"], answer.json()["indexes"]) == (403, "case_needed", [4])
    assert (await log.get("/entries/2", log.regulator)).status_code == 200
    assert (await log.get("/entries/99", log.regulator)).json()["code"] == "no_such_entry"


async def test_a_bundle_of_256_with_what_needs_a_case_is_refused_as_a_whole(log: AuditBench):
    await dealt(log, G3, G4)
    await log.sign()
    assert (await log.get("/log/tile/entries/000.p/6", log.regulator)).json()["code"] == "case_needed"
    assert (await log.get("/log/tile/entries/000.p/3", log.regulator)).status_code == 200
    auditor = log.bench.staff("operator_audit")
    assert (await log.get("/log/tile/entries/000.p/6", auditor)).status_code == 200


async def test_the_auditor_of_the_platform_reads_all_of_its_log(log: AuditBench):
    await dealt(log, G5)
    page = (await log.get("/entries", log.bench.staff("operator_audit"))).json()
    assert ([each["index"] for each in page["items"]], page["withheld"]) == ([0, 1, 2], [])


async def test_under_a_case_they_read_what_it_names_and_each_reading_names_the_case(log: AuditBench):
    deals = await dealt(log, G4, G4, G3)
    case = await opened(log, contract_ids=[deals[1].contract])
    assert await shown(log, f"/cases/{case}/entries") == [5]
    assert (await log.get(f"/cases/{case}/entries/5", log.regulator)).status_code == 200
    for index in (2, 8, 99):
        answer = await log.get(f"/cases/{case}/entries/{index}", log.regulator)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_entry")
    readings = [data for act, data in await told(log) if act == "entries_read"]
    assert readings == [{"case_id": case, "count": 1, "first_index": 5, "last_index": 5}] * 2


async def test_a_case_reaches_no_higher_than_its_grade_and_no_other_time(log: AuditBench):
    await dealt(log, G3, G4, G5)
    case = await opened(log, "G4")
    assert await shown(log, f"/cases/{case}/entries?limit=100") == [0, 1, 2, 3, 4, 5]
    past = await opened(log, "G4", is_whole_log=True, since=later(log, days=-3), until=later(log, days=-2))
    assert await shown(log, f"/cases/{past}/entries") == []


async def test_entries_of_a_case_come_page_by_page(log: AuditBench):
    member = await log.bench.member()
    await dealt(log, G4, G4, organisation=member.participant_id)
    await dealt(log, G4)
    case = await opened(log, participant_ids=[str(member.participant_id)])
    first = await log.read(f"/cases/{case}/entries?limit=4")
    assert ([each["index"] for each in first["items"]], first["next_after_index"]) == ([0, 1, 2, 3], 3)
    rest = await log.read(f"/cases/{case}/entries?limit=4&after_index=3")
    assert ([each["index"] for each in rest["items"]], rest["next_after_index"]) == ([4, 5], None)


async def test_important_data_take_two_regulators(log: AuditBench):
    await dealt(log, G5)
    answer = await post(log, "/cases", a_case(log, "G5"))
    case, second = answer.json(), another(log)
    assert (answer.status_code, case["state"], case["next_actor"]) == (201, "awaiting_second", "second_regulator")
    assert answer.headers["Location"] == f"/audit/v1/cases/{case['id']}"
    assert (await log.get(f"/cases/{case['id']}/entries", log.regulator)).json()["code"] == "case_not_open"
    alone = await post(log, f"/cases/{case['id']}/approval", {"reason": "同意"})
    assert (alone.status_code, alone.json()["code"]) == (403, "same_person")
    agreed = await post(log, f"/cases/{case['id']}/approval", {"reason": "同意"}, second)
    assert (agreed.json()["state"], agreed.json()["approved_by"]) == ("open", second.subject)
    for regulator in (log.regulator, second):
        items = (await log.get(f"/cases/{case['id']}/entries", regulator)).json()["items"]
        assert [each["index"] for each in items] == [0, 1, 2]


async def test_a_case_that_is_not_yours_is_like_one_that_is_not_there(log: AuditBench):
    case, stranger = await opened(log), another(log)
    acts = {
        "approval": {"reason": "同意"}, "refusal": {"reason_code": "no", "reason": "否"},
        "extension": {"expires_at": later(log, days=40), "reason": "未完"},
        "closing": {"outcome": "violation", "finding": "属实"},
    }  # fmt: skip
    for named in (case, NOBODYS):
        for path in ("", "/entries", "/entries/0", "/bundle"):
            answer = await log.get(f"/cases/{named}{path}", stranger)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_case"), path
        for act, body in acts.items():
            answer = await post(log, f"/cases/{named}/{act}", body, stranger)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_case"), act
    assert (await log.get(f"/cases/{case}", log.regulator)).status_code == 200


@pytest.mark.parametrize("role", ["operator_audit", "operator_security", "operator_business", "arbiter"])
async def test_cases_are_for_regulators_alone(log: AuditBench, role: str):
    case, person = await opened(log), log.bench.staff(role)
    for path in ("/cases", f"/cases/{case}", f"/cases/{case}/entries", f"/cases/{case}/bundle", "/samplings"):
        assert (await log.get(path, person)).status_code == 403, path
    assert (await post(log, "/cases", a_case(log), person)).status_code == 403


async def test_everyone_sees_their_own_cases_and_those_that_wait(log: AuditBench):
    other = another(log)
    mine, waiting = await opened(log), (await post(log, "/cases", a_case(log, "G5"), other)).json()["id"]
    theirs = await opened(log)
    listed = await log.read("/cases?limit=2")
    assert [each["id"] for each in listed["items"]] == sorted([mine, waiting, theirs])[:2]
    rest = await log.read(f"/cases?limit=2&cursor={listed['next_cursor']}")
    assert [each["id"] for each in rest["items"]] == [theirs]
    assert [each["id"] for each in (await log.get("/cases", other)).json()["items"]] == [waiting]


async def test_a_named_officer_reads_and_cannot_close(log: AuditBench):
    officer = another(log)
    body = a_case(log) | {"officer_ids": [officer.subject]}
    case = (await post(log, "/cases", body)).json()["id"]
    assert (await log.get(f"/cases/{case}/entries", officer)).status_code == 200
    answer = await post(log, f"/cases/{case}/closing", {"outcome": "violation", "finding": "属实"}, officer)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_case")


async def test_a_case_expires_by_itself_and_reads_nothing_from_that_moment(log: AuditBench):
    case = await opened(log)
    log.bench.clock.advance(days=30)
    assert (await log.get(f"/cases/{case}/entries", log.regulator)).json()["code"] == "case_not_open"
    late = await post(log, f"/cases/{case}/closing", {"outcome": "violation", "finding": "属实"})
    assert late.json()["code"] == "case_deadline_passed"
    await log.sign()
    ended = await log.read(f"/cases/{case}")
    assert (ended["state"], ended["reason_code"], ended["deadline"]) == ("expired", "expired", None)
    assert ("case_ended", "expired") in [(act, data.get("reason_code")) for act, data in await told(log)]


async def test_a_case_that_nobody_agrees_to_lapses_after_seven_days(log: AuditBench):
    case = (await post(log, "/cases", a_case(log, "G6"))).json()["id"]
    log.bench.clock.advance(days=7, seconds=-1)
    await log.sign()
    assert (await log.read(f"/cases/{case}"))["state"] == "awaiting_second"
    log.bench.clock.advance(seconds=1)
    await log.sign()
    assert (await log.read(f"/cases/{case}"))["reason_code"] == "not_approved_in_time"


async def test_a_case_is_extended_and_closed_with_a_finding(log: AuditBench):
    case = await opened(log)
    more = await post(log, f"/cases/{case}/extension", {"expires_at": later(log, days=60), "reason": "未完"})
    assert more.json()["deadline"] == later(log, days=60)
    closed = (await post(log, f"/cases/{case}/closing", {"outcome": "referred", "finding": "移送"})).json()
    assert (closed["state"], closed["outcome"], closed["steps"][-1]["reason"]) == ("closed", "referred", "移送")
    assert [act for act, _ in await told(log)] == ["case_opened", "case_extended", "case_closed"]
    assert (await log.get(f"/cases/{case}/entries", log.regulator)).json()["code"] == "case_not_open"


async def test_the_same_opening_sent_twice_opens_one_case(log: AuditBench):
    body, key = a_case(log), "k" * 20
    first = await log.bench.post(log.regulator, "/audit/v1/cases", body, key)
    again = await log.bench.post(log.regulator, "/audit/v1/cases", body, key)
    assert first.json() == again.json()
    assert len((await log.read("/cases"))["items"]) == 1


async def test_a_case_is_rebuilt_from_its_facts(log: AuditBench):
    deals = await dealt(log, G4)
    case = await opened(log, asset_ids=[deals[0].asset])
    [(_, data)] = await told(log)
    seen = await log.read(f"/cases/{case}")
    assert (data["purpose"], data["legal_basis"]) == (seen["purpose"], seen["legal_basis"])
    assert (data["assets"], data["participants"], data["highest"]) == ([deals[0].asset], [], "G4")


async def test_whom_a_case_looks_at_does_not_learn_of_it_from_the_log(log: AuditBench):
    member = await log.bench.member()
    await dealt(log, G4, organisation=member.participant_id)
    case = await opened(log, participant_ids=[str(member.participant_id)])
    await log.read(f"/cases/{case}/entries")
    await log.read(f"/entries?organisation={member.participant_id}")
    await log.bench.cores["audit"].relay.tick()
    assert [each["index"] for each in (await log.get("/entries", member)).json()["items"]] == [0, 1, 2]
    events = [json.loads(each["event"]) for each in (await log.read("/entries?after_index=2"))["items"]]
    assert [each["act"] for each in events] == ["audit.case_opened", "audit.entries_read", "audit.entries_read"]


async def test_what_is_graded_later_is_held_back_from_then_on(log: AuditBench):
    """The listing was in the log before its version's grade was."""
    deal, source = Deal.new(), log.source()
    graded, listed, ordered = deal.facts(G4)
    await say(source, listed, ordered).send()
    assert await shown(log, "/entries") == [0, 1]
    await say(source, graded, listed).send(3)
    page = await log.read("/entries")
    assert [each["index"] for each in page["items"] if each["index"] < 4] == []
    assert page["withheld"] == [0, 1, 2, 3]


async def test_time_that_runs_out_while_waiting_is_told_to_who_agrees_too_late(log: AuditBench):
    case = (await post(log, "/cases", a_case(log, "G5"))).json()["id"]
    log.bench.clock.advance(days=7)
    late = await post(log, f"/cases/{case}/approval", {"reason": "同意"}, another(log))
    assert (late.status_code, late.json()["code"]) == (409, "case_deadline_passed")


async def exported(log: AuditBench, folder: Path, path: str, person: Person | None = None) -> Report:
    answer = await log.get(path, person or log.regulator)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-tar"), answer.text
    (folder / "bundle.tar").write_bytes(answer.content)
    return yaosu_verify.verify(str(folder / "bundle.tar"), log.verifier_key.text())


async def test_the_evidence_of_a_case_is_its_entries_proved_under_the_signed_root(log: AuditBench, tmp_path: Path):
    await log.source("catalog").tell(300).send()
    [deal] = await dealt(log, G4)
    await log.sign()
    case = await opened(log, contract_ids=[deal.contract])
    report = await exported(log, tmp_path, f"/cases/{case}/bundle")
    assert (report.exit_code(), report.disclosed, report.withheld, report.findings) == (INCOMPLETE, 1, 302, [])
    assert (await told(log))[-1] == ("bundle_exported", {
        "size": 303, "root": report.root, "case_id": case, "is_excerpt": True,
    })  # fmt: skip
    with tarfile.open(tmp_path / "bundle.tar") as tar:
        assert [name for name in tar.getnames() if name.startswith("entry/")] == ["entry/0000000000000302"]


async def test_without_a_case_a_regulator_takes_the_log_without_what_needs_one(log: AuditBench, tmp_path: Path):
    await dealt(log, G3)
    await log.sign()
    assert (await exported(log, tmp_path, "/bundle")).exit_code() == VERIFIED
    await dealt_later(log)
    await log.sign()
    report = await exported(log, tmp_path, "/bundle")
    assert (report.exit_code(), report.disclosed, report.withheld, report.findings) == (INCOMPLETE, 3, 3, [])
    auditor = log.bench.staff("operator_audit")
    assert (await exported(log, tmp_path, "/bundle", auditor)).exit_code() == VERIFIED


async def dealt_later(log: AuditBench) -> None:
    await say(log.source("delivery"), *Deal.new().facts(G4)).send()
