"""Uploads over HTTP: announced, sent, inspected, and what the provider is told."""

import asyncio
from hashlib import sha256

import pytest

from services.delivery.rules.upload import RECEIVED_WITHIN
from shared.ids import VersionId
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.made_files import persons

GOOD = b"icao,lat\nZBAA,40.08\nZSPD,31.14\n"


async def test_a_file_is_announced_sent_inspected_and_reported(desk: Desk):
    provider, version_id, upload_id = await desk.declared(GOOD)
    assert await desk.state(provider, upload_id) == ("declared", None, "provider")
    assert (await desk.send(provider, upload_id, GOOD)).json()["state"] == "received"
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("inspected", None, None)
    [(reported, report, key)] = desk.shelf.reports
    assert (reported, report.rows, report.content_hash) == (version_id, 2, sha256(GOOD).hexdigest())
    assert upload_id in key
    for act in ("upload_declared", "content_received", "content_inspected"):
        [fact] = await desk.facts(act)
        assert fact["upload_id"] == upload_id


@ONE_DATABASE
async def test_the_catalogue_is_told_what_was_detected_and_on_what_grounds(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id, content = desk.shelf.add(provider), persons()
    upload = (await desk.declare(provider, version_id, content)).json()
    await desk.send(provider, upload["id"], content)
    await desk.tick()
    [(_, report, _)] = desk.shelf.reports
    found = {one.name: one.detections[0] for one in report.fields or []}
    assert {name: one.kind for name, one in found.items()} == {
        "姓名": "name", "身份证号": "resident_id", "手机号": "phone", "地址": "address",
    }  # fmt: skip
    assert found["身份证号"].checksum_basis_points == 10_000 and found["姓名"].checksum_basis_points is None


@ONE_DATABASE
async def test_a_file_that_cannot_be_inspected_is_refused_and_not_kept(desk: Desk):
    provider, _, upload_id = await desk.declared(b"a,b\n1,2\n3\n")
    await desk.send(provider, upload_id, b"a,b\n1,2\n3\n")
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("refused", "ragged", None)
    assert (await desk.bench.get(provider, f"/delivery/v1/uploads/{upload_id}")).json()["reason_line"] == 3
    [fact] = await desk.facts("content_refused")
    assert (fact["reason_code"], fact["reason_line"]) == ("ragged", 3)
    assert desk.shelf.reports[0][1].refused == "ragged"
    assert not list((desk.depot.scratch.parent / "content").rglob("content_*"))
    assert not list(desk.depot.scratch.iterdir())


@ONE_DATABASE
@pytest.mark.parametrize("sent, reason", [(GOOD[:-1], "truncated"), (GOOD + b"x", "longer_than_declared")])
async def test_a_length_that_cannot_be_right_costs_nothing(desk: Desk, sent: bytes, reason: str):
    provider, _, upload_id = await desk.declared(GOOD)
    answer = await desk.send(provider, upload_id, sent)
    assert (answer.status_code, answer.json()["code"], answer.json()["reason_code"]) == (422, "content_differs", reason)
    assert await desk.state(provider, upload_id) == ("declared", None, "provider")
    assert (await desk.send(provider, upload_id, GOOD)).is_success


async def test_other_bytes_than_announced_refuse_the_upload(desk: Desk):
    provider, version_id, upload_id = await desk.declared(GOOD)
    answer = await desk.send(provider, upload_id, GOOD.replace(b"ZBAA", b"ZBAB"))
    assert (answer.status_code, answer.json()["reason_code"]) == (422, "hash_mismatch")
    assert await desk.state(provider, upload_id) == ("refused", "hash_mismatch", None)
    assert not desk.shelf.reports
    assert not list((desk.depot.scratch.parent / "content").rglob("content_*"))
    assert (await desk.declare(provider, version_id, GOOD)).status_code == 201  # and again, from the start


async def test_content_is_taken_once(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    again = await desk.send(provider, upload_id, GOOD)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_receive")


async def test_a_version_takes_one_content(desk: Desk):
    provider, version_id, _ = await desk.declared(GOOD)
    again = await desk.declare(provider, version_id, GOOD + b"x")
    assert (again.status_code, again.json()["code"]) == (409, "version_has_content")


async def test_of_ten_announcements_at_once_one_stands(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = desk.shelf.add(provider)
    answers = await asyncio.gather(*(desk.declare(provider, version_id, GOOD + bytes([n])) for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_of_two_contents_sent_at_once_one_is_kept(desk: Desk):
    provider, _, upload_id = await desk.declared(GOOD)
    forged = GOOD.replace(b"ZBAA", b"ZBAB")
    answers = await asyncio.gather(*(desk.send(provider, upload_id, each) for each in (GOOD, forged, GOOD)))
    kept = [path.read_bytes() for path in (desk.depot.scratch.parent / "content").rglob("content_*")]
    taken = [answer for answer in answers if answer.is_success]
    assert kept == ([GOOD] if taken else [])  # never the forged bytes under the good hash


async def test_two_inspectors_at_once_inspect_each_upload_once(desk: Desk):
    for _ in range(3):
        provider, _, upload_id = await desk.declared(GOOD)
        await desk.send(provider, upload_id, GOOD)
    await asyncio.gather(desk.tick(), desk.tick())
    assert len(desk.shelf.reports) == 3 == len(await desk.facts("content_inspected"))


async def test_the_same_announcement_twice_is_one_upload(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = desk.shelf.add(provider)
    first, second = [await desk.declare(provider, version_id, GOOD, key="announce-1") for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201) and first.json() == second.json()


@ONE_DATABASE
@pytest.mark.parametrize("changes, status, code", [
    ({"media_type": "application/zip"}, 415, "format_not_taken"),
    ({"bytes": 2**40},                  413, "upload_too_large"),
    ({"bytes": 0},                      422, "malformed"),
    ({"bytes": "12"},                   422, "malformed"),
    ({"content_hash": "AB" * 32},       422, "bad_content_hash"),
    ({"file_name": "../../etc/passwd"}, 422, "bad_file_name"),
    ({"state": "inspected"},            422, "malformed"),
])  # fmt: skip
async def test_refused_announcements(desk: Desk, changes: dict[str, object], status: int, code: str):
    provider = await desk.bench.member("provider")
    answer = await desk.declare(provider, desk.shelf.add(provider), GOOD, None, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@ONE_DATABASE
async def test_a_strangers_version_and_an_absent_one_look_the_same(desk: Desk):
    owner, stranger = await desk.bench.member("provider"), await desk.bench.member("provider")
    answers = [
        await desk.declare(stranger, version_id, GOOD) for version_id in (desk.shelf.add(owner), VersionId.new())
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404] and bodies[0] == bodies[1]


async def test_a_stranger_can_neither_see_nor_send_an_upload(desk: Desk):
    _, _, upload_id = await desk.declared(GOOD)
    stranger = await desk.bench.member("provider")
    assert (await desk.bench.get(stranger, f"/delivery/v1/uploads/{upload_id}")).status_code == 404
    assert (await desk.send(stranger, upload_id, GOOD)).status_code == 404


@ONE_DATABASE
async def test_a_buyer_announces_nothing(desk: Desk):
    buyer = await desk.bench.member("buyer")
    assert (await desk.declare(buyer, VersionId.new(), GOOD)).status_code == 403


async def test_nothing_sent_by_the_deadline_ends_the_upload(desk: Desk):
    provider, version_id, upload_id = await desk.declared(GOOD)
    desk.bench.clock.advance(seconds=RECEIVED_WITHIN.total_seconds())
    await desk.bench.refresh()
    late = await desk.send(provider, upload_id, GOOD)  # decided by the time, not by the job
    assert (late.status_code, late.json()["code"]) == (409, "upload_expired")
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("expired", "not_received", None)
    assert (await desk.declare(provider, version_id, GOOD)).status_code == 201


@ONE_DATABASE
async def test_a_version_that_was_closed_meanwhile_takes_no_content(desk: Desk):
    provider, version_id, upload_id = await desk.declared(GOOD)
    await desk.send(provider, upload_id, GOOD)
    del desk.shelf.versions[version_id]
    desk.shelf.failure = None

    async def gone(*_: object) -> None:
        await desk.shelf.version(version_id)

    desk.shelf.report_inspection = gone  # pyright: ignore[reportAttributeAccessIssue]
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("refused", "version_closed", None)
