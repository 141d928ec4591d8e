"""The catalogue as its neighbours reach it."""

from uuid import uuid4

import pytest

from services.catalog.client import (
    CatalogClient,
    ContentAlreadyInspected,
    DeadlinePassed,
    InspectionReport,
    NoSuchVersion,
    NotTheInspector,
)
from shared.errors import Malformed
from shared.ids import UploadId, VersionId
from shared.rest import Peer
from tests.catalog.market import PERSONS, Market, a_report
from tests.support.bench import BenchTokens


def client_of(market: Market, service: str) -> CatalogClient:
    return CatalogClient(Peer(market.bench.directory, "catalog", BenchTokens(service, market.bench.clock)))


async def test_delivery_reports_and_reads_what_it_reported(market: Market):
    delivery, asset = client_of(market, "delivery"), await market.drafted(await market.provider())
    version_id, key = VersionId(asset["versions"][0]["id"]), uuid4().hex
    report = InspectionReport.model_validate(a_report(*PERSONS))
    told = [await delivery.report_inspection(version_id, report, key) for _ in range(2)]
    assert told[0] == told[1] == await delivery.version(version_id)
    assert (told[0].state, told[0].content_hash, told[0].grade) == ("inspected", report.content_hash, None)
    assert [field.kinds for field in told[0].fields] == [["name"], ["resident_id"], []]
    with pytest.raises(ContentAlreadyInspected) as refused:
        await delivery.report_inspection(version_id, InspectionReport.model_validate(a_report()), uuid4().hex)
    assert refused.value.facts == {"content_hash": report.content_hash}


async def test_delivery_reports_a_refusal(market: Market):
    delivery, asset = client_of(market, "delivery"), await market.drafted(await market.provider())
    refusal = InspectionReport(upload_id=UploadId.new(), refused="not_utf8")
    told = await delivery.report_inspection(VersionId(asset["versions"][0]["id"]), refusal, uuid4().hex)
    assert (told.state, told.content_hash, told.fields) == ("refused", None, [])


async def test_delivery_hears_that_an_upload_came_too_late(market: Market):
    asset, report = await market.drafted(await market.provider()), InspectionReport.model_validate(a_report())
    market.bench.clock.advance(days=180)
    with pytest.raises(DeadlinePassed) as refused:
        await client_of(market, "delivery").report_inspection(
            VersionId(asset["versions"][0]["id"]), report, "key-of-it"
        )
    assert refused.value.facts == {"overdue": "draft"}


async def test_errors_arrive_as_themselves(market: Market):
    report = InspectionReport.model_validate(a_report())
    with pytest.raises(NoSuchVersion):
        await client_of(market, "pricing").version(VersionId.new())
    with pytest.raises(NotTheInspector):
        await client_of(market, "trading").report_inspection(VersionId.new(), report, uuid4().hex)
    too_many = report.model_copy(update={"rows": -1})
    with pytest.raises(Malformed):
        await client_of(market, "delivery").report_inspection(VersionId.new(), too_many, uuid4().hex)
