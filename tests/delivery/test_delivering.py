"""Deliveries over HTTP: what is sent to whom, decided and charged before the first byte."""

import asyncio
from hashlib import sha256

import pytest

from services.delivery.rules.upload import MediaType
from services.trading.client import TradingClient
from shared.errors import Unavailable
from shared.grades import C1, C2, C3, C4, C5, G1, G2, G3, G4, G5, Clearance, Flag, Grade, Mode
from shared.ids import EntitlementId, ParticipantId
from tests.delivery.desk import ONE_DATABASE, Desk, deal, suspend
from tests.delivery.made_files import PLACES, parquet_of

RAW, DESENSITISED = Mode.RAW, Mode.DESENSITISED
pytestmark = ONE_DATABASE  # both: test_delivery_records.py


async def test_the_buyer_gets_the_very_bytes_that_were_sent_in(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk)
    answer = await desk.fetch(buyer, entitlement_id)
    digest = sha256(PLACES).hexdigest()
    assert (answer.status_code, answer.content) == (200, PLACES)
    assert answer.headers["ETag"] == f'"{digest}"' and answer.headers["Content-Length"] == str(len(PLACES))
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename=\"{version_id}.csv\"; filename*=UTF-8''%E8%88%AA%E7%8F%AD%202026.csv"
    )
    assert answer.headers["Repr-Digest"].startswith("sha-256=:")


@pytest.mark.parametrize("grade, flags, mode, clearance, code", [
    (G1, [],                                DESENSITISED, C1, None),
    (G2, [],                                RAW,          C1, "clearance_too_low"),
    (G2, [],                                RAW,          C2, None),
    (G2, [Flag.PERSONAL],                   RAW,          C5, "separate_consent_missing"),
    (G3, [],                                RAW,          C2, "clearance_too_low"),
    (G3, [],                                RAW,          C3, None),
    (G3, [Flag.PERSONAL],                   RAW,          C5, "personal_information_not_raw"),
    (G3, [Flag.SENSITIVE_PERSONAL],         DESENSITISED, C2, None),
    (G4, [],                                RAW,          C5, "mode_not_allowed_for_grade"),
    (G4, [],                                DESENSITISED, C4, "effect_report_missing"),
    (G5, [],                                DESENSITISED, C5, "mode_not_allowed_for_grade"),
])  # fmt: skip
async def test_the_decision_is_taken_at_each_delivery(
    desk: Desk, grade: Grade, flags: list[Flag], mode: Mode, clearance: Clearance, code: str | None
):
    buyer, entitlement_id, _ = await deal(desk, PLACES, grade, *flags, mode=mode, clearance=clearance)
    answer = await desk.fetch(buyer, entitlement_id)
    if code is None:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert not desk.counter.used and not await desk.facts("delivery_started")
    [refused] = await desk.facts("delivery_refused")
    assert refused["reason_code"] == code


async def test_a_higher_grade_with_the_same_masks_sends_the_same_rendition(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk, PLACES, G1, mode=DESENSITISED)
    before = await desk.fetch(buyer, entitlement_id)
    assert before.text.splitlines()[1] == "city 0,40.1"
    desk.shelf.grade(version_id, G3)
    assert (await desk.fetch(buyer, entitlement_id)).content == before.content


@pytest.mark.parametrize("mode", [Mode.API, Mode.COMPUTE])
async def test_other_modes_are_not_given_out_as_files(desk: Desk, mode: Mode):
    buyer, entitlement_id, _ = await deal(desk, mode=mode)
    answer = await desk.fetch(buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (405, "mode_not_served")


async def test_a_strangers_entitlement_and_an_absent_one_look_the_same(desk: Desk):
    _, entitlement_id, _ = await deal(desk)
    stranger = await desk.bench.member("buyer")
    answers = [await desk.fetch(stranger, one) for one in (entitlement_id, EntitlementId.new())]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404] and bodies[0] == bodies[1]


async def test_a_strangers_entitlement_takes_as_long_as_an_absent_one(desk: Desk):
    _, entitlement_id, _ = await deal(desk)
    await desk.depot.watch.heard_of(entitlement_id, desk.counter.granted[entitlement_id].buyer_id)
    stranger = asyncio.create_task(desk.depot.watch.heard_of(entitlement_id, ParticipantId.new()))
    absent = asyncio.create_task(desk.depot.watch.heard_of(EntitlementId.new(), ParticipantId.new()))
    assert await asyncio.wait({stranger, absent}, timeout=0.1) == (set(), {stranger, absent})
    assert await asyncio.gather(stranger, absent) == [None, None]


async def test_a_use_that_is_not_confirmed_is_named_and_charged_once(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    desk.counter.failure = Unavailable(service="trading")
    answer = await desk.fetch(buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (503, "use_unconfirmed")
    desk.counter.failure = None
    again = await desk.fetch(buyer, entitlement_id, answer.json()["use_id"])
    assert again.status_code == 200 and [use for _, use, _ in desk.counter.used] == [answer.json()["use_id"]]


@pytest.mark.parametrize("name, told", [
    (None,              None),
    ("a.csv",           "a.csv"),
    ("A.CSV",           "A.CSV"),
    ("sales.csv.exe",   "sales.csv.exe.csv"),
    ("2026.09",         "2026.09.csv"),
    ("😀.csv",          "%F0%9F%98%80.csv"),
    ("航班,50%'.csv",   "%E8%88%AA%E7%8F%AD%2C50%25%27.csv"),
])  # fmt: skip
async def test_the_name_of_what_is_sent_ends_as_its_kind_does(desk: Desk, name: str | None, told: str | None):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer")
    version_id = desk.shelf.add(provider)
    upload = await desk.declare(provider, version_id, PLACES, file_name=name)
    await desk.send(provider, upload.json()["id"], PLACES)
    await desk.tick()
    desk.shelf.grade(version_id, G1)
    answer = await desk.fetch(buyer, await desk.grant(buyer, version_id))
    told = f"; filename*=UTF-8''{told}" if told else ""
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{version_id}.csv"{told}'


async def test_no_operator_and_no_provider_fetches_content(desk: Desk):
    _, entitlement_id, _ = await deal(desk)
    provider = await desk.bench.member("provider")
    for who in (provider, desk.bench.staff("operator_system"), desk.bench.staff("regulator"), None):
        answer = await desk.bench.get(who, f"/delivery/v1/entitlements/{entitlement_id}/content")
        assert answer.status_code in (401, 403)


async def test_a_spent_quota_sends_nothing(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    desk.counter.failure = TradingClient.errors[0]()
    answer = await desk.fetch(buyer, entitlement_id)
    assert answer.is_client_error and not await desk.facts("delivery_started")


async def test_nobody_pays_for_content_that_is_not_there(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    for path in (desk.depot.scratch.parent / "content").rglob("content_*"):
        path.unlink()
    answer = await desk.fetch(buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "content_missing") and not desk.counter.used


async def test_a_suspended_entitlement_sends_nothing(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    await suspend(desk, entitlement_id)
    answer = await desk.fetch(buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "entitlement_not_active")


async def test_parquet_is_desensitised_as_parquet(desk: Desk):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer")
    content = parquet_of({"tel": ["13812341234"] * 3})
    version_id = await desk.stocked(provider, content, G3, Flag.PERSONAL, media_type=MediaType.PARQUET)
    answer = await desk.fetch(buyer, await desk.grant(buyer, version_id, DESENSITISED))
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert answer.content.startswith(b"PAR1") and b"13812341234" not in answer.content
