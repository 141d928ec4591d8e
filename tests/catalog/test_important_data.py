"""Important data: filed and assessed before they are registered; core data: never."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from services.catalog import jobs
from services.catalog.rules import petition as petitions
from services.catalog.rules import registration
from services.catalog.rules.important_data import (
    Basis,
    CoreDataNotTradable,
    Declaration,
    ImportantDataNotAssessed,
    ImportantDataNotFiled,
    OnFile,
    denial,
    file,
)
from services.catalog.rules.petition import EXPIRED, GRANTED, SUBMITTED, Petition, RiskAssessment
from services.catalog.rules.records import Conclusion
from services.catalog.rules.viewing import EVERYTHING
from services.catalog.store import entries as store
from services.catalog.store import important_data as important_store
from services.catalog.tables.whole import metadata
from shared.errors import Failure
from shared.grades import G1, G4, G5, G6, Condition, Grade
from shared.ids import AuthorityFilingId, CertificateId, ParticipantId, PetitionId, VersionId
from tests.catalog.made import NOON, a_draft, declared, with_pending
from tests.catalog.market import Market, harm, refusal
from tests.conftest import MakeDatabase
from tests.support.bench import Person

HASH, YEAR = "ab" * 32, timedelta(days=365)
SIX_POINTS = RiskAssessment("合法必要", "低", "良好", "充分", "加密", "无", Conclusion.PASSED, "评估机构")
ASSESSED = frozenset({Condition.RISK_ASSESSMENT})
READY = OnFile(ASSESSED, filed=True)
OWNER = ParticipantId.new()
VERSION = with_pending(a_draft(OWNER), G5).versions[0]


def an_assessment(**changes: Any) -> Petition:
    asked = replace(SIX_POINTS, **changes)
    return petitions.submit(PetitionId.new(), VERSION, OWNER, asked, "提供前评估", HASH, NOON)


def accepted(petition: Petition) -> Petition:
    first = petitions.agree(petition, "user_a", G5, 1, NOON)
    assert first.state is SUBMITTED
    return petitions.agree(first, "user_b", G5, 1, NOON)


@pytest.mark.parametrize("grade, on_file, refusal", [
    (G1, OnFile(),                     None),
    (G4, OnFile(),                     None),
    (G5, OnFile(),                     ImportantDataNotAssessed),
    (G5, OnFile(filed=True),           ImportantDataNotAssessed),
    (G5, OnFile(ASSESSED),             ImportantDataNotFiled),
    (G5, READY,                        None),
    (G6, OnFile(),                     CoreDataNotTradable),
    (G6, READY,                        CoreDataNotTradable),
])  # fmt: skip
def test_which_gate_holds_which_grade(grade: Grade, on_file: OnFile, refusal: type[Failure] | None):
    found = denial(grade, on_file)
    assert found is None if refusal is None else isinstance(found, refusal)


def test_filed_and_assessed_important_data_are_registered_by_two_operators():
    entry = registration.submit(declared(with_pending(a_draft(), G5)), NOON, READY)
    once, none = registration.register(entry, G5, "user_a", CertificateId.new(), NOON, on_file=READY)
    assert none is None
    _, certificate = registration.register(once, G5, "user_b", CertificateId.new(), NOON, on_file=READY)
    assert certificate and certificate.operators == ("user_a", "user_b")


def test_an_accepted_assessment_proves_it_for_its_version_and_for_a_year():
    petition = accepted(an_assessment())
    assert (petition.state, petition.deadline, petition.next_actor) == (GRANTED, NOON + YEAR, "provider")
    assert petitions.proven([petition], VERSION.id, NOON + YEAR - timedelta(microseconds=1)) == ASSESSED
    assert petitions.proven([petition], VERSION.id, NOON + YEAR) == set()
    assert petitions.proven([petition], VersionId.new(), NOON) == set()
    assert petitions.pass_deadline(petition).state is EXPIRED


@pytest.mark.parametrize("petition", [
    an_assessment(), petitions.agree(an_assessment(), "user_a", G5, 1, NOON),
    accepted(an_assessment(conclusion=Conclusion.FAILED)), petitions.pass_deadline(accepted(an_assessment())),
])  # fmt: skip
def test_what_is_not_accepted_did_not_pass_or_is_over_proves_nothing(petition: Petition):
    assert petitions.proven([petition], VERSION.id, NOON) == set()


ANSWERS: dict[str, Any] = {
    "lawfulness_and_necessity": "合法必要", "risk_of_leaks_and_misuse": "低", "integrity_of_recipient": "良好",
    "binding_force_of_contract": "充分", "technical_measures": "加密、内网", "other": "无", "conclusion": "passed",
    "assessor": "评估机构", "rationale": "提供前评估", "evidence_hash": HASH,
}  # fmt: skip
FILING = {
    "basis": "notified",
    "authority": "省级网信部门",
    "number": "浙数备2029-17",
    "filed_at": "2029-12-01T00:00:00Z",
}
SERIOUS = harm("economy", "serious")


async def an_important(market: Market, provider: Person) -> tuple[str, str]:
    """A draft of G5, its source declared."""
    asset = await market.drafted(provider)
    version_id = asset["versions"][0]["id"]
    await market.inspected(version_id)
    assert (await market.graded(provider, version_id, SERIOUS))["grade"] == "G5"
    await market.declared(provider, asset["id"])
    return asset["id"], version_id


async def assessed(market: Market, provider: Person, version_id: str, **changes: Any) -> dict[str, Any]:
    """Accepted by two operators."""
    path = f"/catalog/v1/versions/{version_id}/risk-assessments"
    petition = market.done(await market.bench.post(provider, path, ANSWERS | changes), 201)
    for _ in range(2):
        operator = await market.officer(petition["asset_id"], "G5")
        yes = await market.bench.post(operator, f"/catalog/v1/petitions/{petition['id']}/agree", {"note": "六项已核"})
        petition = market.done(yes)
    return petition


async def test_important_data_go_from_refused_to_registered_and_stay_invisible(market: Market):
    bench, provider = market.bench, await market.provider()
    asset_id, version_id = await an_important(market, provider)
    path = f"/catalog/v1/assets/{asset_id}"
    assert refusal(await bench.post(provider, f"{path}/submit")) == (403, "important_data_not_assessed")
    assert (await assessed(market, provider, version_id))["state"] == "granted"
    assert refusal(await bench.post(provider, f"{path}/submit")) == (403, "important_data_not_filed")
    filed = market.done(await bench.post(provider, f"/catalog/v1/versions/{version_id}/authority-filings", FILING), 201)
    assert (filed["number"], filed["basis"]) == (FILING["number"], "notified")
    assert market.done(await bench.post(provider, f"{path}/submit"))["state"] == "submitted"
    for state in ("submitted", "registered"):
        yes = {"grade": "G5", "note": "已复核"}
        answer = market.done(await bench.post(await market.officer(asset_id, "G5"), f"{path}/register", yes))
        assert answer["state"] == state
    for person in (None, await bench.member("buyer")):
        assert refusal(await bench.get(person, path)) == (404, "no_such_asset")
    told = market.done(await bench.ask_as_service("trading", "GET", f"/catalog/v1/versions/{version_id}"))
    assert (told["asset_state"], told["grade"], told["on_record"]) == ("registered", "G5", ["risk_assessment"])
    acts = await market.acts()
    assert acts.count("registration_denied") == 2
    assert {"petition_granted", "conditions_changed", "important_data_filed"} <= set(acts)


async def test_an_assessment_that_failed_is_accepted_and_opens_no_gate(market: Market):
    provider = await market.provider()
    asset_id, version_id = await an_important(market, provider)
    assert (await assessed(market, provider, version_id, conclusion="failed"))["state"] == "granted"
    submit = await market.bench.post(provider, f"/catalog/v1/assets/{asset_id}/submit")
    assert refusal(submit) == (403, "important_data_not_assessed")


async def test_after_its_year_an_assessment_is_off_the_record(market: Market):
    bench, provider = market.bench, await market.provider()
    _, version_id = await an_important(market, provider)
    petition = await assessed(market, provider, version_id)
    bench.clock.advance(days=365)
    await bench.refresh()
    path = f"/catalog/v1/versions/{version_id}"
    assert market.done(await bench.ask_as_service("delivery", "GET", path))["on_record"] == []
    await jobs.tick(market.catalog)
    seen = market.done(await bench.get(provider, f"/catalog/v1/petitions/{petition['id']}"))
    assert (seen["state"], seen["reason_code"]) == ("expired", "assessment_expired")
    assert (await market.facts())[-1].data["on_record"] == []


async def test_the_catalogue_of_important_data_shows_filings_to_those_who_keep_it(market: Market):
    bench, provider = market.bench, await market.provider()
    unfiled_id, unfiled = await an_important(market, provider)
    asset_id, version_id = await an_important(market, provider)
    for number in ("1", "2"):
        told = FILING | {"number": number}
        market.done(await bench.post(provider, f"/catalog/v1/versions/{version_id}/authority-filings", told), 201)
    petition = await assessed(market, provider, version_id)
    await market.registered(provider)  # of no importance
    path = "/catalog/v1/important-data"
    keepers = bench.staff("operator_business"), bench.staff("operator_security")
    for keeper in (*keepers, bench.staff("regulator")):
        assert market.done(await bench.get(keeper, path))["items"] == []
    await bench.assigned(asset_id, Grade.G5, *keepers)
    await bench.assigned(unfiled_id, Grade.G5, *keepers)
    items, others = [market.done(await bench.get(keeper, path))["items"] for keeper in keepers]
    assert [item["version_id"] for item in items] == [version_id, unfiled] and items == others
    first, second = items
    assert (first["filing"]["number"], first["assessed_until"]) == ("2", petition["deadline"])
    assert (second["filing"], second["assessed_until"], second["grade"]) == (None, None, "G5")
    for filed, expected in (("true", version_id), ("false", unfiled)):
        answer = market.done(await bench.get(keepers[0], f"{path}?filed={filed}"))
        assert [item["version_id"] for item in answer["items"]] == [expected]
    for other in (provider, bench.staff("operator_audit")):
        assert refusal(await bench.get(other, path)) == (403, "not_your_role")


async def test_the_catalogue_takes_three_statements_however_long_it_is(database: MakeDatabase):
    kept, asked = await database("catalog", metadata), list[str]()
    engine = kept._readers.sync_engine  # pyright: ignore[reportPrivateUsage]

    def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
        asked.append(statement)

    for more in (1, 5):
        async with kept.transaction() as tx:
            for _ in range(more):
                entry = with_pending(a_draft(), G5)
                await store.add_entry(tx, entry)
                declaration = Declaration(Basis.DECLARED, "省级网信部门", "1", NOON)
                filing = file(AuthorityFilingId.new(), entry.versions[0], entry.asset.provider_id, declaration, NOON)
                await important_store.add_filing(tx, filing)
        async with kept.read() as tx:
            event.listen(engine, "before_cursor_execute", note)
            found = await important_store.catalogue(tx, EVERYTHING, None, None, 100)
            event.remove(engine, "before_cursor_execute", note)
        assert all(one.filing and one.filing.version_id == one.version_id for one in found)
        assert len([statement for statement in asked if "SELECT" in statement]) == 3
        asked.clear()


async def test_what_is_not_important_is_neither_filed_nor_assessed(market: Market):
    bench, provider = market.bench, await market.provider()
    version_id = (await market.registered(provider))["versions"][0]["id"]
    core = (await market.drafted(provider))["versions"][0]["id"]
    await market.inspected(core)
    await market.graded(provider, core, harm("national_security", "serious"))
    for version, code in ((version_id, (409, "not_important_data")), (core, (403, "core_data_not_tradable"))):
        for what, body in (("authority-filings", FILING), ("risk-assessments", ANSWERS)):
            assert refusal(await bench.post(provider, f"/catalog/v1/versions/{version}/{what}", body)) == code
    _, important = await an_important(market, provider)
    ahead = FILING | {"filed_at": "2031-01-01T00:00:00Z"}
    refused = await bench.post(provider, f"/catalog/v1/versions/{important}/authority-filings", ahead)
    assert refusal(refused) == (422, "filed_in_future")


async def test_core_data_are_refused_and_the_refusal_is_logged_on_every_way_in(market: Market):
    bench, provider = market.bench, await market.provider()
    core = harm("national_security", "serious")
    raised = {"impacts": core, "reason": "认定为核心数据"}
    regulator, operator = bench.staff("regulator"), bench.staff("operator_business")

    async def denied() -> list[tuple[str, str]]:
        acts = ("catalog.registration_denied", "catalog.core_data_stopped")
        return [(each.act, each.data["reason_code"]) for each in await market.facts() if each.act in acts]

    draft = await market.drafted(provider)
    await market.inspected(draft["versions"][0]["id"])
    await market.graded(provider, draft["versions"][0]["id"], core)
    submit = await bench.post(provider, f"/catalog/v1/assets/{draft['id']}/submit")
    assert refusal(submit) == (403, "core_data_not_tradable")
    reviewed = await market.submitted(provider)
    path = f"/catalog/v1/versions/{reviewed['versions'][0]['id']}/raise-grade"
    market.done(await bench.post(regulator, path, raised))
    yes = await bench.post(operator, f"/catalog/v1/assets/{reviewed['id']}/register", {"grade": "G6", "note": "核"})
    assert refusal(yes) == (404, "no_such_asset")
    assert await denied() == [("catalog.registration_denied", "core_data_not_tradable")]
    registered = await market.registered(provider)
    path = f"/catalog/v1/versions/{registered['versions'][0]['id']}/raise-grade"
    market.done(await bench.post(regulator, path, raised))
    assert (await denied())[1:] == [("catalog.core_data_stopped", "core_data_not_tradable")]
    assert refusal(await bench.get(None, f"/catalog/v1/assets/{registered['id']}")) == (404, "no_such_asset")
