"""What the tables promise, whoever asks."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.catalog.events.grading import PARTS_BYTES_MAX, GradeProposed, Told
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import grading as grading_rules
from services.catalog.rules import registration
from services.catalog.rules.asset import Entry, NoSuchAsset
from services.catalog.rules.certificate import NoSuchCertificate, Signed
from services.catalog.rules.evidence import Detection, Field
from services.catalog.rules.grading import Grounds, Impact, Reason
from services.catalog.rules.rule_tables import Degree, Object
from services.catalog.rules.version import NoSuchVersion, propose_grade, report_content
from services.catalog.store import entries as store
from services.catalog.store import evidence as evidence_store
from services.catalog.store.entries import ChangedMeanwhile
from services.catalog.tables.whole import metadata
from shared.canonical import encode
from shared.database import Database
from shared.facts import EVENT_BYTES_MAX, Actor, event_line, plain
from shared.grades import G1, G2, G4, Flag
from shared.ids import AssetId, CertificateId, FactId, ParticipantId, VersionId
from shared.kinds import Kind
from tests.catalog.made import NOON, a_content, a_draft, a_registered, declared, submitted, with_pending
from tests.conftest import MakeDatabase

FIELDS = (Field("身份证号", "text", 10, 990, (Detection(Kind.RESIDENT_ID, True, 9_980, None, 1_000),)),)
GROUNDS = Grounds((Impact(Object.INDIVIDUAL, Degree.SERIOUS, "为何"),), frozenset({Flag.MINOR}))


@pytest.fixture
async def kept(database: MakeDatabase) -> Database:
    return await database("catalog", metadata)


@pytest.mark.parametrize("entry", [
    a_draft(), declared(a_draft()), submitted(declared(with_pending(a_draft(), G2, Flag.PERSONAL))), a_registered(G4),
    asset_rules.add_version(a_registered(), VersionId.new(), NOON),
])  # fmt: skip
async def test_an_entry_is_read_as_it_was_saved(kept: Database, entry: Entry):
    async with kept.transaction() as tx:
        await store.add_entry(tx, entry)
        assert await store.entry(tx, entry.asset.id) == entry
        assert await store.entry_of_version(tx, entry.versions[-1].id) == entry


async def test_an_entry_that_changed_since_it_was_read_is_not_saved(kept: Database):
    before = declared(with_pending(a_draft()))
    after = submitted(before)
    async with kept.transaction() as tx:
        await store.add_entry(tx, before)
        await store.save_entry(tx, before, after)
        assert await store.entry(tx, before.asset.id) == after
        with pytest.raises(ChangedMeanwhile):
            await store.save_entry(tx, before, after)


async def test_a_version_that_changed_since_it_was_read_is_not_saved(kept: Database):
    before = a_draft()
    after = before.replacing(report_content(before.versions[0], a_content()))
    async with kept.transaction() as tx:
        await store.add_entry(tx, before)
        await store.save_entry(tx, before, after)
        with pytest.raises(ChangedMeanwhile):
            await store.save_entry(tx, before, after)


async def test_what_is_not_there_or_anothers_is_not_found(kept: Database):
    entry = a_draft()
    async with kept.transaction() as tx:
        await store.add_entry(tx, entry)
        assert await store.entry_for_update(tx, entry.asset.id, entry.asset.provider_id) == entry
        with pytest.raises(NoSuchAsset):
            await store.entry_for_update(tx, entry.asset.id, ParticipantId.new())
        with pytest.raises(NoSuchAsset):
            await store.entry(tx, AssetId.new())
        with pytest.raises(NoSuchVersion):
            await store.entry_of_version_for_update(tx, entry.versions[0].id, ParticipantId.new())
        with pytest.raises(NoSuchVersion):
            await store.entry_of_version(tx, VersionId.new())
        with pytest.raises(NoSuchCertificate):
            await evidence_store.certificate_by_code(tx, "0000-0000-0000")


async def test_a_grading_is_read_as_it_was_saved_and_the_last_one_counts(kept: Database):
    entry = a_draft()
    first = grading_rules.grade(GROUNDS, FIELDS)
    version = propose_grade(report_content(entry.versions[0], a_content()), first)
    second = grading_rules.grade(replace(GROUNDS, added=GROUNDS.declared), ())
    async with kept.transaction() as tx:
        await store.add_entry(tx, entry)
        await evidence_store.add_fields(tx, version.id, FIELDS)
        assert await evidence_store.fields_of(tx, [version.id, VersionId.new()]) == {version.id: FIELDS}
        assert await evidence_store.last_grading(tx, version.id) is None
        await evidence_store.add_grading(tx, version, GROUNDS, first, "user", NOON)
        assert await evidence_store.last_grading(tx, version.id) == (GROUNDS, first)
        await evidence_store.add_grading(tx, propose_grade(version, second), GROUNDS, second, "user", NOON)
        assert await evidence_store.last_grading(tx, version.id) == (GROUNDS, second)


async def test_a_version_has_one_first_certificate_and_each_is_followed_by_one(kept: Database):
    entry, certificate = registration.register(
        submitted(declared(with_pending(a_draft()))), G1, "user_a", CertificateId.new(), NOON
    )
    assert certificate
    async with kept.transaction() as tx:
        await store.add_entry(tx, entry)
        signed = Signed(certificate, "{}", "key", "signature")
        await evidence_store.add_certificate(tx, signed)
        assert await evidence_store.certificate(tx, certificate.id) == signed
        assert await evidence_store.certificate_by_code(tx, certificate.query_code) == signed
        following = replace(certificate, id=CertificateId.new(), query_code="next", supersedes=certificate.id)
        await evidence_store.add_certificate(tx, replace(signed, certificate=following))
    for other in (certificate, following):
        with pytest.raises(IntegrityError):
            async with kept.transaction() as tx:
                other = replace(other, id=CertificateId.new(), query_code="other")
                await evidence_store.add_certificate(tx, replace(signed, certificate=other))


async def test_what_is_due_is_found_from_its_deadline_on(kept: Database):
    entry, registered = a_draft(), a_registered()
    growing = asset_rules.add_version(registered, VersionId.new(), NOON - timedelta(days=1))
    async with kept.transaction() as tx:
        for one in (entry, growing):
            await store.add_entry(tx, one)
        assert await store.due(tx, NOON + timedelta(days=178)) == []
        assert await store.due(tx, NOON + timedelta(days=179)) == [registered.asset.id]
        assert set(await store.due(tx, NOON + timedelta(days=180))) == {entry.asset.id, registered.asset.id}


async def test_a_reader_of_the_database_cannot_write(kept: Database):
    with pytest.raises(DBAPIError):
        async with kept.read() as tx:
            await store.add_entry(tx, a_draft())


def test_a_grade_with_more_reasons_than_a_fact_can_carry_tells_the_strongest_and_the_digest_of_all():
    wide = tuple(replace(FIELDS[0], name=f"身份证号{number:04}" * 20) for number in range(500))
    grading = grading_rules.grade(GROUNDS, wide)
    entry = a_draft()
    version = propose_grade(report_content(entry.versions[0], a_content()), grading)
    fact = GradeProposed.of(entry.asset, version, grading.reasons)
    line = event_line(
        fact, service="catalog", fact_id=FactId.new(), actor=Actor("service", "catalog"), at=NOON, request_id=None
    )
    assert len(line) <= EVENT_BYTES_MAX
    assert 0 < len(encode(plain(fact.reasons))) <= PARTS_BYTES_MAX + 200
    assert fact.reasons_count == len(grading.reasons) > len(fact.reasons)
    assert fact.reasons[0].grade == "G3"
    narrower = GradeProposed.of(entry.asset, version, grading.reasons[:-1])
    assert narrower.reasons_digest != fact.reasons_digest


def test_a_fact_tells_all_of_a_reason_but_the_sentence_that_is_made_from_it():
    assert {field.name for field in fields(Reason)} - {field.name for field in fields(Told)} == {"text"}
