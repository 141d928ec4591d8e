"""Erasure over HTTP: what a service disclosed is opened in a case, restricted, erased; every proof stays as it was."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from httpx2 import Response
from sqlalchemy import select

from services.audit.rules.redaction import KeyState
from services.audit.tables import data_keys, disclosures
from shared.facts import Category, Commitment, Fact, Retention, commit, read_event
from shared.ids import RedactionId, UserId
from tests.audit.cases import another, later, opened, post, say, told
from tests.audit.conftest import AuditBench, Source
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, VERIFIED, Report

ANA = UserId.new()


@dataclass(frozen=True, slots=True)
class LogInRefused(Fact):
    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
    login: Commitment
    user_id: UserId


@dataclass
class Tried:
    """A log-in that was tried in vain, in the log as a commitment, and what stands behind it."""

    log: AuditBench
    source: Source
    salt: bytes
    value: str

    @classmethod
    async def new(cls, log: AuditBench, source: Source | None = None, value: str = "ana") -> "Tried":
        source, salt = source or log.source("identity"), secrets.token_bytes(32)
        first = len(source.lines) + 1
        await say(source, LogInRefused(commit("login", value, salt), ANA)).send(first)
        return cls(log, source, salt, value)

    def body(self, **changes: Any) -> dict[str, Any]:
        fact_id = read_event(self.source.lines[-1]).id
        return {
            "fact_id": fact_id, "name": "login", "value": self.value, "salt": self.salt.hex(), "subject": ANA,
            "purpose": "security",
        } | changes  # fmt: skip

    async def disclose(self, service: str = "identity", **changes: Any) -> Response:
        body = self.body(**changes)
        return await self.log.bench.ask_as_service(service, "POST", "/audit/v1/disclosures", json=body)


def wanted(to: str, **changes: Any) -> dict[str, Any]:
    told = {"subject": ANA, "purpose": "security", "to": to, "legal_basis": "个保法第四十七条", "reason": "撤回同意"}
    return told | changes


async def redacted(log: AuditBench, to: str) -> Response:
    """Proposed by security, agreed to by the auditor."""
    proposed = await post(log, "/redactions", wanted(to), log.bench.staff("operator_security"))
    assert proposed.status_code == 201, proposed.text
    return await post(log, f"/redactions/{proposed.json()['id']}/approval", None, log.bench.staff("operator_audit"))


async def fields(log: AuditBench, case: str, index: int = 0) -> list[dict[str, Any]]:
    return await log.read(f"/cases/{case}/entries/{index}/fields")


async def test_what_a_service_disclosed_is_opened_in_a_case_and_can_be_checked(log: AuditBench):
    tried = await Tried.new(log)
    answer = await tried.disclose()
    assert (answer.status_code, answer.json()) == (201, {"index": 0, "name": "login"})
    case = await opened(log)
    [field] = await fields(log, case)
    assert (field["state"], field["value"]) == ("disclosed", "ana")
    assert commit("login", field["value"], bytes.fromhex(field["salt"])).hex == field["commitment"]
    assert (await told(log))[-1] == ("fields_opened", {"case_id": case, "index": 0, "names": ["login"]})


async def test_a_value_is_kept_sealed_only(log: AuditBench):
    tried = await Tried.new(log, value="ana-in-clear")
    await tried.disclose()
    async with log.audit.database.read() as tx:
        [row] = (await tx.execute(select(*disclosures.c))).all()
        [key] = (await tx.execute(select(*data_keys.c))).all()
    assert not [value for value in (*row, *key) if isinstance(value, bytes) and b"ana-in-clear" in value]
    assert (key.state, key.subject, key.purpose) == (KeyState.ACTIVE, ANA, "security")


async def test_the_same_disclosure_again_changes_nothing(log: AuditBench):
    tried = await Tried.new(log)
    assert [(await tried.disclose()).status_code for _ in range(2)] == [201, 201]
    async with log.audit.database.read() as tx:
        assert len((await tx.execute(select(disclosures.c.name))).all()) == 1


async def test_what_was_not_committed_to_is_refused(log: AuditBench):
    tried = await Tried.new(log)
    for changes, status, code in (
        ({"value": "bob"}, 422, "commitment_not_opened"), ({"salt": "0" * 64}, 422, "commitment_not_opened"),
        ({"name": "act"}, 404, "not_committed"), ({"fact_id": f"fact_{0:032x}"}, 409, "not_in_the_log_yet"),
    ):  # fmt: skip
        answer = await tried.disclose(**changes)
        assert (answer.status_code, answer.json()["code"]) == (status, code), changes
    answer = await tried.disclose("trading")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_committed"), "another service's fact"
    member = await log.bench.member()
    assert (await log.bench.post(member, "/audit/v1/disclosures", tried.body())).status_code == 401
    await tried.disclose()
    assert (await tried.disclose(value="bob")).json()["code"] == "commitment_not_opened", "reopened with another value"


async def test_a_salt_opens_one_field_only_even_after_it_was_erased(log: AuditBench):
    source = log.source("identity")
    tried = await Tried.new(log, source)
    await tried.disclose()
    for at in ("kept", "erased"):
        await say(source, LogInRefused(commit("login", "ana", tried.salt), ANA)).send(len(source.lines))
        again = await Tried(log, source, tried.salt, "ana").disclose()
        assert (again.status_code, again.json()["code"]) == (422, "salt_reused"), at
        log.bench.clock.advance(days=184)
        if at == "kept":
            await redacted(log, "restricted")
            await redacted(log, "erased")


async def test_restricted_is_opened_in_a_case_of_two_only(log: AuditBench):
    tried = await Tried.new(log)
    await tried.disclose()
    assert (await redacted(log, "restricted")).json()["state"] == "done"
    alone, two = await opened(log, "G4"), await opened(log, "G5")
    assert [(each["state"], each["value"], each["salt"]) for each in await fields(log, alone)] == [
        ("restricted", None, None)
    ]
    assert [(each["state"], each["value"]) for each in await fields(log, two)] == [("disclosed", "ana")]


async def test_erased_is_gone_with_its_key_and_the_proofs_stay(log: AuditBench, tmp_path: Path):
    tried = await Tried.new(log)
    await tried.disclose()
    await log.sign()
    before = (await log.get("/proofs/inclusion?index=0&size=1")).json()
    await redacted(log, "restricted")
    log.bench.clock.advance(days=184)
    done = (await redacted(log, "erased")).json()
    assert (done["state"], done["to"], done["field_count"]) == ("done", "erased", 1)
    async with log.audit.database.read() as tx:
        [row] = (await tx.execute(select(*disclosures.c))).all()
        [key] = (await tx.execute(select(*data_keys.c))).all()
    assert (row.salt, row.nonce, row.ciphertext, key.wrapped, key.state) == (None, None, None, None, "erased")
    assert (await log.get("/proofs/inclusion?index=0&size=1")).json() == before
    assert [each["state"] for each in await fields(log, await opened(log, since=later(log, days=-400),
            until=later(log, days=1), is_whole_log=True))] == ["erased"]  # fmt: skip
    report = await exported(log, tmp_path)
    assert (report.exit_code(), report.fields) == (
        VERIFIED, {"identity.log_in_refused.login": {"disclosed": 0, "withheld": 0, "erased": 1}}
    )  # fmt: skip
    assert (await tried.disclose()).json()["code"] == "field_erased"


async def exported(log: AuditBench, folder: Path, case: str | None = None) -> Report:
    await log.bench.cores["audit"].relay.tick()
    await log.sign()
    path = f"/cases/{case}/bundle" if case else "/bundle"
    (folder / "bundle.tar").write_bytes((await log.get(path, log.regulator)).content)
    return yaosu_verify.verify(str(folder / "bundle.tar"), log.verifier_key.text())


async def test_the_evidence_of_a_case_opens_its_fields_and_says_which_it_does_not(log: AuditBench, tmp_path: Path):
    source = log.source("identity")
    for value in ("ana", "bob"):
        tried = await Tried.new(log, source, value)
    await tried.disclose()
    case = await opened(log)
    report = await exported(log, tmp_path, case)
    assert (report.exit_code(), report.findings) == (INCOMPLETE, [])
    assert report.fields == {"identity.log_in_refused.login": {"disclosed": 1, "withheld": 1, "erased": 0}}
    assert report.opened == [{"index": 1, "name": "login", "value": "bob"}]


async def test_nothing_is_erased_while_the_law_keeps_it_or_a_case_looks_at_it(log: AuditBench):
    await (await Tried.new(log)).disclose()
    await redacted(log, "restricted")
    log.bench.clock.advance(days=184, microseconds=-1)
    running = await redacted(log, "erased")
    assert (running.status_code, running.json()["code"]) == (409, "retention_runs")
    log.bench.clock.advance(seconds=1)
    case = await opened(log, since=later(log, days=-200), until=later(log, days=1), is_whole_log=True)
    looked_at = await redacted(log, "erased")
    assert (looked_at.status_code, looked_at.json()["code"]) == (409, "looked_at")
    await post(log, f"/cases/{case}/closing", {"outcome": "no_violation", "finding": "未见"})
    assert (await redacted(log, "erased")).json()["state"] == "done"


async def test_two_persons_redact_and_their_parts_are_told_and_counted(log: AuditBench):
    await (await Tried.new(log)).disclose()
    both = log.bench.staff("operator_security", "operator_audit")
    proposed = (await post(log, "/redactions", wanted("restricted"), both)).json()
    path = f"/redactions/{proposed['id']}"
    alone = await post(log, f"{path}/approval", None, both)
    assert (alone.status_code, alone.json()["code"]) == (403, "same_person")
    auditor = log.bench.staff("operator_audit")
    assert (await post(log, f"{path}/approval", None, auditor)).json()["decided_by"] == auditor.subject
    act, data = (await told(log))[-1]
    assert (act, data["proposed_by"], data["decided_by"]) == ("redaction_done", both.subject, auditor.subject)
    assert (data["fields"], data["legal_basis"]) == ([{"index": 0, "name": "login"}], "个保法第四十七条")
    counts = (await log.get("/redaction-counts", auditor)).json()
    assert counts == sorted(
        [{"operator": who.subject, "count": 1} for who in (both, auditor)], key=lambda each: str(each["operator"])
    )


@pytest.mark.parametrize("role, status", [
    ("operator_business", 403), ("operator_system", 403), ("regulator", 403), ("operator_audit", 403),
])  # fmt: skip
async def test_a_redaction_is_securitys_to_propose(log: AuditBench, role: str, status: int):
    assert (await post(log, "/redactions", wanted("restricted"), log.bench.staff(role))).status_code == status


async def test_what_is_not_kept_and_what_is_not_there_are_the_same_to_everyone(log: AuditBench):
    security, auditor = log.bench.staff("operator_security"), log.bench.staff("operator_audit")
    nothing = await post(log, "/redactions", wanted("restricted"), security)
    assert (nothing.status_code, nothing.json()["code"]) == (404, "nothing_kept")
    path = f"/redactions/{RedactionId.new()}"
    for answer in (
        await log.get(path, security), await post(log, f"{path}/approval", None, auditor),
        await post(log, f"{path}/refusal", {"reason_code": "no", "reason": "否"}, auditor),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_redaction")


async def test_fields_of_a_case_that_is_not_yours_are_like_those_of_none(log: AuditBench):
    await (await Tried.new(log)).disclose()
    case = await opened(log)
    answer = await log.get(f"/cases/{case}/entries/0/fields", another(log))
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_case")
    answer = await log.get(f"/cases/{case}/entries/9/fields", log.regulator)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_entry")


async def test_a_redaction_that_nobody_decides_on_lapses_and_a_refused_one_says_why(log: AuditBench):
    await (await Tried.new(log)).disclose()
    security, auditor = log.bench.staff("operator_security"), log.bench.staff("operator_audit")
    first = (await post(log, "/redactions", wanted("restricted"), security)).json()["id"]
    second = (await post(log, "/redactions", wanted("restricted"), security)).json()["id"]
    refused = await post(log, f"/redactions/{second}/refusal", {"reason_code": "not_due", "reason": "否"}, auditor)
    assert (refused.json()["state"], refused.json()["reason_code"]) == ("refused", "not_due")
    log.bench.clock.advance(days=15)
    await log.sign()
    listed = (await log.get("/redactions", auditor)).json()["items"]
    assert [(each["id"], each["state"]) for each in listed] == [(first, "lapsed"), (second, "refused")]
    assert [act for act, _ in await told(log)][-2:] == ["redaction_refused", "redaction_lapsed"]


async def test_after_an_erasure_something_new_is_kept_under_a_new_key(log: AuditBench):
    source = log.source("identity")
    await (await Tried.new(log, source)).disclose()
    await redacted(log, "restricted")
    log.bench.clock.advance(days=184)
    await redacted(log, "erased")
    assert (await (await Tried.new(log, source)).disclose()).status_code == 201
    async with log.audit.database.read() as tx:
        states = (await tx.scalars(select(data_keys.c.state).order_by(data_keys.c.id))).all()
    assert states == ["erased", "active"]
