"""What is put on record, what it proves and for how long, and whom it keeps from registering."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.catalog import jobs
from services.catalog.rules.records import (
    PROVES,
    Assessment,
    Conclusion,
    Consent,
    ConsentMissing,
    Evidence,
    GuardianConsentMissing,
    Kind,
    Record,
    ValidityOutOfRange,
    expire,
    proven,
    put_on_record,
    require_consents,
    withdraw,
)
from services.catalog.schemas.records import NewAssessment, NewConsent
from shared.errors import Failure
from shared.grades import Condition, Flag
from shared.ids import RecordId, VersionId
from shared.lifecycle import IllegalMove
from tests.catalog.made import NOON, a_draft
from tests.catalog.market import PERSONS, Market, refusal
from tests.support.bench import Person

HASH, DAY = "ab" * 32, timedelta(days=1)
ASSET = a_draft().asset
CONSENT = Consent("向受让方提供", 500)
ASSESSMENT = Assessment(NOON, Conclusion.PASSED, "风险可控")


def a_record(kind: Kind = Kind.SEPARATE_CONSENT, version_id: VersionId | None = None, days: int = 10) -> Record:
    content = CONSENT if kind.endswith("consent") else ASSESSMENT
    return put_on_record(RecordId.new(), ASSET, version_id, Evidence(kind, content, HASH, NOON + days * DAY), NOON)


@pytest.mark.parametrize("kind, condition", [
    ("separate_consent",  "separate_consent"),
    ("guardian_consent",  "guardian_consent"),
    ("impact_assessment", "impact_assessment"),
    ("effect_report",     "effect_report"),
])  # fmt: skip
def test_what_each_kind_proves_until_the_moment_its_time_is_up(kind: str, condition: str):
    record, version_id = a_record(Kind(kind)), VersionId.new()
    assert proven([record], version_id, NOON) == {condition}
    assert proven([record], version_id, NOON + 10 * DAY - timedelta(microseconds=1)) == {condition}
    assert proven([record], version_id, NOON + 10 * DAY) == set()
    assert set(PROVES) == set(Kind)


def test_what_was_withdrawn_expired_or_failed_proves_nothing():
    record, failed = a_record(), a_record(Kind.IMPACT_ASSESSMENT)
    content = replace(ASSESSMENT, conclusion=Conclusion.FAILED)
    failed = replace(failed, evidence=replace(failed.evidence, content=content))
    for ended in (withdraw(record, "persons_withdrew"), expire(record)):
        assert (ended.deadline, ended.next_actor) == (None, None)
        assert proven([ended, failed], VersionId.new(), NOON) == set()
        with pytest.raises(IllegalMove):
            withdraw(ended, "again")


def test_a_record_of_one_version_proves_nothing_for_another():
    one, other = VersionId.new(), VersionId.new()
    records = [a_record(version_id=one), a_record(Kind.IMPACT_ASSESSMENT)]
    assert proven(records, one, NOON) == {"separate_consent", "impact_assessment"}
    assert proven(records, other, NOON) == {"impact_assessment"}


@pytest.mark.parametrize("days, fits", [(-1, False), (0, False), (1, True), (1_095, True), (1_096, False)])
def test_how_long_a_record_may_hold(days: int, fits: bool):
    if fits:
        assert a_record(days=days).deadline == NOON + days * DAY
    else:
        with pytest.raises(ValidityOutOfRange):
            a_record(days=days)


def test_nothing_is_assessed_before_its_time():
    later = Evidence(Kind.EFFECT_REPORT, replace(ASSESSMENT, assessed_at=NOON + timedelta(seconds=1)), HASH, NOON + DAY)
    with pytest.raises(ValidityOutOfRange):
        put_on_record(RecordId.new(), ASSET, None, later, NOON)


@pytest.mark.parametrize("flags, on_record, refusal", [
    ([],                     [],                                        None),
    (["personal"],           [],                                        None),  # its basis is declared with the source
    (["sensitive_personal"], [],                                        ConsentMissing),
    (["sensitive_personal"], ["separate_consent"],                      ConsentMissing),
    (["sensitive_personal"], ["impact_assessment", "guardian_consent"], ConsentMissing),
    (["sensitive_personal"], ["separate_consent", "impact_assessment"], None),
    (["sensitive_personal", "minor"], ["separate_consent", "impact_assessment"], GuardianConsentMissing),
    (["sensitive_personal", "minor"], list(Condition),                  None),
])  # fmt: skip
def test_what_must_be_on_record_before_persons_are_registered(
    flags: list[str], on_record: list[str], refusal: type[Failure] | None
):
    told = (frozenset(map(Flag, flags)), frozenset(map(Condition, on_record)))
    if refusal is None:
        require_consents(*told)
    else:
        with pytest.raises(refusal):
            require_consents(*told)


async def on_record(market: Market, version_id: str) -> tuple[list[str], int]:
    """As a neighbour is told."""
    told = market.done(await market.bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}"))
    return told["on_record"], told["grade_revision"]


async def a_graded(market: Market, provider: Person) -> tuple[str, str]:
    asset = await market.drafted(provider)
    version_id = asset["versions"][0]["id"]
    await market.inspected(version_id, *PERSONS)
    await market.graded(provider, version_id)
    return asset["id"], version_id


async def test_neighbours_know_at_once_what_is_put_on_record_and_withdrawn(market: Market):
    provider = await market.provider()
    asset_id, version_id = await a_graded(market, provider)
    assert await on_record(market, version_id) == ([], 1)
    consent = await market.recorded(provider, asset_id, "separate_consent", version_id=version_id)
    assert (consent["state"], consent["next_actor"], consent["deadline"]) == (
        "in_force", "provider", consent["valid_until"],
    )  # fmt: skip
    assert await on_record(market, version_id) == (["separate_consent"], 2)
    second = await market.recorded(provider, asset_id, "separate_consent")
    assert await on_record(market, version_id) == (["separate_consent"], 2)  # nothing new is proven by it

    async def withdrawn(record: dict[str, str]) -> None:
        path = f"/catalog/v1/records/{record['id']}/withdraw"
        done = market.done(await market.bench.post(provider, path, {"reason_code": "persons_withdrew"}))
        assert (done["state"], done["reason_code"], done["deadline"]) == ("withdrawn", "persons_withdrew", None)

    await withdrawn(consent)
    assert await on_record(market, version_id) == (["separate_consent"], 2)
    await withdrawn(second)
    assert await on_record(market, version_id) == ([], 3)
    assert (await market.acts())[-3:] == ["record_withdrawn", "record_withdrawn", "conditions_changed"]
    change = (await market.facts())[-1]
    assert (change.data["on_record"], change.data["grade_revision"], change.data["grade"]) == ([], 3, "G3")


async def test_a_record_expires_by_itself_and_proves_nothing_before_anyone_notices(market: Market):
    bench, provider = market.bench, await market.provider()
    asset_id, version_id = await a_graded(market, provider)
    record = await market.recorded(provider, asset_id, "impact_assessment", days=5)
    bench.clock.advance(days=5)
    await bench.refresh()
    assert await on_record(market, version_id) == ([], 2)
    await jobs.tick(market.catalog)
    assert await on_record(market, version_id) == ([], 3)
    seen = market.done(await bench.get(provider, f"/catalog/v1/records/{record['id']}"))
    assert (seen["state"], seen["reason_code"]) == ("expired", "valid_until_passed")
    before = await market.acts()
    assert before[-2:] == ["record_expired", "conditions_changed"]
    await jobs.tick(market.catalog)
    assert await market.acts() == before


async def test_whoever_withdraws_what_has_just_run_out_hides_nothing(market: Market):
    bench, provider = market.bench, await market.provider()
    asset_id, _ = await a_graded(market, provider)
    record = await market.recorded(provider, asset_id, "separate_consent", days=5)
    bench.clock.advance(days=6)
    await bench.refresh()
    path = f"/catalog/v1/records/{record['id']}/withdraw"
    market.done(await bench.post(provider, path, {"reason_code": "persons_withdrew"}))
    assert (await market.acts())[-2:] == ["record_withdrawn", "conditions_changed"]


async def test_a_consent_withdrawn_under_review_stops_the_registration(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.submitted(provider, *PERSONS)
    page = market.done(await bench.get(provider, f"/catalog/v1/records?asset_id={asset['id']}"))
    consent = next(record for record in page["items"] if record["kind"] == "separate_consent")
    why = {"reason_code": "persons_withdrew"}
    market.done(await bench.post(provider, f"/catalog/v1/records/{consent['id']}/withdraw", why))
    yes = {"grade": "G3", "note": "已复核"}
    answer = await bench.post(bench.staff("operator_business"), f"/catalog/v1/assets/{asset['id']}/register", yes)
    assert refusal(answer) == (409, "consent_missing")


async def test_minors_are_registered_with_their_guardians_consent(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.drafted(provider)
    version_id, path = asset["versions"][0]["id"], f"/catalog/v1/assets/{asset['id']}"
    await market.inspected(version_id, *PERSONS)
    await market.graded(provider, version_id, [{"object": "individual", "degree": "none", "rationale": "无"}], "minor")
    await market.declared(provider, asset["id"], personal_information_basis="合成数据")
    for kind in ("separate_consent", "impact_assessment"):
        await market.recorded(provider, asset["id"], kind)
    assert refusal(await bench.post(provider, f"{path}/submit")) == (409, "guardian_consent_missing")
    await market.recorded(provider, asset["id"], "guardian_consent")
    assert market.done(await bench.post(provider, f"{path}/submit"))["state"] == "submitted"


async def test_records_are_for_their_provider_the_operators_and_the_regulator(market: Market):
    bench, provider, stranger = market.bench, await market.provider(), await market.provider()
    asset_id, _ = await a_graded(market, provider)
    record = await market.recorded(provider, asset_id, "separate_consent")
    other = await market.recorded(provider, asset_id, "effect_report")
    path = f"/catalog/v1/records/{record['id']}"
    absent = f"/catalog/v1/records/{RecordId.new()}"
    assert refusal(await bench.get(stranger, path)) == refusal(await bench.get(stranger, absent)) == (
        404, "no_such_record",
    )  # fmt: skip
    why = {"reason_code": "mine"}
    assert refusal(await bench.post(stranger, f"{path}/withdraw", why)) == (404, "no_such_record")
    assert refusal(await market.record(stranger, asset_id, "separate_consent")) == (404, "no_such_asset")
    assert refusal(await bench.get(await bench.member("buyer"), path)) == (403, "not_your_role")
    for reader in (provider, bench.staff("operator_business"), bench.staff("regulator")):
        assert market.done(await bench.get(reader, path)) == record
        first = market.done(await bench.get(reader, "/catalog/v1/records?limit=1"))
        rest = market.done(await bench.get(reader, f"/catalog/v1/records?limit=1&cursor={first['next_cursor']}"))
        assert [*first["items"], *rest["items"]] == [other, record]
    assert market.done(await bench.get(stranger, "/catalog/v1/records"))["items"] == []


async def test_no_record_is_put_where_there_is_nothing_to_cover(market: Market):
    bench, provider = market.bench, await market.provider()
    asset_id, _ = await a_graded(market, provider)
    elsewhere = await market.record(provider, asset_id, "separate_consent", version_id=VersionId.new())
    assert refusal(elsewhere) == (404, "no_such_version")
    assert refusal(await market.record(provider, asset_id, "effect_report", days=0)) == (422, "validity_out_of_range")
    market.done(await bench.post(provider, f"/catalog/v1/assets/{asset_id}/withdraw"))
    assert refusal(await market.record(provider, asset_id, "separate_consent")) == (409, "illegal_move")


@pytest.mark.parametrize("schema, kind, taken", [
    (NewConsent,    "separate_consent",  True),  (NewConsent,    "guardian_consent", True),
    (NewConsent,    "impact_assessment", False), (NewConsent,    "effect_report",    False),
    (NewAssessment, "impact_assessment", True),  (NewAssessment, "effect_report",    True),
    (NewAssessment, "separate_consent",  False), (NewAssessment, "guardian_consent", False),
])  # fmt: skip
def test_a_consent_is_no_assessment(schema: type[NewConsent | NewAssessment], kind: str, taken: bool):
    told: dict[str, object] = {"kind": kind, "evidence_hash": HASH, "valid_until": "2030-12-01T00:00:00Z"}
    consent = {"scope": "向受让方提供", "persons": 1}
    assessment = {"assessed_at": "2029-12-01T00:00:00Z", "conclusion": "passed", "summary": "风险可控"}
    told |= consent if schema is NewConsent else assessment
    if taken:
        assert schema.model_validate(told).evidence().kind == kind
    else:
        with pytest.raises(ValidationError):
            schema.model_validate(told)


async def test_a_record_sent_twice_is_one(market: Market):
    bench, provider = market.bench, await market.provider()
    asset_id, version_id = await a_graded(market, provider)
    body = {
        "kind": "separate_consent", "scope": "向受让方提供", "persons": 1, "evidence_hash": HASH,
        "valid_until": "2030-12-01T00:00:00Z",
    }  # fmt: skip
    path = f"/catalog/v1/assets/{asset_id}/consents"
    answers = [await bench.post(provider, path, body, key="the-same-key") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await on_record(market, version_id) == (["separate_consent"], 2)
