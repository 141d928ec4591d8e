"""The market's contents in a bucket, on a real S3 server: a whole delivery, and a store in every kind of trouble."""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.delivery.actions import delivery as deliveries
from services.delivery.actions.collection import NAMED_WITHIN, collect
from services.delivery.actions.inspection import LEASE
from services.delivery.store import content as contents
from services.delivery.store.content import ContentGone, StoreUnavailable, content_store
from shared.grades import G1, Mode
from shared.ids import ContentId
from shared.settings import Settings
from tests.delivery.desk import ONE_DATABASE, Desk, deal, desk
from tests.support.bench import Bench
from tests.support.bucket import S3Server, Wire, wire

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(120)]
FLIGHTS = b"icao,lat\n" + b"".join(b"ZB%05d,%d.08\n" % (row, row % 90) for row in range(2_000))
LARGE = b"icao,remark\n" + b"".join(b"ZB%05d,%s\n" % (row, b"delayed " * 400) for row in range(3_500))  # three parts
SECONDS_MAX = 30.0
PLACE = "/delivery/v1/entitlements"


@pytest.fixture
async def line(s3: S3Server) -> AsyncGenerator[Wire]:
    async with wire(s3.port) as one:
        yield one


@pytest.fixture(name="desk")
async def desk_with_a_bucket(
    bench: Bench, s3: S3Server, line: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Desk]:
    monkeypatch.setattr(contents, "ANSWER_SECONDS_MAX", 3.0)
    told = s3.settings(line.endpoint, prefix=f"desk-{tmp_path.name}")
    told["store_secret_key"] = SecretStr(told["store_secret_key"])
    bench.settings = bench.settings.model_copy(update=told | {"accel": True})
    async with desk(bench, tmp_path) as one:
        yield one


@ONE_DATABASE
async def test_a_file_is_uploaded_inspected_masked_and_delivered_in_parts(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk, LARGE, G1)
    first = await desk.fetch(buyer, entitlement_id, Range="bytes=0-999")
    assert (first.status_code, first.headers["Content-Range"]) == (206, f"bytes 0-999/{len(LARGE)}")
    assert "X-Accel-Redirect" not in first.headers, "a door has no folder to send it from"
    rest = await desk.fetch(buyer, entitlement_id, first.headers["Use-Id"], Range="bytes=1000-")
    assert first.content + rest.content == LARGE and rest.headers["ETag"] == f'"{sha256(LARGE).hexdigest()}"'
    assert (len(desk.counter.used), len({use_id for _, use_id, _ in desk.counter.used})) == (1, 1)

    masked = await desk.grant(buyer, version_id, Mode.DESENSITISED)
    assert (await desk.fetch(buyer, masked)).content.count(b"\n") == LARGE.count(b"\n")
    assert not list(desk.depot.scratch.iterdir()), "nothing stays of the files that children read"
    assert not (desk.depot.scratch.parent / "content").exists()


async def test_what_a_store_keeps_cannot_be_read_on_its_disk(s3: S3Server, tmp_path: Path):
    found = dict[bool, bool]()
    for encrypted in (True, False):
        marker = random.Random(encrypted).randbytes(64)
        told: dict[str, Any] = s3.settings(prefix=tmp_path.name) | ({} if encrypted else {"store_encryption": None})
        store, content_id = content_store(Settings(**told).bucket, tmp_path), ContentId.new()

        async def once(content: bytes = marker * 1000) -> AsyncGenerator[bytes]:
            yield content

        await store.put(content_id, once())
        found[encrypted] = s3.has_on_disk(marker)
    assert found == {True: False, False: True}


@ONE_DATABASE
async def test_an_upload_waits_for_a_store_that_is_away_and_goes_on_when_it_is_back(
    desk: Desk, s3: S3Server, line: Wire
):
    provider, _, upload_id = await desk.declared(LARGE)
    refused = await _sent_while(desk, provider, upload_id, s3.kill)
    assert (refused.status_code, refused.json()["code"], "Retry-After" in refused.headers) == (
        503, "store_unavailable", True,
    )  # fmt: skip
    assert await desk.state(provider, upload_id) == ("declared", None, "provider")
    async with asyncio.timeout(SECONDS_MAX):
        assert (await desk.send(provider, upload_id, LARGE)).json()["code"] == "store_unavailable"
    s3.start()
    assert (await desk.send(provider, upload_id, LARGE)).json()["state"] == "received"
    line.fall_silent()
    async with asyncio.timeout(SECONDS_MAX):
        with pytest.raises(StoreUnavailable):
            await desk.tick()
    assert await desk.state(provider, upload_id) == ("received", None, "platform")
    line.speak_again()
    desk.bench.clock.advance(seconds=LEASE.total_seconds())
    await desk.bench.refresh()
    await desk.tick()
    assert await desk.state(provider, upload_id) == ("inspected", None, None)


@ONE_DATABASE
async def test_a_store_that_falls_silent_is_given_up_in_time(desk: Desk, line: Wire):
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, G1)
    provider, _, upload_id = await desk.declared(FLIGHTS)
    line.fall_silent()
    async with asyncio.timeout(SECONDS_MAX):
        sent, fetched = await asyncio.gather(
            desk.send(provider, upload_id, FLIGHTS), desk.fetch(buyer, entitlement_id)
        )  # fmt: skip
    assert {(answer.status_code, answer.json()["code"]) for answer in (sent, fetched)} == {(503, "store_unavailable")}
    assert not desk.counter.used, "nobody pays for what does not come"
    line.speak_again()
    assert (await desk.send(provider, upload_id, FLIGHTS)).json()["state"] == "received"
    assert (await desk.fetch(buyer, entitlement_id)).content == FLIGHTS


@ONE_DATABASE
async def test_a_stopped_server_is_given_up_in_time_too(desk: Desk, s3: S3Server):
    s3.hold_still()
    try:
        async with asyncio.timeout(SECONDS_MAX):
            with pytest.raises(StoreUnavailable):
                await desk.depot.content.has(ContentId.new())
    finally:
        s3.signal(signal.SIGCONT)


@ONE_DATABASE
async def test_a_download_that_the_store_breaks_off_is_no_whole_and_goes_on_under_its_use(desk: Desk, line: Wire):
    buyer, entitlement_id, _ = await deal(desk, LARGE, G1)
    line.bytes_back_max = line.bytes_back + 5 * 2**20  # in the second of the requests that it takes
    sending = await deliveries.deliver(desk.depot, desk.acting(buyer), entitlement_id, None)
    arrived = b""
    with pytest.raises(StoreUnavailable):
        async for chunk in sending:
            arrived += chunk
    await sending.close()
    assert arrived == LARGE[: len(arrived)] and 0 < len(arrived) < len(LARGE)
    [ended] = await desk.facts("delivery_ended")
    assert (ended["reason_code"], ended["bytes"]) == ("aborted", len(arrived))
    line.bytes_back_max = None
    rest = await desk.fetch(buyer, entitlement_id, sending.delivery.use_id, Range=f"bytes={len(arrived)}-")
    assert arrived + rest.content == LARGE and len(desk.counter.used) == 1


@ONE_DATABASE
@pytest.mark.parametrize("garbage", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n<html/>",
    b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\nContent-Range: bytes 0-0/1\r\n\r\nx",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nNot Found",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    b"220 mail.example ESMTP\r\n",
    b"",
], ids=["another page", "one byte", "a page that says no", "elsewhere", "refused", "no HTTP", "nothing"])  # fmt: skip
async def test_garbage_is_neither_content_nor_its_absence(desk: Desk, line: Wire, garbage: bytes):
    content_id = ContentId.new()
    await desk.depot.content.put(content_id, _once(FLIGHTS))
    line.says = garbage
    async with asyncio.timeout(SECONDS_MAX):
        with pytest.raises(StoreUnavailable):
            await anext(desk.depot.content.part(content_id, 0, 1000))
        with pytest.raises(StoreUnavailable):
            await desk.depot.content.put(ContentId.new(), _once(FLIGHTS))


async def test_a_bucket_that_is_not_there_has_not_lost_anything(s3: S3Server, tmp_path: Path):
    told: dict[str, Any] = s3.settings(prefix="market") | {"store_url": "s3://another-bucket/market"}
    store = content_store(Settings(**told).bucket, tmp_path)
    with pytest.raises(StoreUnavailable):
        await store.has(ContentId.new())
    with pytest.raises(StoreUnavailable):
        await anext(store.chunks(ContentId.new()))
    with pytest.raises(StoreUnavailable):
        await store.put(ContentId.new(), _once(b"x"))


async def test_keys_that_the_store_does_not_know_are_told_to_nobody(
    s3: S3Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    told: dict[str, Any] = s3.settings() | {"store_secret_key": "an0ther-K3y-" * 4}
    store = content_store(Settings(**told).bucket, tmp_path)
    with pytest.raises(StoreUnavailable) as refused:
        await store.has(ContentId.new())
    said = f"{refused.value} {refused.value.facts} {caplog.text}"
    assert "403" in said and not any(secret in said for secret in (told["store_access_key"] + "/", "an0ther", "http"))


async def test_what_the_environment_says_of_amazon_decides_nothing(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    store = content_store(Settings(**s3.settings(prefix=tmp_path.name)).bucket, tmp_path)
    assert not await store.has(ContentId.new())


@ONE_DATABASE
async def test_what_nobody_names_is_collected_and_what_is_missing_is_refused(desk: Desk):
    """F-35: a process died between the object and its row; an object was lost."""
    buyer, entitlement_id, _ = await deal(desk, FLIGHTS, G1)
    unnamed = ContentId.new()
    await desk.depot.content.put(unnamed, _once(FLIGHTS))
    desk.bench.clock.advance(seconds=4 * 365 * 86_400)  # the store tells the true time, and the bench another
    [[*kept]] = [page async for page in desk.depot.content.written_before(desk.bench.clock.now())]
    await collect(desk.depot)
    assert {one for one in kept if await desk.depot.content.has(one)} == set(kept) - {unnamed} and unnamed in kept
    assert NAMED_WITHIN.days == 1
    [named] = set(kept) - {unnamed}
    await desk.depot.content.delete(named)
    desk.bench.clock.advance(seconds=-4 * 365 * 86_400)
    missing = await desk.fetch(buyer, entitlement_id)
    assert (missing.status_code, missing.json()["code"], desk.counter.used) == (409, "content_missing", [])
    with pytest.raises(ContentGone):
        await anext(desk.depot.content.chunks(named))


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content


async def _sent_while(desk: Desk, provider: Any, upload_id: str, trouble: Any) -> Any:
    """The answer to an upload in whose middle that happens."""

    async def body() -> AsyncGenerator[bytes]:
        yield LARGE[: 6 * 2**20]
        await asyncio.to_thread(trouble)
        yield LARGE[6 * 2**20 :]

    return await desk.bench.ask("PUT", provider, f"/delivery/v1/uploads/{upload_id}/content", content=body())
