"""Admission on evidence, over HTTP on both databases: shown, checked, expired, found false, and checked again."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from services.identity.rules.document import Kind
from services.identity.verification import SandboxVerification
from shared.ids import ParticipantId
from shared.standing import StandingMirror
from tests.identity.conftest import ON_ONE_DATABASE, SEEN, Desk, a_document

FOR_C1 = [Kind.BUSINESS_LICENCE, Kind.REPRESENTATIVE_IDENTITY, Kind.AUTHORISATION, Kind.UNDERTAKING]
FOR_C2 = [*FOR_C1, Kind.STATEMENT_OF_PURPOSE]


async def applicant(desk: Desk, login: str = "ana") -> str:
    return (await desk.apply(login)).json()["id"]


def outside(desk: Desk) -> SandboxVerification:
    assert isinstance(desk.identity.verification, SandboxVerification)
    return desk.identity.verification


async def test_nobody_is_admitted_before_everything_is_proven(desk: Desk):
    participant_id = await applicant(desk)
    missing = [*map(str, FOR_C2)]
    for kind in FOR_C2:
        refused = await desk.admit("security", participant_id, "C2")
        assert (refused.status_code, refused.json()["code"]) == (409, "proof_missing")
        assert refused.json()["missing"] == sorted(missing)
        await desk.prove(participant_id, "ana", kind)
        missing.remove(kind)
    admitted = (await desk.admit("security", participant_id, "C2")).json()
    assert (admitted["status"], admitted["classes"]) == ("admitted", ["party"])
    assert datetime.fromisoformat(admitted["verified_until"]) == desk.clock.now() + timedelta(days=183)


async def test_documents_come_with_the_application_and_are_seen_by_nobody_else(desk: Desk):
    shown = [a_document(kind) for kind in ("business_licence", "undertaking")]
    applied = await desk.apply("ana", documents=shown, classes=["assessment", "party"])
    path = f"/participants/{applied.json()['id']}/documents"
    told = (await desk.get("ana", path)).json()["items"]
    assert [(each["kind"], each["state"], each["next_actor"]) for each in told] == [
        ("business_licence", "filed", "operator_security"), ("undertaking", "filed", "operator_security"),
    ]  # fmt: skip
    assert (await desk.get("business", path)).json()["items"] == told
    await desk.admitted("ben")
    assert (await desk.get("ben", path)).json()["code"] == "no_such_participant"
    twice = await desk.apply("cai", documents=[shown[0], shown[0]])
    assert (twice.status_code, twice.json()["code"]) == (422, "malformed")


async def test_a_proof_that_expires_ends_the_right_to_trade_by_itself_and_a_new_check_brings_it_back(desk: Desk):
    """T-44. The licence is good for a hundred days only."""
    participant_id = await applicant(desk)
    await desk.prove(participant_id, "ana", *FOR_C2[1:])
    until = desk.clock.now() + timedelta(days=100)
    licence = (await desk.show(participant_id, "ana", Kind.BUSINESS_LICENCE, valid_until=until.isoformat())).json()
    await desk.check("checker", participant_id, licence["id"])
    admitted = (await desk.admit("security", participant_id, "C2")).json()
    assert datetime.fromisoformat(admitted["verified_until"]) == until

    await desk.pass_time(days=69)
    assert "verification_due" not in await desk.told()
    await desk.pass_time(days=1)
    await desk.pass_time(days=1)
    assert (await desk.told()).count("verification_due") == 1

    desk.clock.advance(days=29)  # and no job has run
    await desk.hear()
    refused = await desk.post("ana", "/clients", {"name": "bot", "roles": ["buyer"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_admitted")
    again = await desk.admit("security", participant_id, "C2", "clearance")
    assert (again.status_code, again.json()["code"]) == (409, "only_while_admitted")
    await desk.pass_time(days=0)
    view = (await desk.get("ana", f"/participants/{participant_id}")).json()
    assert (view["status"], view["reason_code"]) == ("suspended", "verification_expired")

    early = await desk.post("security", f"/participants/{participant_id}/reinstate", _reason())
    assert (early.status_code, early.json()["missing"]) == (409, ["business_licence"])
    await desk.prove(participant_id, "ana", Kind.BUSINESS_LICENCE)
    back = (await desk.post("security", f"/participants/{participant_id}/reinstate", _reason())).json()
    # The other proofs were looked at a hundred days ago.
    assert datetime.fromisoformat(back["verified_until"]) == until + timedelta(days=83)
    await desk.hear()
    assert (await desk.post("ana", "/clients", {"name": "bot", "roles": ["buyer"]})).status_code == 201


def _reason() -> dict[str, str]:
    return {"reason_code": "verified_anew", "reason": "重新核验"}


async def test_a_proof_that_is_found_false_suspends_at_once(desk: Desk):
    participant_id = await desk.admitted("ana")
    documents = (await desk.get("checker", f"/participants/{participant_id}/documents")).json()["items"]
    [licence] = [each for each in documents if each["kind"] == "business_licence"]
    forged = await desk.check("security", participant_id, licence["id"], passed=False, reason_code="forged")
    assert (forged.json()["state"], forged.json()["reason_code"]) == ("rejected", "forged")
    await desk.hear()
    view = (await desk.get("ana", f"/participants/{participant_id}")).json()
    assert (view["status"], view["reason_code"]) == ("suspended", "proof_rejected")
    refused = await desk.post("ana", "/clients", {"name": "bot", "roles": ["buyer"]})
    assert refused.json()["code"] == "not_admitted"
    assert (await desk.told())[-2:] == ["document_checked", "participant_suspended"]


async def test_what_is_not_required_is_found_false_without_consequence(desk: Desk):
    participant_id = await desk.admitted("ana")
    documents = (await desk.get("checker", f"/participants/{participant_id}/documents")).json()["items"]
    [consent] = [each for each in documents if each["kind"] == "consent_to_audit"]
    await desk.check("security", participant_id, consent["id"], passed=False, reason_code="unsigned")
    assert (await desk.get("ana", f"/participants/{participant_id}")).json()["status"] == "admitted"


async def test_a_newer_proof_that_ends_earlier_shortens_the_admission_for_every_mirror(desk: Desk):
    participant_id = await desk.admitted("ana")
    until = desk.clock.now() + timedelta(days=10)
    newer = (await desk.show(participant_id, "ana", Kind.UNDERTAKING, valid_until=until.isoformat())).json()
    await desk.check("checker", participant_id, newer["id"])
    view = (await desk.get("ana", f"/participants/{participant_id}")).json()
    assert datetime.fromisoformat(view["verified_until"]) == until
    mirror = StandingMirror(desk.clock, desk.core.feed)
    await mirror.tick()
    assert mirror.of(ParticipantId(participant_id)).is_admitted
    desk.clock.advance(days=10)
    assert not mirror.of(ParticipantId(participant_id)).is_admitted
    states = {each["state"] for each in await _of_kind(desk, participant_id, "undertaking")}
    assert states == {"replaced", "verified"}


async def _of_kind(desk: Desk, participant_id: str, kind: str) -> list[dict[str, object]]:
    found = (await desk.get("security", f"/participants/{participant_id}/documents", limit=100)).json()["items"]
    return [each for each in found if each["kind"] == kind]


@ON_ONE_DATABASE
async def test_of_one_kind_one_document_waits_and_a_newer_one_takes_its_place(desk: Desk):
    participant_id = await applicant(desk)
    first = (await desk.show(participant_id, "ana", Kind.UNDERTAKING)).json()
    await desk.show(participant_id, "ana", Kind.UNDERTAKING)
    assert [each["state"] for each in await _of_kind(desk, participant_id, "undertaking")] == ["replaced", "filed"]
    late = await desk.check("checker", participant_id, first["id"])
    assert (late.status_code, late.json()["code"]) == (409, "illegal_move")


async def test_of_ten_documents_sent_at_once_one_waits(desk: Desk):
    participant_id = await applicant(desk)
    await desk.get("ana", "/me")
    await asyncio.gather(*(desk.show(participant_id, "ana", Kind.UNDERTAKING) for _ in range(10)))
    states = Counter(each["state"] for each in await _of_kind(desk, participant_id, "undertaking"))
    assert states == {"filed": 1, "replaced": 9}


async def test_from_c4_on_the_second_person_is_neither_the_first_nor_the_one_who_checked(desk: Desk):
    participant_id = await applicant(desk)
    await desk.prove(participant_id, "ana", by="checker")
    assert (await desk.admit("checker", participant_id, "C4")).json()["proposed_clearance"] == "C4"
    assert (await desk.admit("checker", participant_id, "C4")).json()["code"] == "second_person_required"
    await desk.prove(participant_id, "ana", Kind.CONSENT_TO_AUDIT, by="security")
    # What security checked is another proof than the one that was proposed on.
    assert (await desk.admit("security2", participant_id, "C4")).json()["status"] == "applied"
    refused = await desk.admit("security", participant_id, "C4")
    assert (refused.status_code, refused.json()["code"]) == (409, "checked_by_yourself")
    assert refused.json()["checked"] == ["consent_to_audit"]
    await desk.prove(participant_id, "ana", Kind.CONSENT_TO_AUDIT, by="checker")
    await desk.admit("security2", participant_id, "C4")
    assert (await desk.admit("security", participant_id, "C4")).json()["clearance"] == "C4"

    await desk.decide("security", participant_id, "suspend")
    alone = await desk.post("checker", f"/participants/{participant_id}/reinstate", _reason())
    assert alone.json()["code"] == "checked_by_yourself"
    lowered = await desk.admit("checker", participant_id, "C3", "clearance")
    assert (lowered.json()["status"], lowered.json()["clearance"]) == ("suspended", "C3")
    assert (await desk.post("checker", f"/participants/{participant_id}/reinstate", _reason())).status_code == 200


async def test_the_register_is_asked_and_may_say_no_or_be_away(desk: Desk):
    applied = (await desk.apply("ana")).json()
    participant_id, sandbox = applied["id"], outside(desk)
    licence = (await desk.show(participant_id, "ana", Kind.BUSINESS_LICENCE)).json()
    path = f"/participants/{participant_id}/documents/{licence['id']}/check"
    sandbox.is_away = True
    away = await desk.post("security", path, {"method": "register"})
    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    sandbox.is_away = False
    sandbox.refused[applied["uscc"]] = "struck_off"
    found = (await desk.post("security", path, {"method": "register"})).json()
    assert (found["state"], found["reason_code"], found["check"]["method"]) == ("rejected", "struck_off", "register")
    del sandbox.refused[applied["uscc"]]
    again = (await desk.show(participant_id, "ana", Kind.BUSINESS_LICENCE)).json()
    path = f"/participants/{participant_id}/documents/{again['id']}/check"
    assert (await desk.post("security", path, {"method": "register"})).json()["state"] == "verified"
    undertaking = (await desk.show(participant_id, "ana", Kind.UNDERTAKING)).json()
    path = f"/participants/{participant_id}/documents/{undertaking['id']}/check"
    wrong = await desk.post("security", path, {"method": "register"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "method_does_not_fit")


@ON_ONE_DATABASE
@pytest.mark.parametrize("changes", [
    {"passed": None}, {"reference": None}, {"passed": False}, {"reason_code": "forged"}, {"method": "register"},
    {"method": "register", "passed": None}, {"method": "network_identity"}, {"reference": "张三"}, {"reference": ""},
    {"method": "register", "passed": None, "reference": None, "reason_code": "forged"},
], ids=range(10))  # fmt: skip
async def test_a_check_says_what_was_found_and_only_that(desk: Desk, changes: dict[str, object]):
    document_id = f"document_{'0' * 32}"
    answer = await desk.check("security", f"participant_{'0' * 32}", document_id, **changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


@pytest.mark.parametrize("confirmed", [True, False])
async def test_a_representative_is_verified_and_only_the_result_is_kept(desk: Desk, confirmed: bool):
    """L-19."""
    applied = (await desk.apply("ana")).json()
    if not confirmed:
        outside(desk).refused[applied["uscc"]] = "not_the_representative"
    path, secret = f"/participants/{applied['id']}/representative", "eyJ-a-credential-of-a-person"
    first, again = [await desk.post("ana", path, {"credential": secret}, "one-and-the-same") for _ in range(2)]
    assert first.json() == again.json()
    assert (first.status_code, first.json()["state"]) == (201, "verified" if confirmed else "rejected")
    assert first.json()["content_hash"] is None
    lines = [change.line for change in await desk.core.feed.after({})]
    assert not [line for line in lines if secret in line]
    assert (await desk.told())[-2:] == ["document_filed", "document_checked"]
    document = await desk.show(applied["id"], "ana", Kind.REPRESENTATIVE_IDENTITY)
    assert (document.status_code, document.json()["code"]) == (409, "result_only")


@ON_ONE_DATABASE
async def test_only_an_administrator_shows_documents_and_only_of_an_organisation_that_is_there(desk: Desk):
    participant_id = await desk.admitted("ana")
    await desk.colleague("ben", of="ana")
    await desk.admitted("cai")
    shown = await desk.show(participant_id, "ben", Kind.UNDERTAKING)
    assert (shown.status_code, shown.json()["code"]) == (403, "not_administrator")
    foreign = await desk.show(participant_id, "cai", Kind.UNDERTAKING)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "no_such_participant")
    await desk.decide("security", participant_id, "exit")
    gone = await desk.show(participant_id, "ana", Kind.UNDERTAKING)
    assert (gone.status_code, gone.json()["code"]) == (409, "no_longer_present")
    seen = await desk.post("security", f"/participants/{participant_id}/representative/seen", SEEN)
    assert (seen.status_code, seen.json()["code"]) == (409, "no_longer_present")


@ON_ONE_DATABASE
async def test_a_document_of_another_organisation_cannot_be_checked_as_ones_own(desk: Desk):
    one, other = await applicant(desk, "ana"), await applicant(desk, "ben")
    document_id = (await desk.show(one, "ana", Kind.UNDERTAKING)).json()["id"]
    crossed = await desk.check("security", other, document_id)
    assert (crossed.status_code, crossed.json()["code"]) == (404, "no_such_document")


@ON_ONE_DATABASE
async def test_what_nobody_checks_lapses_with_a_reason(desk: Desk):
    participant_id = await desk.admitted("ana")
    await desk.show(participant_id, "ana", Kind.UNDERTAKING)
    await desk.pass_time(days=30)
    newest = (await _of_kind(desk, participant_id, "undertaking"))[-1]
    assert (newest["state"], newest["reason_code"], newest["deadline"]) == ("lapsed", "not_checked_in_time", None)


@ON_ONE_DATABASE
async def test_what_each_class_must_prove_is_public(desk: Desk):
    told = (await desk.get(None, "/merchant-classes")).json()
    assert (told["version"], sorted(told["by_class"])) == (
        "2026-1", ["assessment", "consulting", "delivery", "intermediary", "other", "party"],
    )  # fmt: skip
    assert told["by_clearance"]["C4"] == ["consent_to_audit", "protection_level_three"]
    assert told["result_only"] == ["representative_identity"]
