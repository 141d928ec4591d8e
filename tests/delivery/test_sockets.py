"""Streams over a real connection, which the in-process transport is not: memory, partings and cuts."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import uvicorn
from httpx2 import AsyncClient, RemoteProtocolError

from services.delivery.sandbox import Sandbox
from shared.grades import G1, G4
from shared.ids import EntitlementId
from tests.delivery.desk import ONE_DATABASE, Desk, deal, desk
from tests.delivery.made_files import csv_of
from tests.support.bench import Bench, Person

pytestmark = ONE_DATABASE
MEBIBYTE = 2**20
HEADER = b"n,text\n"
LINE = b"1," + b"x" * (64 * 1024 - 3) + b"\n"  # 64 KiB
BIG = csv_of(["n", "text"], [[str(n), "x" * 60_000] for n in range(400)])  # more than any socket buffer takes


@asynccontextmanager
async def connected(one: Desk, person: Person) -> AsyncGenerator[AsyncClient]:
    server = uvicorn.Server(uvicorn.Config(one.app, port=0, lifespan="off", log_level="critical"))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {one.bench.token(person)}"}
    try:
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
            yield client
    finally:
        await server.shutdown()


def resident_bytes() -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.timeout(300)
async def test_the_service_does_not_grow_with_the_file(bench: Bench, tmp_path: Path):
    lines = 208 * MEBIBYTE // len(LINE)
    digest, size = sha256(HEADER), len(HEADER) + lines * len(LINE)
    for _ in range(lines):
        digest.update(LINE)
    peaks: list[int] = []

    async def content() -> AsyncGenerator[bytes]:
        yield HEADER
        for _ in range(lines):
            peaks.append(resident_bytes())
            yield LINE

    async with desk(bench, tmp_path, Sandbox()) as one:
        provider, buyer = await bench.member("provider"), await bench.member("buyer")
        version_id = one.shelf.add(provider)
        entitlement_id = await one.grant(buyer, version_id)
        assert await one.depot.watch.heard_of(entitlement_id, buyer.participant_id)
        told = {"bytes": size, "content_hash": digest.hexdigest()}
        upload = (await one.declare(provider, version_id, b"", None, **told)).json()
        before = resident_bytes()
        async with connected(one, provider) as client:
            answer = await client.put(f"/delivery/v1/uploads/{upload['id']}/content", content=content())
            assert answer.json()["state"] == "received", answer.text
        await one.tick()
        assert one.shelf.reports[0][1].rows == lines, one.shelf.reports
        one.shelf.grade(version_id, G1)
        path, got = f"/delivery/v1/entitlements/{entitlement_id}/content", sha256()
        async with connected(one, buyer) as client, client.stream("GET", path) as answer:
            async for chunk in answer.aiter_bytes():
                peaks.append(resident_bytes())
                got.update(chunk)
    assert got.digest() == digest.digest()
    assert max(peaks) - before <= 32 * MEBIBYTE


async def test_a_sender_who_hangs_up_may_send_again(bench: Bench, tmp_path: Path):
    async def half() -> AsyncGenerator[bytes]:
        yield BIG[: len(BIG) // 2]
        raise ConnectionError

    async with desk(bench, tmp_path) as one:
        provider = await bench.member("provider")
        upload = (await one.declare(provider, one.shelf.add(provider), BIG)).json()
        path = f"/delivery/v1/uploads/{upload['id']}/content"
        async with connected(one, provider) as client:
            with pytest.raises(ConnectionError):
                await client.put(path, content=half(), headers={"Content-Length": str(len(BIG))})
            assert (await client.put(path, content=BIG)).json()["state"] == "received"


async def test_a_receiver_who_hangs_up_is_written_down(bench: Bench, tmp_path: Path):
    async with desk(bench, tmp_path) as one:
        buyer, entitlement_id, _ = await deal(one, BIG)
        async with connected(one, buyer) as client:
            async with client.stream("GET", f"/delivery/v1/entitlements/{entitlement_id}/content") as answer:
                await anext(answer.aiter_bytes())
        [ended] = await one.facts("delivery_ended")
        sent = ended["bytes"]
        assert ended["reason_code"] == "aborted" and isinstance(sent, int) and sent < len(BIG)


async def test_who_is_cut_off_knows_that_it_is_not_the_whole(bench: Bench, tmp_path: Path):
    async with desk(bench, tmp_path) as one:
        buyer, entitlement_id, version_id = await deal(one, BIG)
        async with connected(one, buyer) as client:
            async with client.stream("GET", f"/delivery/v1/entitlements/{entitlement_id}/content") as answer:
                chunks = answer.aiter_bytes()
                got = len(await anext(chunks))
                one.shelf.grade(version_id, G4)
                bench.clock.advance(seconds=4)
                with pytest.raises(RemoteProtocolError):
                    async for chunk in chunks:
                        got += len(chunk)
        [ended] = await one.facts("delivery_ended")
        assert (ended["reason_code"], ended["cut"]) == ("cut", "regraded") and got < len(BIG)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
async def test_twenty_who_take_their_time_cost_a_few_chunks_each(bench: Bench, tmp_path: Path):
    async with desk(bench, tmp_path) as one:
        buyer, entitlement_id, _ = await deal(one, BIG)
        async with connected(one, buyer) as client:
            await client.get(f"/delivery/v1/entitlements/{entitlement_id}/content", headers={"Range": "bytes=0-0"})
            before, peaks = resident_bytes(), list[int]()
            slow = [await _asked(client, entitlement_id) for _ in range(20)]
            for _ in range(20):  # everybody's first part is under way, and nobody takes the rest yet
                for reader, _ in slow:
                    await reader.readexactly(32 * 1024)
                peaks.append(resident_bytes())
            for reader, writer in slow:
                sizes = [len(part) async for part in _parts(reader)]
                peaks.append(resident_bytes())
                writer.close()
                assert sum(sizes) + 20 * 32 * 1024 > len(BIG)
        assert len(await one.facts("delivery_ended")) == 21
    assert max(peaks) - before <= 20 * 4 * MEBIBYTE < 20 * len(BIG) / 4


async def _asked(
    client: AsyncClient, entitlement_id: EntitlementId
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has asked for the content, and buffers next to nothing of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port, limit=16 * 1024)
    lines = [
        f"GET /delivery/v1/entitlements/{entitlement_id}/content HTTP/1.1", "Host: 127.0.0.1", "Connection: close",
        f"Authorization: {client.headers['Authorization']}", "", "",
    ]  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    return reader, writer


async def _parts(reader: asyncio.StreamReader) -> AsyncGenerator[bytes]:
    while part := await reader.read(64 * 1024):
        yield part
