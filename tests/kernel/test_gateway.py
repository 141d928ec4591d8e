"""The front of the market: what belongs to no service, and whether all of them are there."""

import asyncio
import re
from collections.abc import AsyncGenerator

import pytest
from httpx2 import ASGITransport, AsyncClient

from services import gateway
from shared.rest import Directory
from shared.settings import SERVICES, Settings


async def drops(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def is_ready(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def client_of(directory: Directory) -> AsyncClient:
    transport = ASGITransport(gateway.build(Settings(), directory), raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
async def front() -> AsyncGenerator[AsyncClient]:
    async with await client_of(Directory()) as client:
        yield client


async def test_the_market_is_ready_when_all_are_and_otherwise_names_who_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gateway, "READINESS_SECONDS_MAX", 1.0)
    places = dict.fromkeys(SERVICES, is_ready) | {"catalog": drops, "trading": says_nothing}
    servers = {name: await asyncio.start_server(behave, "127.0.0.1", 0) for name, behave in places.items()}
    urls = {name: f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for name, server in servers.items()}
    directory = Directory(urls | {"audit": "http://127.0.0.1:1"})
    for name in SERVICES:
        directory.connection(name)  # made before the clock runs, since a first one reads certificates
    async with await client_of(directory) as client:
        answer = await client.get("/health/ready")
        live = await client.get("/health/live")
    await directory.close()
    for server in servers.values():
        server.close()
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "not_ready", "1")
    assert answer.json()["parts"] == dict.fromkeys(SERVICES, "ready") | dict.fromkeys(
        ("catalog", "trading", "audit"), "away"
    )
    assert live.status_code == 200


async def test_what_belongs_to_no_service_is_not_found(front: AsyncClient):
    for path in ("/", "/nothing/v1", "/trading", "/redoc", "/.env", "/docs/../health/live"):
        answer = await front.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) in {
            (404, "application/problem+json"), (200, "application/json"),
        }, path  # fmt: skip


async def test_the_documents_are_shown_without_a_network(front: AsyncClient):
    page = await front.get("/docs")
    assert page.status_code == 200
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert parts and all(part.startswith("/docs/") for part in parts)
    assert not re.findall(r"https?://(?!www\.w3\.org)[a-z]", page.text)
    for part in parts:
        assert (await front.get(part)).is_success, part


async def test_the_document_is_that_of_all_services(front: AsyncClient):
    assert (await front.get("/openapi.json")).json() == gateway.document()
