"""TLS ends at the door: which versions it speaks, what it tells a browser, what stays plain beside it.

With a real nginx on deploy/nginx.conf; skipped where the machine has none.
"""

import asyncio
import json
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared import problems
from tests.support.nginx import NO_NGINX, PROGRAM, nginx
from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent.parent
HSTS = "max-age=63072000; includeSubDomains"
CONNECTIONS_MAX = 512
pytestmark = [pytest.mark.process, pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX)]


@pytest.fixture(scope="module")
def trial() -> dict[str, str]:
    printed = subprocess.run([sys.executable, ROOT / "deploy/make-env"], capture_output=True, text=True, check=True)
    return dict(re.findall(r"^(\w+)='(.*?)'$", printed.stdout, re.MULTILINE | re.DOTALL))


@asynccontextmanager
async def opened(folder: Path, trial: dict[str, str]) -> AsyncGenerator[tuple[int, int]]:
    """The plain port, and that of TLS. Behind the door a service answers everything alike, streams too."""
    # The door opens one for each of its own at once: what does not fit the line is tried again after seconds.
    service = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=CONNECTIONS_MAX)
    tls_port = free_port()
    try:
        async with nginx(folder, service.sockets[0].getsockname()[1], folder, tls=(tls_port, trial)) as url:
            yield int(url.rpartition(":")[2]), tls_port
    finally:
        service.close()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    told = b"HTTP/1.1 200 OK\r\nConnection: close\r\nStrict-Transport-Security: of-the-service\r\n"
    if b"/stream" in head.split(b"\r\n")[0]:
        writer.write(told + b"Content-Type: text/event-stream\r\n\r\ndata: first\n\n")
        await writer.drain()
        await reader.read()  # says nothing more until whoever listens is gone
    else:
        writer.write(told + b"Content-Length: 2\r\n\r\nok")
    writer.close()


def trusting(trial: dict[str, str], version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=trial["YAOSU_TLS_CERTIFICATE"])
    if version:
        context.minimum_version = context.maximum_version = version
    return context


async def ask(
    port: int, context: ssl.SSLContext | None, path: str = "/catalog/v1/assets"
) -> tuple[int, dict[str, str]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    return int(head.split()[1]), dict(re.findall(r"^([\w-]+): (.*)\r$", head, re.MULTILINE))


async def test_the_door_speaks_tls_as_it_is_now_and_vouches_with_the_certificate_of_the_trial(
    tmp_path: Path, trial: dict[str, str]
):
    async with opened(tmp_path, trial) as (_, port):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            assert (await ask(port, trusting(trial, version)))[0] == 200
        old = trusting(trial)
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await ask(port, old)
        weak = trusting(trial, ssl.TLSVersion.TLSv1_2)
        weak.set_ciphers("AES128-GCM-SHA256:ECDHE+AESCCM:ECDHE+SHA1:@SECLEVEL=0")  # keys kept, short tags, no tags
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await ask(port, weak)
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(port, ssl.create_default_context())


async def test_only_who_came_by_tls_is_told_to_come_by_it_alone(tmp_path: Path, trial: dict[str, str]):
    async with opened(tmp_path, trial) as (plain, port):
        for path in ("/catalog/v1/assets", "/metrics"):
            assert (await ask(port, trusting(trial), path))[1]["Strict-Transport-Security"] == HSTS
            assert "Strict-Transport-Security" not in (await ask(plain, None, path))[1]


async def test_who_speaks_plain_where_tls_is_spoken_is_told_so_as_a_problem(tmp_path: Path, trial: dict[str, str]):
    async with opened(tmp_path, trial) as (_, port):
        status, headers = await ask(port, None)
    assert (status, headers["Content-Type"]) == (400, problems.MEDIA_TYPE)


@pytest.mark.parametrize("path", ["/trading/v1/auctions/auction_1/stream", "/audit/v1/stream"])
async def test_what_a_stream_tells_is_there_at_once(tmp_path: Path, trial: dict[str, str], path: str):
    async with opened(tmp_path, trial) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(trial))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with asyncio.timeout(10):
            told = await reader.readuntil(b"data: first\n\n")
        assert b"text/event-stream" in told
        writer.close()


async def test_one_address_has_so_many_connections_and_then_waits(tmp_path: Path, trial: dict[str, str]):
    async with opened(tmp_path, trial) as (plain, _):
        streams = [await asyncio.open_connection("127.0.0.1", plain) for _ in range(CONNECTIONS_MAX + 1)]
        try:
            for _, writer in streams[:-1]:
                writer.write(b"GET /audit/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for reader, _ in streams[:-1]:
                await reader.readuntil(b"data: first\n\n")
            reader, writer = streams[-1]
            writer.write(b"GET /catalog/v1/assets HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            for _, each in streams:
                each.close()
    assert b"Retry-After: 1" in head and json.loads(body)["code"] == "too_many"
