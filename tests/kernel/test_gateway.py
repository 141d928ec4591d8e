"""The front of the market: what belongs to no service, and whether all of them are there."""

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import Any, get_type_hints

import pytest
from fastapi import Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from httpx2 import ASGITransport, AsyncClient

from services import gateway
from shared.rest import Directory
from shared.routing import only_known_parameters, permission_of
from shared.settings import SERVICES, Settings
from shared.web import routes_of
from tests.support.clock import ToldClock
from tests.support.writes import KEYLESS, WRITES


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
    transport = ASGITransport(gateway.build(Settings(), directory, ToldClock()), raise_app_exceptions=False)
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


OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in gateway.document()["paths"].items()
    for method, operation in methods.items()
]
OPEN = {
    "POST /identity/v1/applications", "POST /identity/v1/token", "POST /identity/v1/token/revoke",
    "GET /identity/v1/merchant-classes", "POST /identity/v1/invitations/acceptance",
    "GET /identity/.well-known/jwks.json", "GET /identity/.well-known/openid-configuration",
    "GET /catalog/v1/certificates", "GET /catalog/v1/certificates/{certificate_id}",
    "GET /catalog/v1/certificates/keys", "GET /catalog/v1/grading-rules",
    "GET /pricing/v1/reference-prices", "GET /pricing/v1/price-index",
    "GET /pricing/v1/fee-schedules/current", "GET /pricing/v1/tax-rates", "GET /pricing/v1/fee-schedules",
    "POST /trading/v1/custodian/callbacks", "GET /audit/v1/log/checkpoint",
    "GET /catalog/v1/my-consent", "POST /catalog/v1/my-consent/withdrawal",
    "GET /catalog/v1/my-consent/requests", "POST /catalog/v1/my-consent/requests",
    "GET /trading/v1/complaint-receipts/{complaint_id}", "GET /trading/v1/credit-records/{participant_id}",
    "GET /audit/v1/log/tile/{level}/{path}", "GET /audit/v1/proofs/inclusion", "GET /audit/v1/proofs/consistency",
    "GET /audit/v1/proofs/inclusion.tlog-proof",
    "GET /audit/v1/retention",
}  # fmt: skip


@pytest.mark.parametrize("name, operation", OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_route_tells_its_service_its_refusals_and_what_it_asks_for(name: str, operation: dict[str, Any]):
    assert operation["tags"] == [name.split("/")[1]]
    assert operation["description"] and operation["summary"]
    for statuses in ("4XX", "5XX"):
        assert list(operation["responses"][statuses]["content"]) == ["application/problem+json"]
    assert ("security" not in operation) == (name in OPEN)


ROUTES = [route for router in gateway.routers().values() for route in routes_of(router) if isinstance(route, APIRoute)]
ANSWERS = [
    (f"{method} {route.path}", route.path_format, method.lower(), get_type_hints(route.endpoint)["return"])
    for route in ROUTES
    for method in sorted(route.methods or ())
]


def test_only_what_answers_json_is_told_to():
    """A client that is told of JSON reads what comes as JSON: a file, or nothing at all, is told as what it is."""
    paths = gateway.document()["paths"]
    untrue = [
        name
        for name, path, method, kind in ANSWERS
        if isinstance(kind, type) and issubclass(kind, Response)
        if "application/json" in paths[path][method]["responses"]["200"].get("content", {})
    ]
    assert untrue == []


def asked_of(route: APIRoute) -> list[Dependant]:
    """What stands in its signature, without what is asked of every query."""
    return [each for each in route.dependant.dependencies if each.call is not only_known_parameters]


def test_who_asks_is_asked_before_what_for():
    """Whoever is refused for a cursor learns that there is a door; without a token they are told to bring one."""
    late = [route.path for route in ROUTES if permission_of(asked_of(route)[0]) is None]
    assert late == [], "name the caller first in the signature"


def test_a_write_that_needs_a_key_says_so():
    keyed = {name for name, operation in OPERATIONS if gateway.KEY in operation.get("parameters", [])}
    assert {name for name in WRITES if name not in KEYLESS} == keyed


def test_a_visitor_may_come_without_a_token_and_a_member_may_not():
    operations = dict(OPERATIONS)
    assert operations["GET /catalog/v1/assets"]["security"] == [{"token": []}, {}]
    assert operations["POST /catalog/v1/assets"]["security"] == [{"token": []}]


async def test_the_document_is_that_of_all_services(front: AsyncClient):
    assert (await front.get("/openapi.json")).json() == gateway.document()
