"""Journeys through the catalogue, over HTTP."""

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.catalog.schemas.assets import AssetChange, NewAsset
from services.catalog.schemas.versions import GradeProposal, InspectionReport
from shared.ids import AssetId, CertificateId, UploadId, VersionId
from tests.catalog.market import AIRPORTS, PERSONS, SOURCE, Market, a_field, a_report, harm, refusal
from tests.support.bench import ParticipantSuspended, Person


async def test_an_asset_goes_from_its_draft_to_a_certificate(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    drafted = await bench.post(provider, "/catalog/v1/assets", AIRPORTS)
    asset, path = drafted.json(), drafted.headers["Location"]
    version_id = asset["versions"][0]["id"]
    assert (asset["state"], asset["next_actor"], asset["deadline"]) == ("draft", "provider", "2030-06-30T00:00:00Z")
    assert asset["versions"][0]["state"] == "awaiting_content"

    report = a_report(a_field("iata"), a_field("lat", "coordinates"))
    seen = market.done(await market.report(version_id, report))
    assert (seen["state"], seen["content_hash"], seen["grade_revision"]) == ("inspected", report["content_hash"], 0)
    assert seen["fields"][1] == {"name": "lat", "type": "text", "kinds": ["coordinates"]}

    grade = await market.graded(provider, version_id, harm("organisation", "ordinary"))
    assert (grade["grade"], grade["flags"], grade["state"], grade["grade_revision"]) == (
        "G2", ["geographic"], "proposed", 1,
    )  # fmt: skip
    await market.declared(provider, asset["id"])
    submitted = market.done(await bench.post(provider, f"{path}/submit"))
    assert (submitted["state"], submitted["next_actor"]) == ("submitted", "operator_business")

    registered = market.done(await bench.post(operator, f"{path}/register", {"grade": "G2", "note": "已复核"}))
    assert (registered["state"], registered["next_actor"], registered["grade"]) == ("registered", None, "G2")

    certificate = market.done(await bench.get(None, f"/catalog/v1/certificates/{registered['certificate_id']}"))
    assert certificate["content_hash"] == report["content_hash"]
    assert (certificate["rights_holder_id"], certificate["state"]) == (provider.participant_id, "valid")
    by_code = await bench.get(None, f"/catalog/v1/certificates?query_code={certificate['query_code']}")
    assert by_code.json() == certificate

    told = market.done(await bench.ask_as_service("trading", "GET", f"/catalog/v1/versions/{version_id}"))
    assert (told["asset_state"], told["grade"], told["certificate_id"]) == ("registered", "G2", certificate["id"])
    assert await market.acts() == [
        "asset_drafted", "content_inspected", "quality_assessed", "grade_proposed", "source_declared",
        "asset_submitted", "certificate_issued", "asset_registered",
    ]  # fmt: skip


async def test_a_grade_says_what_it_rests_on(market: Market):
    provider, stranger = await market.provider(), await market.provider()
    version_id = (await market.drafted(provider))["versions"][0]["id"]
    await market.inspected(version_id, *PERSONS)
    grade = await market.graded(provider, version_id, harm("individual", "ordinary"))
    assert (grade["grade"], grade["flags"]) == ("G3", ["personal", "sensitive_personal"])
    decisive = grade["reasons"][0]
    assert (decisive["rule"], decisive["field"], decisive["with_field"]) == (
        "floor.identity_with_contact", "身份证号", "姓名",
    )  # fmt: skip
    assert (decisive["hit_basis_points"], decisive["checksum_basis_points"]) == (9_990, 9_950)
    assert {reason["grade"] for reason in grade["reasons"]} == {"G2", "G3"}

    path = f"/catalog/v1/versions/{version_id}/grade"
    for reader in (provider, market.bench.staff("regulator"), market.bench.staff("operator_business")):
        assert (await market.bench.get(reader, path)).json() == grade
    assert refusal(await market.bench.get(stranger, path)) == (404, "no_such_version")
    assert refusal(await market.bench.get(None, path)) == (401, "unauthenticated")


async def test_without_the_evidence_the_grade_is_another(market: Market):
    provider, grades = await market.provider(), list[str]()
    for fields in (PERSONS, PERSONS[:1], PERSONS[2:]):
        version_id = (await market.drafted(provider))["versions"][0]["id"]
        await market.inspected(version_id, *fields)
        grades.append((await market.graded(provider, version_id))["grade"])
    assert grades == ["G3", "G2", "G1"]


async def test_from_g4_two_operators_register(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.submitted(provider, impacts=harm("economy", "ordinary"))
    one, other = [await market.officer(asset["id"], "G4") for _ in range(2)]
    path, yes = f"/catalog/v1/assets/{asset['id']}/register", {"grade": "G4", "note": "同意"}
    assert market.done(await bench.post(one, path, yes))["state"] == "submitted"
    assert refusal(await bench.post(one, path, yes)) == (409, "second_person_required")
    assert market.done(await bench.post(other, path, yes))["state"] == "registered"
    assert (await market.acts())[-3:] == ["registration_agreed", "certificate_issued", "asset_registered"]
    registered = (await market.facts())[-1].data
    assert registered["operators"] == [one.subject, other.subject]


@pytest.mark.parametrize("thing, degree, code", [
    ("national_security", "serious", "core_data_not_tradable"),
    ("national_security", "ordinary", "important_data_not_assessed"),
])  # fmt: skip
async def test_what_is_not_traded_here_is_refused_and_the_refusal_is_recorded(
    market: Market, thing: str, degree: str, code: str
):
    provider = await market.provider()
    asset = await market.drafted(provider)
    version_id = asset["versions"][0]["id"]
    await market.inspected(version_id)
    await market.graded(provider, version_id, harm(thing, degree))
    await market.declared(provider, asset["id"])
    path, key = f"/catalog/v1/assets/{asset['id']}/submit", uuid4().hex
    for _ in range(2):
        assert refusal(await market.bench.post(provider, path, key=key)) == (403, code)
    denied = (await market.facts())[-1]
    assert denied.act == "catalog.registration_denied" and '"out":"deny"' in denied.line
    assert denied.data["reason_code"] == code
    yes = {"grade": "G5" if degree == "ordinary" else "G6", "note": "无人提交"}
    operator, register = await market.officer(asset["id"], "G5"), path.replace("submit", "register")
    not_there = (409, "not_under_review") if degree == "ordinary" else (404, "no_such_asset")
    assert refusal(await market.bench.post(operator, register, yes)) == not_there
    assert (await market.facts())[-1] == denied
    assert (await market.bench.get(provider, path.removesuffix("/submit"))).json()["state"] == "draft"


async def test_what_must_be_there_before_a_review(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.drafted(provider)
    version_id, path = asset["versions"][0]["id"], f"/catalog/v1/assets/{asset['id']}/submit"
    proposals = f"/catalog/v1/versions/{version_id}/grade-proposals"
    proposal = {"impacts": harm("individual", "none"), "flags": []}
    assert refusal(await bench.post(provider, proposals, proposal)) == (409, "content_not_inspected")
    assert refusal(await bench.post(provider, path)) == (409, "version_not_graded")
    await market.inspected(version_id, *PERSONS)
    await market.graded(provider, version_id)
    assert refusal(await bench.post(provider, path)) == (409, "source_missing")
    await market.declared(provider, asset["id"])
    assert refusal(await bench.post(provider, path)) == (409, "personal_information_basis_missing")
    await market.declared(provider, asset["id"], personal_information_basis="单独同意，凭证 2029-17")
    for kind in ("separate_consent", "impact_assessment"):
        lacking = await bench.post(provider, path)
        assert refusal(lacking) == (409, "consent_missing") and kind in lacking.json()["missing"]
        await market.recorded(provider, asset["id"], kind)
    assert market.done(await bench.post(provider, path))["state"] == "submitted"
    assert refusal(await bench.post(provider, path)) == (409, "under_review")
    assert refusal(await bench.post(provider, proposals, proposal)) == (409, "under_review")


async def test_an_operator_confirms_the_computed_grade_of_a_provider_in_good_standing(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    asset = await market.submitted(provider, impacts=harm("individual", "serious"))
    path = f"/catalog/v1/assets/{asset['id']}/register"
    differs = await bench.post(operator, path, {"grade": "G2", "note": "低一级"})
    assert refusal(differs) == (409, "grade_differs") and differs.json()["grade"] == "G3"
    yes = {"grade": "G3", "note": "已复核"}
    assert provider.participant_id
    await bench.announce(ParticipantSuspended(provider.participant_id, "fraud"))
    assert refusal(await bench.post(operator, path, yes)) == (409, "identity_unverified")
    bench.clock.advance(minutes=1)
    assert refusal(await bench.post(operator, path, yes)) == (503, "standing_unknown")
    for person in (provider, bench.staff("operator_system", "operator_audit"), bench.staff("regulator")):
        assert (await bench.post(person, path, yes)).status_code == 403


async def test_an_operators_role_does_not_let_a_provider_review_their_own(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.submitted(provider)
    both = replace(provider, roles=frozenset({"operator_business", "provider"}))
    path = f"/catalog/v1/assets/{asset['id']}"
    for act, body in (("register", {"grade": "G1", "note": "同意"}), ("refuse", {"reason_code": "no", "reason": "否"})):
        assert refusal(await bench.post(both, f"{path}/{act}", body)) == (403, "reviews_own_asset")


async def test_a_description_that_changes_nothing_is_not_recorded(market: Market):
    provider = await market.provider()
    asset = await market.drafted(provider)
    path = f"/catalog/v1/assets/{asset['id']}"
    for change in ({}, {"title": AIRPORTS["title"]}, {"title": "机场"}, {"title": "机场"}):
        market.done(await market.bench.ask("PATCH", provider, path, json=change))
    assert await market.acts() == ["asset_drafted", "asset_described"]


async def test_the_facts_of_an_entry_are_ordered_by_its_revision(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    asset = await market.registered(provider)
    path = f"/catalog/v1/assets/{asset['id']}"
    second = market.done(await bench.post(provider, f"{path}/versions"), 201)["versions"][1]["id"]
    market.done(await market.report(second, {"upload_id": UploadId.new(), "refused": "not_utf8"}))
    await market.inspected(second)
    await market.graded(provider, second)
    raised = {"impacts": harm("organisation", "serious"), "reason": "汇聚"}
    market.done(await bench.post(operator, f"/catalog/v1/versions/{second}/raise-grade", raised))
    market.done(await bench.post(provider, f"{path}/submit"))
    revisions = [change.data["revision"] for change in await market.facts() if "certificate_issued" not in change.act]
    assert revisions == sorted(set(revisions)) and len(revisions) == 14


async def test_a_refused_asset_is_corrected_and_submitted_again(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    asset = await market.submitted(provider)
    path = f"/catalog/v1/assets/{asset['id']}"
    no = {"reason_code": "title_misleading", "reason": "标题与内容不符"}
    refused = market.done(await bench.post(operator, f"{path}/refuse", no))
    assert (refused["state"], refused["reason_code"], refused["next_actor"]) == (
        "refused", "title_misleading", "provider",
    )  # fmt: skip
    corrected = market.done(await bench.ask("PATCH", provider, path, json={"title": "机场", "title_english": None}))
    assert (corrected["state"], corrected["title"], corrected["title_english"]) == ("draft", "机场", None)
    assert corrected["description"] == AIRPORTS["description"]
    assert market.done(await bench.post(provider, f"{path}/submit"))["state"] == "submitted"


async def test_a_raised_grade_takes_effect_in_one_commit(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    asset = await market.registered(provider)
    version_id = asset["versions"][0]["id"]
    path = f"/catalog/v1/versions/{version_id}/raise-grade"
    same = {"impacts": harm("individual", "none"), "reason": "复查"}
    assert refusal(await bench.post(operator, path, same)) == (409, "grade_not_raised")
    raised = market.done(await bench.post(operator, path, {"impacts": harm("economy", "ordinary"), "reason": "汇聚"}))
    assert (raised["grade"], raised["state"], raised["grade_revision"]) == ("G4", "confirmed", 2)
    told = (await bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}")).json()
    assert (told["grade"], told["grade_revision"]) == ("G4", 2)
    fact = (await market.facts())[-1]
    assert (fact.act, fact.data["grade"], fact.data["grade_revision"]) == ("catalog.grade_raised", "G4", 2)
    assert (await bench.get(None, f"/catalog/v1/assets/{asset['id']}")).status_code == 404
    proposal = {"impacts": harm("individual", "none"), "flags": []}
    again = await bench.post(provider, path.replace("raise-grade", "grade-proposals"), proposal)
    assert refusal(again) == (409, "grade_confirmed")


async def test_who_may_raise_a_grade(market: Market):
    bench, provider = market.bench, await market.provider()
    version_id = (await market.registered(provider))["versions"][0]["id"]
    path = f"/catalog/v1/versions/{version_id}/raise-grade"
    body = {"impacts": harm("individual", "serious"), "reason": "投诉查实"}
    others = [bench.staff("operator_system"), bench.staff("operator_security"), bench.staff("arbiter")]
    for person in (provider, await bench.member("buyer"), *others):
        assert refusal(await bench.post(person, path, body)) == (403, "not_your_role")
    raised = market.done(await bench.post(bench.staff("regulator"), path, body))
    assert (raised["grade"], raised["grade_revision"]) == ("G3", 2)
    assert raised["reasons"][0]["rationale"] == "泄露后果评估"


async def test_what_an_operator_added_outlives_a_new_proposal(market: Market):
    provider, operator = await market.provider(), market.bench.staff("operator_business")
    version_id = (await market.drafted(provider))["versions"][0]["id"]
    await market.inspected(version_id)
    await market.graded(provider, version_id)
    path = f"/catalog/v1/versions/{version_id}/raise-grade"
    market.done(await market.bench.post(operator, path, {"impacts": harm("individual", "serious"), "reason": "规模"}))
    again = await market.graded(provider, version_id)
    assert (again["grade"], again["grade_revision"]) == ("G3", 3)


async def test_a_new_version_is_reviewed_while_the_first_stays_registered(market: Market):
    bench, provider, operator = market.bench, await market.provider(), market.bench.staff("operator_business")
    asset = await market.registered(provider)
    path = f"/catalog/v1/assets/{asset['id']}"
    added = market.done(await bench.post(provider, f"{path}/versions"), 201)
    first, second = (version["id"] for version in added["versions"])
    await market.inspected(second)
    await market.graded(provider, second, harm("organisation", "serious"))

    async def states() -> list[str]:
        paths = [f"/catalog/v1/versions/{version_id}" for version_id in (first, second)]
        return [(await bench.ask_as_service("trading", "GET", path)).json()["asset_state"] for path in paths]

    assert await states() == ["registered", "draft"]
    assert market.done(await bench.post(provider, f"{path}/submit"))["state"] == "registered"
    assert await states() == ["registered", "submitted"]
    assert len((await bench.get(None, path)).json()["versions"]) == 1
    market.done(await bench.post(operator, f"{path}/register", {"grade": "G3", "note": "已复核"}))
    assert await states() == ["registered", "registered"]
    assert (await bench.get(provider, path)).json()["grade"] == "G3"


async def test_content_comes_from_the_inspector_alone_and_only_once(market: Market):
    provider = await market.provider()
    version_id = (await market.drafted(provider))["versions"][0]["id"]
    report, path = a_report(), f"/catalog/v1/versions/{version_id}/inspection"
    assert refusal(await market.report(version_id, report, service="trading")) == (403, "not_the_inspector")
    assert refusal(await market.bench.post(provider, path, report)) == (401, "invalid_token")
    refused = {"upload_id": UploadId.new(), "refused": "not_utf8"}
    assert market.done(await market.report(version_id, refused))["state"] == "refused"
    for _ in range(2):  # under another key each time
        assert market.done(await market.report(version_id, report))["state"] == "inspected"
    assert refusal(await market.report(version_id, a_report())) == (409, "content_already_inspected")
    assert await market.acts() == ["asset_drafted", "content_refused", "content_inspected", "quality_assessed"]
    assert refusal(await market.report(VersionId.new(), report)) == (404, "no_such_version")


@pytest.mark.parametrize("change", [
    {"content_hash": "AB" * 32}, {"rows": -1}, {"refused": "not_utf8"}, {"fields": None}, {"bytes": "1000"},
    {"fields": [a_field("x", "horoscope")]}, {"fields": [a_field("x") | {"null_basis_points": 10_001}]}, {"more": 1},
])  # fmt: skip
def test_reports_that_are_not_understood(change: dict[str, object]):
    report = a_report(a_field("x", "phone"))
    assert InspectionReport.model_validate(report)
    with pytest.raises(ValidationError):
        InspectionReport.model_validate(report | change)


@pytest.mark.parametrize("change", [
    {"title": " "}, {"title": "x" * 121}, {"theme": "Two Words"}, {"keywords": ["x"] * 21}, {"update_cycle": "often"},
    {"title": 7}, {"state": "registered"}, {"title": None},
])  # fmt: skip
@pytest.mark.parametrize("request_kind", [NewAsset, AssetChange])
def test_drafts_that_are_not_understood(request_kind: type[NewAsset | AssetChange], change: dict[str, object]):
    assert request_kind.model_validate(AIRPORTS)
    with pytest.raises(ValidationError):
        request_kind.model_validate(AIRPORTS | change)


@pytest.mark.parametrize("change", [
    {"impacts": []}, {"impacts": harm("mankind", "serious")}, {"impacts": harm("individual", "grave")},
    {"flags": ["secret"]}, {"impacts": [{"object": "individual", "degree": "none"}]}, {"grade": "G1"},
])  # fmt: skip
def test_proposals_that_are_not_understood(change: dict[str, object]):
    proposal = {"impacts": harm("individual", "serious"), "flags": ["minor"]}
    assert GradeProposal.model_validate(proposal)
    with pytest.raises(ValidationError):
        GradeProposal.model_validate(proposal | change)


async def test_what_is_not_understood_changes_nothing(market: Market):
    bench, provider = market.bench, await market.provider()
    assert refusal(await bench.post(provider, "/catalog/v1/assets", AIRPORTS | {"title": 7})) == (422, "malformed")
    version_id = (await market.drafted(provider))["versions"][0]["id"]
    assert refusal(await market.report(version_id, a_report() | {"rows": -1})) == (422, "malformed")
    proposals = f"/catalog/v1/versions/{version_id}/grade-proposals"
    assert refusal(await bench.post(provider, proposals, {"impacts": []})) == (422, "malformed")
    assert await market.acts() == ["asset_drafted"]


async def test_a_write_that_is_sent_twice_happens_once(market: Market):
    provider, key = await market.provider(), uuid4().hex
    answers = [await market.bench.post(provider, "/catalog/v1/assets", AIRPORTS, key=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    other = await market.bench.post(provider, "/catalog/v1/assets", AIRPORTS | {"title": "别的"}, key=key)
    assert refusal(other) == (422, "key_reused")
    assert await market.acts() == ["asset_drafted"]


async def test_another_providers_asset_is_not_there(market: Market):
    bench, owner, other = market.bench, await market.provider(), await market.provider()
    asset = await market.drafted(owner)
    path, version_id = f"/catalog/v1/assets/{asset['id']}", asset["versions"][0]["id"]
    for act, body in (("submit", None), ("withdraw", None), ("versions", None), ("source-declaration", SOURCE)):
        assert refusal(await bench.post(other, f"{path}/{act}", body)) == (404, "no_such_asset")
    assert refusal(await bench.ask("PATCH", other, path, json={"title": "mine"})) == (404, "no_such_asset")
    proposal = {"impacts": harm("individual", "none"), "flags": []}
    proposals = f"/catalog/v1/versions/{version_id}/grade-proposals"
    assert refusal(await bench.post(other, proposals, proposal)) == (404, "no_such_version")
    buyer = await bench.member("buyer")
    assert refusal(await bench.post(buyer, "/catalog/v1/assets", AIRPORTS)) == (403, "not_your_role")


async def test_content_of_a_withdrawn_asset_is_not_taken(market: Market):
    provider = await market.provider()
    asset = await market.drafted(provider)
    market.done(await market.bench.post(provider, f"/catalog/v1/assets/{asset['id']}/withdraw"))
    assert refusal(await market.report(asset["versions"][0]["id"], a_report())) == (409, "illegal_move")


async def test_of_many_operators_who_register_at_once_one_issues_the_certificate(market: Market):
    provider = await market.provider()
    asset = await market.submitted(provider)
    path, yes = f"/catalog/v1/assets/{asset['id']}/register", {"grade": "G1", "note": "已复核"}
    operators = [market.bench.staff("operator_business") for _ in range(10)]

    async def register(operator: Person) -> tuple[int, str | None]:
        """Who waited too long for the register, on a busy machine, comes back as told."""
        answer = await market.bench.post(operator, path, yes)
        while answer.json().get("code") == "register_busy":
            answer = await market.bench.post(operator, path, yes)
        return answer.status_code, answer.json().get("code")

    codes = Counter(await asyncio.gather(*map(register, operators)))
    assert codes == {(200, None): 1, (409, "not_under_review"): 9}
    assert (await market.acts()).count("asset_registered") == 1


async def test_what_was_withdrawn_says_so_on_its_certificate(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    withdrawn = market.done(await bench.post(provider, f"/catalog/v1/assets/{asset['id']}/withdraw"))
    assert (withdrawn["state"], withdrawn["reason_code"]) == ("withdrawn", "withdrawn_by_provider")
    certificate = (await bench.get(None, f"/catalog/v1/certificates/{asset['certificate_id']}")).json()
    assert (certificate["state"], certificate["title"]) == ("withdrawn", AIRPORTS["title"])
    assert (await bench.get(None, f"/catalog/v1/assets/{asset['id']}")).status_code == 404
    assert refusal(await bench.get(None, f"/catalog/v1/certificates/{CertificateId.new()}")) == (
        404, "no_such_certificate",
    )  # fmt: skip
    assert refusal(await bench.post(provider, f"/catalog/v1/assets/{AssetId.new()}/withdraw")) == (
        404, "no_such_asset",
    )  # fmt: skip
